import type { PlantName } from "../../plants/index.ts";

/** One comparison with a tenant in a statement of the store, as the database gets it. */
export type Predicate = { readonly statement: string; readonly predicate: string };

export type SqlMutant = Predicate & {
  /** Why its removal has no effect, where the part of the statement that holds it is no predicate: such mutants are not tried. */
  readonly harmless?: string;
  /** The test that finds it, where no script of this harness comes to it. */
  readonly foundBy?: string;
  /** Why its removal cannot be seen, where another predicate, of this statement or another, does the same; removing both must be seen. */
  readonly heldBy?: { readonly statement?: string; readonly predicate: string; readonly reason: string };
};

/** The predicates to remove so that a difference can be seen. */
export const goneIn = ({ statement, predicate, heldBy }: SqlMutant): readonly Predicate[] => [
  { statement, predicate },
  ...(heldBy === undefined ? [] : [{ statement: heldBy.statement ?? statement, predicate: heldBy.predicate }]),
];

const pairReason =
  "a pair of users of two tenants never has a conversation, because insertConversations makes none; the other side still is of the tenant";

const placeReason =
  "selectConversationSeq, in the same read, has found that the conversation is the asker's: another user of the same name is not a member of it";

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
  { statement: "insertMessage", predicate: "a.tenant = s.tenant" },
  {
    statement: "insertMessage",
    predicate: "b.tenant = s.tenant",
    heldBy: { predicate: "a.tenant = s.tenant", reason: pairReason },
  },
  { statement: "deliverByAcks", predicate: "u.tenant = j.value ->> 0" },
  {
    statement: "ackDevices",
    predicate: "u.tenant = j.value ->> 0",
    heldBy: {
      predicate: "u.tenant = j.value ->> 0 #2",
      reason: "the devices that move are looked up again, and none moves beyond its own ack",
    },
  },
  { statement: "ackDevices", predicate: "u.tenant = j.value ->> 0 #2" },
  {
    statement: "seeDevices",
    predicate: "u.tenant = j.value ->> 0",
    harmless:
      "it notes when a device was last seen, which no answer shows, and by which those of too many are forgotten in turn",
  },
  { statement: "readMarks", predicate: "u.tenant = j.value ->> 0" },
  { statement: "selectSends", predicate: "a.tenant = s.tenant" },
  {
    statement: "selectSends",
    predicate: "b.tenant = s.tenant",
    heldBy: { predicate: "a.tenant = s.tenant", reason: pairReason },
  },
  { statement: "selectDevice", predicate: "u.tenant = ?1" },
  { statement: "selectNews", predicate: "u.tenant = ?1" },
  { statement: "selectMessagesInRows", predicate: "u.tenant = ?1" },
  { statement: "selectMessagesInConversations", predicate: "u.tenant = ?1" },
  ...["selectGroupMessagesInRows", "selectGroupMessagesInGroups"].map((statement) => ({
    ...{ statement, predicate: "u.tenant = ?1" },
    foundBy: "test/store/groups.contract.ts: each of its tenants has users of the same names (GR1)",
  })),
  ...["selectIsMember", "upsertMute"].map((statement) => ({
    ...{ statement, predicate: "u.tenant = ?1 #2" },
    foundBy:
      "test/store/push/device-store.test.ts: a group is not muted by a user of another tenant with the name of a member (GR68)",
  })),
  { statement: "selectReceiptsInRows", predicate: "u.tenant = ?1" },
  { statement: "selectReceiptsInConversations", predicate: "u.tenant = ?1" },
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
  ...["selectConversationSeq", "selectByIds"].flatMap((statement): SqlMutant[] => [
    { statement, predicate: "a.tenant = ?1" },
    { statement, predicate: "b.tenant = ?1", heldBy: { predicate: "a.tenant = ?1", reason: pairReason } },
  ]),
  ...["selectConversationBefore", "selectConversationAfter"].flatMap((statement): SqlMutant[] => [
    { statement, predicate: "a.tenant = ?1", heldBy: { predicate: "b.tenant = ?1", reason: placeReason } },
    { statement, predicate: "b.tenant = ?1", heldBy: { predicate: "a.tenant = ?1", reason: pairReason } },
  ]),
  { statement: "upsertRelations", predicate: "a.tenant = j.value ->> 0" },
  { statement: "upsertRelations", predicate: "b.tenant = j.value ->> 0" },
  { statement: "upsertSeen", predicate: "u.tenant = j.value ->> 0" },
  { statement: "selectSeen", predicate: "u.tenant = ?1" },
  { statement: "selectRelationships", predicate: "a.tenant = ?1" },
  { statement: "selectRelationships", predicate: "b.tenant = ?1" },
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
    harmless: "it refuses early, and upsertRelations refuses the same by its own count, in the commit",
  },
  { statement: "selectOwnRelations", predicate: "tenant = ?1" },
  { statement: "selectOwnSettings", predicate: "tenant = ?1" },
  { statement: "selectConversation", predicate: "a.tenant = ?1" },
  {
    statement: "selectConversation",
    predicate: "b.tenant = ?1",
    heldBy: { predicate: "a.tenant = ?1", reason: pairReason },
  },
  { statement: "selectOwnConversations", predicate: "a.tenant = j.value ->> 0" },
  {
    statement: "selectOwnConversations",
    predicate: "b.tenant = j.value ->> 0",
    heldBy: { predicate: "a.tenant = j.value ->> 0", reason: pairReason },
  },
  { statement: "selectConversations", predicate: "a.tenant = ?1" },
  { statement: "selectBefore", predicate: "a.tenant = ?1" },
  { statement: "selectReceivedAfter", predicate: "a.tenant = ?1" },

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
        "a user's own address that is mistaken for a moved one is deleted only without notices, and created again in the same commit",
    },
  },
  { statement: "upsertAddress", predicate: "x.tenant = u.tenant" },
  ...[
    ...["upsertAddress", "deleteSurplusAddresses", "deleteDeviceNotices"],
    ...["deleteDeviceAddresses", "deleteDevice", "upsertMute", "selectIsMember", "selectMute"],
    ...["upsertQuietHours", "deleteQuietHours", "selectQuietHours", "selectExplained"],
  ].map((statement): SqlMutant => ({ statement, predicate: "u.tenant = ?1" })),
  { statement: "insertRevocation", predicate: "u.tenant = ?1" },
  {
    statement: "deleteTickets",
    predicate: "u.tenant = ?1",
    harmless: "not tried here: to forget a device keeps all tickets, and no user ends sessions",
  },
  ...["deleteForgottenNotices", "deleteForgottenAddresses", "deleteForgottenDevices"].map((statement): SqlMutant => ({
    statement,
    predicate: "u.tenant = j.value ->> 0",
    harmless: "no other user has too many devices: each commit that creates one has deleted the surplus",
  })),
  ...["a", "b"].map((alias): SqlMutant => ({
    statement: "selectRefusedRelations",
    predicate: `${alias}.tenant = j.value ->> 0`,
  })),
  {
    statement: "deleteSurplusNotices",
    predicate: "u.tenant = ?1",
    harmless: "no other user has too many addresses: each registration has deleted its own surplus",
  },
  ...["insertUserAddresses", "selectUnaddressed"].map((statement, i, both): SqlMutant => ({
    statement,
    predicate: "u.tenant = j.value ->> 0",
    heldBy: {
      statement: both[1 - i] ?? "",
      predicate: "u.tenant = j.value ->> 0",
      reason: "both must find that a user has no address before one is created, and the first one looks before",
    },
  })),
  ...["countReadNotices", "wakeReadNotices"].map((statement): SqlMutant => ({
    statement,
    predicate: "u.tenant = j.value ->> 0",
    harmless: "no conversation belongs to two tenants, so no other user has a notice of it",
  })),
  ...["countBlockedNotices", "wakeBlockedNotices"].flatMap((statement) =>
    ["u", "o"].map((alias): SqlMutant => ({
      statement,
      predicate: `${alias}.tenant = j.value ->> 0`,
      harmless: "no user has blocked a user of another tenant, or has a conversation with one",
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

/** Edits of source that is not SQL: the keys of maps and caches, and the fan-out. */
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
  // Without the tenant alone there is no difference: no two conversations have the same id, in any tenant.
  "a notification's name lacks the tenant and the conversation",
  "push settings are read from another tenant",
];
