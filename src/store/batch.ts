import type { Identity } from "../model.ts";
import { decodeConversation, encodeConversation } from "../protocol/conversation-id.ts";
import type { Row, Statement } from "./engine/engine.ts";
import * as people from "./people-sql.ts";
import * as sql from "./sql.ts";
import type { LogEntry, Outcome, Send, Settle } from "./store.ts";

export type Waiting = {
  readonly send: Send;
  readonly settle: (outcome: Outcome) => void;
  /** The idempotency key: one of a kind in a batch. */
  readonly key: string;
  readonly bytes: number;
};

export type WaitingDevice = {
  readonly identity: Identity;
  readonly device: string;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

export type Ack = Identity & {
  readonly device: string;
  readonly n: number;
  readonly settle?: Settle | undefined;
};
/** What a user says of another one; what is absent stays as it is. */
export type WaitingRelation = {
  readonly identity: Identity;
  readonly other: string;
  readonly contact?: boolean | undefined;
  readonly blocked?: boolean | undefined;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
};

export type Seen = Identity & { readonly time: number };

export type Read = Identity & {
  readonly conversation: number;
  readonly seq: number;
  readonly settle?: Settle | undefined;
};

/** All that one commit carries. */
export type Batch = {
  readonly sends: readonly Waiting[];
  readonly devices: readonly WaitingDevice[];
  /** One of a pair. */
  readonly relations: readonly WaitingRelation[];
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

/** The statements of one commit, in order, each with the name under which its rows are found again. */
export function writeSteps(batch: Batch, options: { newKey: () => number; ackMessagesMax: number }): Step[] {
  const steps: Step[] = [{ name: "before", statement: { sql: sql.selectHead } }];
  const step = (name: string, text: string, args: Statement["args"] = []): void => {
    steps.push({ name, statement: { sql: text, args } });
  };

  const users = new Map<string, readonly [string, string]>();
  const pairs = new Map<string, readonly [string, string, string, number]>();
  const addUser = (tenant: string, user: string): unknown => users.set(`${tenant} ${user}`, [tenant, user]);
  for (const { identity } of batch.devices) addUser(identity.tenant, identity.user);
  for (const { identity, other, contact, blocked } of batch.relations) {
    // To take back what was never said makes nobody known.
    if (!contact && !blocked) continue;
    addUser(identity.tenant, identity.user);
    addUser(identity.tenant, other);
  }
  const sends = batch.sends.filter(({ send }) => send.refusal === undefined);
  for (const { send } of sends) {
    if (send.to === undefined) continue;
    const [one, other] = send.from < send.to ? [send.from, send.to] : [send.to, send.from];
    const name = `${send.tenant} ${one} ${other}`;
    if (pairs.has(name)) continue;
    pairs.set(name, [send.tenant, one, other, options.newKey()]);
    addUser(send.tenant, one);
    addUser(send.tenant, other);
  }
  if (users.size > 0) step("users", sql.insertUsers, rows([...users.values()]));
  if (batch.devices.length > 0) {
    const list = batch.devices.map(({ identity, device }) => [identity.tenant, identity.user, device]);
    step("devices", sql.insertDevices, rows(list));
  }
  if (batch.relations.length > 0) {
    const list = batch.relations.map(({ identity: { tenant, user }, other, contact, blocked }) => [
      ...[tenant, user, other],
      ...[contact ?? null, blocked ?? null],
    ]);
    step("relations", people.upsertRelations, rows(list));
    if (batch.relations.some(({ blocked }) => blocked === false)) step("revealed", people.revealMarks);
    step("head", people.advanceHeadToRelations);
  }
  if (pairs.size > 0) {
    const list = rows([...pairs.values()]);
    step("conversations", sql.insertConversations, list);
    step("members", sql.insertMembers, list);
  }
  if (sends.length > 0) {
    const list = sends.map(({ send }) => [
      send.tenant,
      send.from,
      send.to ?? null,
      conversationKey(send),
      send.id,
      send.text,
    ]);
    step("messages", sql.insertMessages, [...rows(list), batch.time]);
    step("advance", sql.advanceConversations);
    step("head", sql.advanceHeadToMessages);
  }
  if (batch.acks.length > 0) {
    const args = [
      JSON.stringify(batch.acks.map(({ tenant, user, device, n }) => [tenant, user, device, n])),
      options.ackMessagesMax,
    ];
    step("delivered", sql.deliverByAcks, args);
    step("head", sql.advanceHeadByChanges);
    step("acked", sql.ackDevices, args);
  }
  if (batch.reads.length > 0) {
    const list = batch.reads.map(({ tenant, user, conversation, seq }) => [tenant, user, conversation, seq]);
    step("read", sql.readMarks, rows(list));
    step("head", sql.advanceHeadByChanges);
  }
  if (batch.seen.length > 0)
    step("seen", people.upsertSeen, rows(batch.seen.map(({ tenant, user, time }) => [tenant, user, time])));
  step("after", sql.selectHead);
  return steps;
}

/** Asks which of the sends that a commit did not insert name a conversation of the sender's. */
export const lookUpOwnConversations = (sends: readonly Waiting[]): Statement => ({
  sql: people.selectOwnConversations,
  args: rows(sends.map(({ send }) => [send.tenant, send.from, conversationKey(send)])),
});

/** Asks what stands under the ids of sends that a commit did not insert. */
export const lookUpSends = (sends: readonly Waiting[]): Statement => ({
  sql: sql.selectSends,
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

/** A row of selectSends, or of insertMessages, as the log entry that it is. */
export function messageEntry(send: Send, row: Row, place: { readonly conversation: string; readonly time: number }) {
  const to = String(row["recipient"]);
  return {
    tenant: send.tenant,
    users: [send.from, to],
    change: {
      kind: "message",
      n: Number(row["n"]),
      conversation: place.conversation,
      seq: Number(row["seq"]),
      id: send.id,
      from: send.from,
      to,
      text: send.text,
      time: place.time,
    },
    origin: send.origin,
  } satisfies LogEntry;
}

/** One commit may move a member's marks twice (an ack, then a read): only the newest is news. */
export function newestReceipts(entries: readonly LogEntry[]): LogEntry[] {
  const newest = new Map<string, number>();
  const name = (entry: LogEntry): string =>
    entry.change.kind === "receipt" ? `${entry.change.conversation} ${entry.change.user}` : "";
  for (const entry of entries) if (entry.change.kind === "receipt") newest.set(name(entry), entry.change.n);
  return entries.filter((entry) => entry.change.kind !== "receipt" || newest.get(name(entry)) === entry.change.n);
}
