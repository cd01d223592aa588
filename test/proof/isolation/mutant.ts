import type { PlantName } from "../../plants/index.ts";

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

/** Edits of the source, for what is no SQL: the keys of maps and caches, and the ways of the fan-out. */
export const sourceMutants: readonly PlantName[] = [
  "a user's key lacks the tenant",
  "a send's key lacks the tenant",
  "the users of a commit lack the tenant",
  "the pairs of a commit lack the tenant",
  "a waiting ack's key lacks the tenant",
  "a waiting read mark's key lacks the tenant",
  "a settled ack's key lacks the tenant",
  "a cached conversation's key lacks the tenant",
  "a cached pair's key lacks the tenant",
  "changes go to the user of another tenant",
  "volatile frames go to the user of another tenant",
  "the tenant of a proof is not looked at",
  // Without the tenant alone nobody can see it: no two conversations have one id, whatever their tenants.
  "a notification's name lacks the tenant and the conversation",
  "push settings are read from another tenant",
];
