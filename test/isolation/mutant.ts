/** One comparison with a tenant in a statement of the store, as the database gets it. */
export type Predicate = { readonly statement: string; readonly predicate: string };

export type SqlMutant = Predicate & {
  /** Why nothing at all comes of it when it is gone, where what holds it is no predicate: such are not tried. */
  readonly harmless?: string;
  /** Why nobody can see that it is gone, where another predicate, of this statement or of another, does its work; both gone must be seen. */
  readonly heldBy?: { readonly statement?: string; readonly predicate: string; readonly reason: string };
};

/** What must be gone for somebody to see it. */
export const goneIn = ({ statement, predicate, heldBy }: SqlMutant): readonly Predicate[] => [
  { statement, predicate },
  ...(heldBy === undefined ? [] : [{ statement: heldBy.statement ?? statement, predicate: heldBy.predicate }]),
];

const pairReason =
  "a pair of users of two tenants never has a conversation, because insertConversations makes none; the other side still is of the tenant";

const placeReason =
  "selectPlace, in the same read, has found the conversation to be the asker's: whoever else has the name is not of it";

export const sqlMutants: readonly SqlMutant[] = [
  { statement: "insertDevices", predicate: "u.tenant = j.value ->> 0" },
  { statement: "insertConversations", predicate: "a.tenant = j.value ->> 0" },
  { statement: "insertConversations", predicate: "b.tenant = j.value ->> 0" },
  { statement: "insertMessages", predicate: "a.tenant = s.tenant" },
  {
    statement: "insertMessages",
    predicate: "b.tenant = s.tenant",
    heldBy: { predicate: "a.tenant = s.tenant", reason: pairReason },
  },
  { statement: "deliverByAcks", predicate: "u.tenant = j.value ->> 0" },
  {
    statement: "ackDevices",
    predicate: "u.tenant = j.value ->> 0",
    heldBy: {
      predicate: "u.tenant = j.value ->> 0 #2",
      reason: "whose devices move is looked up again, and none beyond its own ack",
    },
  },
  { statement: "ackDevices", predicate: "u.tenant = j.value ->> 0 #2" },
  { statement: "readMarks", predicate: "u.tenant = j.value ->> 0" },
  { statement: "selectSends", predicate: "a.tenant = s.tenant" },
  {
    statement: "selectSends",
    predicate: "b.tenant = s.tenant",
    heldBy: { predicate: "a.tenant = s.tenant", reason: pairReason },
  },
  { statement: "selectDevice", predicate: "u.tenant = ?1" },
  { statement: "selectReceived", predicate: "tenant = ?1" },
  { statement: "selectSent", predicate: "tenant = ?1" },
  { statement: "selectOwnReceipts", predicate: "tenant = ?1" },
  { statement: "selectPeerReceipts", predicate: "tenant = ?1" },
  { statement: "selectMembers", predicate: "c.tenant = ?1" },
  {
    statement: "selectDirect",
    predicate: "a.tenant = ?1",
    heldBy: { predicate: "b.tenant = ?1", reason: pairReason },
  },
  {
    statement: "selectDirect",
    predicate: "b.tenant = ?1",
    heldBy: { predicate: "a.tenant = ?1", reason: pairReason },
  },
  ...["selectPlace", "selectByIds"].flatMap((statement): SqlMutant[] => [
    { statement, predicate: "a.tenant = ?1" },
    { statement, predicate: "b.tenant = ?1", heldBy: { predicate: "a.tenant = ?1", reason: pairReason } },
  ]),
  ...["selectPlaceBefore", "selectPlaceAfter"].flatMap((statement): SqlMutant[] => [
    { statement, predicate: "a.tenant = ?1", heldBy: { predicate: "b.tenant = ?1", reason: placeReason } },
    { statement, predicate: "b.tenant = ?1", heldBy: { predicate: "a.tenant = ?1", reason: pairReason } },
  ]),
  ...["selectSentBefore", "selectReceivedBefore", "selectReceivedAfter", "selectEdgesBefore", "selectEdgeAfter"].map(
    (statement): SqlMutant => ({ statement, predicate: "a.tenant = ?1" }),
  ),
  { statement: "upsertRelations", predicate: "a.tenant = j.value ->> 0" },
  { statement: "upsertRelations", predicate: "b.tenant = j.value ->> 0" },
  { statement: "upsertSeen", predicate: "u.tenant = j.value ->> 0" },
  { statement: "selectSeen", predicate: "u.tenant = ?1" },
  { statement: "selectTies", predicate: "a.tenant = ?1" },
  { statement: "selectTies", predicate: "b.tenant = ?1" },
  { statement: "selectContacts", predicate: "a.tenant = ?1" },
  { statement: "selectBlocked", predicate: "a.tenant = ?1" },
  ...[
    ["selectContact", "a", "o"],
    ["selectContact", "o", "a"],
  ].map(([statement = "", one, other]): SqlMutant => ({
    statement,
    predicate: `${one}.tenant = ?1`,
    heldBy: { predicate: `${other}.tenant = ?1`, reason: "upsertRelations makes no relation of two tenants" },
  })),
  { statement: "countRelations", predicate: "a.tenant = ?1" },
  {
    statement: "countRelations",
    predicate: "o.tenant = ?1",
    harmless: "it refuses early what upsertRelations would refuse; that one counts for itself, in the commit",
  },
  { statement: "selectOwnRelations", predicate: "tenant = ?1" },
  { statement: "selectOwnConversations", predicate: "a.tenant = j.value ->> 0" },
  { statement: "selectConversations", predicate: "a.tenant = ?1" },
  { statement: "selectConversations", predicate: "b.tenant = ?1" },

  { statement: "insertDevice", predicate: "u.tenant = ?1" },
  ...["deleteMovedNotices", "deleteMovedAddresses"].flatMap((statement): SqlMutant[] =>
    ["a.tenant = ?1", "u.tenant = ?1 #2"].map((predicate) => ({ statement, predicate })),
  ),
  { statement: "deleteMovedNotices", predicate: "u.tenant = ?1" },
  {
    statement: "deleteMovedAddresses",
    predicate: "u.tenant = ?1",
    heldBy: {
      statement: "deleteMovedNotices",
      predicate: "u.tenant = ?1",
      reason:
        "one's own address, taken for one that has moved, goes only without notices, and is made anew in the same commit",
    },
  },
  { statement: "upsertAddress", predicate: "x.tenant = u.tenant" },
  ...[
    ...["upsertAddress", "deleteSurplusAddresses", "deleteDeviceNotices"],
    ...["deleteDeviceAddresses", "upsertMute", "deleteMute", "selectMute"],
    ...["upsertQuietHours", "deleteQuietHours", "selectQuietHours", "selectExplained"],
  ].map((statement): SqlMutant => ({ statement, predicate: "u.tenant = ?1" })),
  ...["deleteForgottenNotices", "deleteForgottenAddresses", "deleteForgottenDevices"].map((statement): SqlMutant => ({
    statement,
    predicate: "u.tenant = j.value ->> 0",
    harmless: "nobody else has more devices than one may: each commit that makes one has taken away the surplus",
  })),
  ...["a", "b"].map((alias): SqlMutant => ({
    statement: "selectRefusedRelations",
    predicate: `${alias}.tenant = j.value ->> 0`,
  })),
  {
    statement: "deleteSurplusNotices",
    predicate: "u.tenant = ?1",
    harmless: "nobody else has more addresses than one may: each registration has taken away its own surplus",
  },
  ...["insertUserAddresses", "selectUnaddressed"].map((statement, i, both): SqlMutant => ({
    statement,
    predicate: "u.tenant = j.value ->> 0",
    heldBy: {
      statement: both[1 - i] ?? "",
      predicate: "u.tenant = j.value ->> 0",
      reason: "an address is given to whom both find to have none, and the first of them looks before",
    },
  })),
  ...["countReadNotices", "wakeReadNotices"].map((statement): SqlMutant => ({
    statement,
    predicate: "u.tenant = j.value ->> 0",
    harmless: "no conversation is of two tenants, so that nobody else has a notice of it",
  })),
  ...["countBlockedNotices", "wakeBlockedNotices"].flatMap((statement) =>
    ["u", "o"].map((alias): SqlMutant => ({
      statement,
      predicate: `${alias}.tenant = j.value ->> 0`,
      harmless: "nobody has blocked, nor a conversation with, somebody of another tenant",
    })),
  ),
  { statement: "selectUndecided", predicate: "u.tenant = j.value ->> 0" },
  { statement: "selectBadges", predicate: "u.tenant = j.value ->> 0" },
  { statement: "upsertLog", predicate: "u.tenant = j.value ->> 4" },
  { statement: "selectExplainedAddresses", predicate: "u.tenant = ?1" },
  { statement: "selectExplainedDevices", predicate: "u.tenant = ?1" },
  {
    statement: "selectExplainedLog",
    predicate: "u.tenant = ?1",
    harmless:
      "its rows count for a message of their own conversation alone, and selectExplained has found that to be the asker's",
  },
];

