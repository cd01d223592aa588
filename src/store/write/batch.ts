import { usersOfPair } from "../../log/users-of-pair.ts";
import { type Identity, identityKey, type LogEntry } from "../../model.ts";
import { decodeConversation, encodeConversation } from "../../protocol/conversation-id.ts";
import { levelMin } from "../../protocol/level.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Row, Statement } from "../engine/engine.ts";
import { forgetDevices } from "../forget-devices.ts";
import * as people from "../read/people-sql.ts";
import { integer, textOrNull } from "../row.ts";
import * as deviceSql from "../device-position-sql.ts";
import * as sql from "../sql.ts";
import { group as groupKind } from "../../log/group.ts";
import { deliverInGroups, readGroups } from "../group/group-marks-sql.ts";
import { insertMentions } from "../group/mention-sql.ts";
import { pairOf } from "./known-pairs.ts";
import * as marksSql from "./marks-sql.ts";
import * as sendSql from "./send-sql.ts";
import type { Outcome, RelationChange, Send, Settle } from "../store.ts";

export type Waiting = {
  readonly send: Send;
  readonly settle: (outcome: Outcome) => void;
  /** The idempotency key, unique in a batch. */
  readonly key: string;
  readonly bytes: number;
};

/** A call that waits for its commit. */
type WaitingCall = {
  readonly identity: Identity;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

export type WaitingDevice = WaitingCall & {
  readonly device: string;
  /** Its own position: it has every entry up to this change number. */
  readonly after?: number | undefined;
  /** The level at which it syncs; default: the lowest. */
  readonly level?: number | undefined;
};

export type Ack = Identity & {
  readonly device: string;
  readonly n: number;
  /** It has the whole log up to here, and from here to `n` only others' messages, out of the undelivered list. Absent: from the start. */
  readonly logN?: number | undefined;
  /** The level at which it has stored the log up to there; undefined: not known. */
  readonly level?: number | undefined;
  /** Its device had been forgotten, and was created again for this ack. */
  readonly isAgain?: boolean | undefined;
  readonly settle?: Settle | undefined;
};

/** Contacts and blocks that a user sets in one call: all of them are stored, or none. */
export type WaitingRelations = WaitingCall & {
  /** One item for each other user. */
  readonly said: readonly RelationChange[];
  /** The number of rows that the user has. */
  readonly present: number;
};

export type Seen = Identity & { readonly time: number };

export type Read = Identity & {
  readonly conversation: number;
  readonly seq: number;
  readonly settle?: Settle | undefined;
};

/** The content of one commit. */
export type Batch = {
  readonly sends: readonly Waiting[];
  readonly devices: readonly WaitingDevice[];
  /** At most one call of each user. */
  readonly relations: readonly WaitingRelations[];
  readonly seen: readonly Seen[];
  readonly acks: readonly Ack[];
  readonly reads: readonly Read[];
  readonly time: number;
};

export const sendKey = ({ id, from, tenant }: Send): string => `${id} ${from} ${tenant}`;

const conversationKey = (send: Send): number | null =>
  send.conversation === undefined ? null : (decodeConversation(send.conversation) ?? -1);

const rows = (list: readonly unknown[]): readonly [string] => [JSON.stringify(list)];

type Step = { readonly name: string; readonly statement: Statement };

export type WriteOptions = {
  readonly newKey: () => number;
  readonly limits: Limits;
  /** Whether the conversation of a pair of users is there: nothing is written for it then. Default: never. */
  readonly isKnown?: (pair: string) => boolean;
};

/** One row for each contact or block, in the order of the calls. */
export const relationsIn = (calls: readonly WaitingRelations[]) =>
  calls.flatMap((call) => call.said.map((said) => ({ ...said, call })));

/** The statements of one commit, in their order, each with a name for its rows. */
export function writeSteps(batch: Batch, { newKey, limits, isKnown = () => false }: WriteOptions): Step[] {
  const steps: Step[] = [{ name: "before", statement: { sql: sql.selectHead } }];
  const step = (name: string, statement: string, args: Statement["args"] = []): void => {
    steps.push({ name, statement: { sql: statement, args } });
  };

  const users = new Map<string, readonly [string, string]>();
  const pairs = new Map<string, readonly [string, string, string, number]>();
  const addUser = (tenant: string, user: string): unknown => users.set(`${tenant} ${user}`, [tenant, user]);
  for (const { identity } of batch.devices) addUser(identity.tenant, identity.user);
  const relations = relationsIn(batch.relations);
  for (const { call, other, contact, blocked } of relations) {
    // To remove a contact or a block that may not exist creates no users.
    if (!contact && !blocked) continue;
    addUser(call.identity.tenant, call.identity.user);
    addUser(call.identity.tenant, other);
  }
  const sends = batch.sends.filter(({ send }) => send.refusal === undefined);
  for (const { send } of sends) {
    const pair = pairOf(send);
    if (pair === null || pairs.has(pair.name) || isKnown(pair.name)) continue;
    const { name, one, other } = pair;
    pairs.set(name, [send.tenant, one, other, newKey()]);
    addUser(send.tenant, one);
    addUser(send.tenant, other);
  }
  if (users.size > 0) step("users", sendSql.insertUsers, rows([...users.values()]));
  if (batch.devices.length > 0) {
    const list = batch.devices.map(({ identity: { tenant, user }, device, after, level }) => [
      ...[tenant, user, device],
      ...[after ?? null, level ?? levelMin],
    ]);
    step("devices", deviceSql.insertDevices, [...rows(list), batch.time]);
    const owners = new Map(batch.devices.map(({ identity }) => [identityKey(identity), identity]));
    const all = [...owners.values()].map(({ tenant, user }) => [tenant, user] as const);
    for (const statement of forgetDevices({ owners: all, now: batch.time, limits }))
      step("forgotten", statement.sql, statement.args);
  }
  if (relations.length > 0) {
    const list = relations.map(({ call: { identity }, other, contact, blocked }) => [
      ...[identity.tenant, identity.user, other],
      ...[contact ?? null, blocked ?? null],
    ]);
    step("relations", people.upsertRelations, [...rows(list), limits.relationsMax]);
    if (relations.some(({ contact, blocked }) => contact || blocked))
      step("refused", people.selectRefusedRelations, rows(list));
    if (relations.some(({ blocked }) => blocked === false)) step("revealed", people.revealMarks);
    step("head", people.advanceHeadToRelations);
  }
  if (pairs.size > 0) {
    const list = rows([...pairs.values()]);
    step("conversations", sendSql.insertConversations, list);
    step("members", sendSql.insertMembers, list);
  }
  if (sends.length > 0) {
    const list = sends.map(({ send }) => [
      send.tenant,
      send.from,
      send.to ?? null,
      conversationKey(send),
      send.id,
      send.text,
      ...(send.mentions === undefined ? [] : [JSON.stringify(send.mentions)]),
    ]);
    step("messages", sends.length === 1 ? sendSql.insertMessage : sendSql.insertMessages, [...rows(list), batch.time]);
    if (mayAnswer(sends)) step("answers", sendSql.linkAnswers);
    if (sends.some(({ send }) => send.mentions !== undefined)) step("mentions", insertMentions);
    step("advance", sendSql.advanceConversations);
    step("head", sendSql.advanceHeadToMessages);
  }
  if (batch.acks.length > 0) {
    const ackers = new Set(batch.acks.map(identityKey));
    const list = batch.acks.map(({ tenant, user, device, n, logN, level }) => [
      ...[tenant, user, device],
      ...[n, logN ?? null, level ?? null],
    ]);
    const most = Math.max(1, Math.floor(limits.ackMessagesMax / ackers.size));
    const args = [...rows(list), most, limits.ackMessagesMax];
    step("delivered", marksSql.deliverByAcks, args);
    step("head", marksSql.advanceHeadByChanges);
    // Of a device of an older level it is known that it gets nothing of groups.
    if (batch.acks.some(({ level = groupKind.level }) => level >= groupKind.level)) {
      step("group delivered", deliverInGroups, [...rows(list), most, limits.groupReceiptsMax]);
      step("head", marksSql.advanceHeadByChanges);
    }
    step("acked", marksSql.ackDevices, args);
    step("seen", marksSql.seeDevices, [...rows(list), batch.time, limits.deviceSeenEveryMs]);
  }
  if (batch.reads.length > 0) {
    const list = batch.reads.map(({ tenant, user, conversation, seq }) => [tenant, user, conversation, seq]);
    step("read", marksSql.readMarks, rows(list));
    step("head", marksSql.advanceHeadByChanges);
    step("group read", readGroups, [...rows(list), limits.groupReceiptsMax]);
    step("head", marksSql.advanceHeadByChanges);
  }
  if (batch.seen.length > 0)
    step("seen", people.upsertSeen, rows(batch.seen.map(({ tenant, user, time }) => [tenant, user, time])));
  step("after", sql.selectHead);
  return steps;
}

/** Whether both people of one conversation may be among the senders: a sender is a recipient too, or a conversation has two senders. */
function mayAnswer(sends: readonly Waiting[]): boolean {
  const senders = new Set(sends.map(({ send }) => identityKey({ tenant: send.tenant, user: send.from })));
  const writers = new Map<string, string>();
  return sends.some(({ send: { tenant, from, to, conversation } }) => {
    if (to === from) return false;
    if (to !== undefined) return senders.has(identityKey({ tenant, user: to }));
    const writer = writers.get(conversation ?? "") ?? from;
    writers.set(conversation ?? "", writer);
    return writer !== from;
  });
}

/** Reads which of the sends that a commit did not insert are into a conversation of their sender that is there. */
export const lookUpOwnConversations = (sends: readonly Waiting[]): Statement => ({
  sql: people.selectOwnConversations,
  args: rows(sends.map(({ send }) => [send.tenant, send.from, conversationKey(send), send.to ?? null])),
});

/** Reads the messages that have the ids of sends that a commit did not insert. */
export const lookUpSends = (sends: readonly Waiting[]): Statement => ({
  sql: sendSql.selectSends,
  args: rows(sends.map(({ send }) => [send.tenant, send.from, send.to ?? null, conversationKey(send), send.id])),
});

/** Conversation ids of one commit: most of its messages share a few. */
export function createConversationIds(): (key: number) => string {
  const ids = new Map<number, string>();
  return (key) => {
    const known = ids.get(key);
    if (known !== undefined) return known;
    const id = encodeConversation(key);
    ids.set(key, id);
    return id;
  };
}

/** The log entry of a send, by its row of selectSends or of insertMessages. */
export function messageEntry(
  send: Send,
  { row, conversation, time }: { readonly row: Row; readonly conversation: string; readonly time: number },
) {
  const to = textOrNull(row, "recipient");
  return {
    tenant: send.tenant,
    ...(to === null ? { users: [], group: conversation } : { users: usersOfPair(send.from, to) }),
    change: {
      kind: "message",
      n: integer(row, "n"),
      conversation,
      seq: integer(row, "seq"),
      id: send.id,
      from: send.from,
      ...(to !== null && { to }),
      text: send.text,
      time,
      ...(to === null && send.mentions !== undefined && { mentions: send.mentions }),
    },
    origin: send.origin,
  } satisfies LogEntry<"message">;
}