type Edit = { readonly find: string; readonly replace: string };

/** An edit of a source file, for what is no SQL: the keys of maps and caches, and the ways of the fan-out. */
export type SourceMutant = {
  readonly file: string;
  readonly edits: readonly Edit[];
  /** Why nobody can see it, where something else does its work; with these edits too it must be seen. */
  readonly heldBy?: { readonly reason: string; readonly edits: readonly Edit[] };
};

/** What must be edited for somebody to see it. */
export const editsOf = ({ edits, heldBy }: SourceMutant): readonly Edit[] => [...edits, ...(heldBy?.edits ?? [])];

const edit = (file: string, find: string, replace: string): SourceMutant => ({ file, edits: [{ find, replace }] });

export const sourceMutants: readonly SourceMutant[] = [
  edit("model.ts", "`${tenant} ${user}`", "`${user}`"),
  edit("store/batch.ts", "`${id} ${from} ${tenant}`", "`${id} ${from}`"),
  edit("store/batch.ts", "users.set(`${tenant} ${user}`", "users.set(`${user}`"),
  edit("store/batch.ts", "`${send.tenant} ${one} ${other}`", "`${one} ${other}`"),
  edit("store/marks.ts", "`${ack.tenant} ${ack.user} ${ack.device}`", "`${ack.user} ${ack.device}`"),
  edit("store/marks.ts", "`${read.tenant} ${read.user} ${read.conversation}`", "`${read.user} ${read.conversation}`"),
  {
    file: "store/writer.ts",
    edits: [
      {
        find: '`${row["tenant"]} ${row["user"]} ${row["device"]}`',
        replace: '`${row["user"]} ${row["device"]}`',
      },
      { find: "`${ack.tenant} ${ack.user} ${ack.device}`", replace: "`${ack.user} ${ack.device}`" },
    ],
  },
  edit("store/reader.ts", "`${tenant} ${key}`", "`${key}`"),
  edit(
    "store/reader.ts",
    "one < other ? `${tenant} ${one} ${other}` : `${tenant} ${other} ${one}`",
    "one < other ? `${one} ${other}` : `${other} ${one}`",
  ),
  edit("hub/fan-out.ts", "registry.find(tenant, user)", 'registry.find("acme", user)'),
  edit(
    "hub/hub.ts",
    "of registry.find(tenant, user)?.connections ?? []) connection.hint(text)",
    'of registry.find("acme", user)?.connections ?? []) connection.hint(text)',
  ),
  edit("http/admit.ts", 'proof.tenant === undefined ? "default" : proof.tenant', '"default"'),
  {
    ...edit("push/name.ts", "`${tenant} ${conversation}`", "`${conversation}`"),
    heldBy: {
      reason: "no two conversations have one id, whatever their tenants",
      edits: [{ find: "`${conversation}`", replace: "``" }],
    },
  },
  edit("http/route/push.ts", "{ tenant: session.tenant, user }", '{ tenant: "acme", user }'),
];
