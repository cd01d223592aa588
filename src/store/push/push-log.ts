import type { Identity, Message } from "../../model.ts";
import { encodeConversation } from "../../protocol/conversation-id.ts";
import type { Row } from "../engine/engine.ts";
import { integer, integerOrNull, text, textOrNull } from "../row.ts";
import { type DeviceStoreOptions, readOne } from "./device-store.ts";
import type { Due } from "./due-store.ts";
import * as sql from "./push-log-sql.ts";

/** A message to explain the notifications of. Times are milliseconds since the Unix epoch. */
export type ExplainedMessage = Pick<Message, "n" | "conversation" | "seq" | "from" | "time"> & {
  /** The recipient's read mark in the conversation. */
  readonly read: number;
};

/** A device of the user as it is now: one for each of its addresses, or one without an address. */
export type ExplainedDevice = {
  readonly device: string;
  readonly address: number | null;
  readonly provider: string | null;
  /** The log position at which the address was registered. */
  readonly since: number | null;
  readonly acked: number;
};

/** A decision on the messages `first` to `seq` of a conversation, for one address. */
export type LoggedDecision = Pick<Due, "conversation" | "first" | "seq" | "address" | "device" | "provider"> & {
  readonly time: number;
  readonly decision: string;
  readonly reason: string;
  readonly until: number | null;
  readonly attempts: number;
  readonly answer: string | null;
  readonly clearedAt: number | null;
};

export type Explained = {
  readonly messages: readonly ExplainedMessage[];
  /** The user's addresses, and devices without one. */
  readonly devices: readonly ExplainedDevice[];
  /** In the order of time. */
  readonly log: readonly LoggedDecision[];
  /** There are more messages, devices or decisions than these. */
  readonly isMore: boolean;
};

/** The log of decisions, which explains why a device was notified or not. */
export type PushLog = {
  /** Deletes decisions before a time, a bounded number at once; whether there may be more of them. */
  prune(holder: string, before: number): Promise<boolean>;
  /** The decisions about a message to a user, and the facts that explain where there is none; where there are too many, the newest. */
  explained(identity: Identity, id: string): Promise<Explained>;
};

/** As a rule one sender has used an id. */
const explainedMessagesMax = 10;
/** Rows of a conversation's log that are read, from the message on: the decisions about it come soon after it. */
const explainedLogRowsMax = 2_000;

export function createPushLog({ engine, limits }: DeviceStoreOptions): PushLog {
  return {
    async prune(holder, before) {
      // Where nothing is old, nothing is written: not even an empty transaction.
      if ((await readOne(engine, { sql: sql.selectOldLog, args: [before] })).length === 0) return false;
      const [gone = []] = await engine.write([{ sql: sql.pruneLog, args: [holder, before, limits.pushPrunedMax] }]);
      return gone.length > 0 && gone.length >= limits.pushPrunedMax;
    },

    async explained({ tenant, user }, id) {
      const most = limits.pushExplainedMax;
      const [found = [], addresses = [], devices = []] = await engine.read([
        { sql: sql.selectExplained, args: [tenant, user, id, explainedMessagesMax + 1] },
        { sql: sql.selectExplainedAddresses, args: [tenant, user, most + 1] },
        { sql: sql.selectExplainedDevices, args: [tenant, user, most + 1] },
      ]);
      const shown = found.slice(0, explainedMessagesMax);
      const statements = shown.map((row) => ({
        sql: sql.selectExplainedLog,
        args: [tenant, user, integer(row, "conversation"), integer(row, "seq"), explainedLogRowsMax, most + 1],
      }));
      const logs = statements.length === 0 ? [] : await engine.read(statements);
      return {
        messages: shown.map(messageOf),
        devices: [...addresses.slice(0, most), ...devices.slice(0, most)].map(deviceOf),
        log: logs.flatMap((rows) => rows.slice(0, most).toReversed()).map(decisionOf),
        isMore: found.length > shown.length || [addresses, devices, ...logs].some((list) => list.length > most),
      };
    },
  };
}

const messageOf = (row: Row): ExplainedMessage => ({
  n: integer(row, "n"),
  conversation: encodeConversation(integer(row, "conversation")),
  seq: integer(row, "seq"),
  from: text(row, "sender"),
  time: integer(row, "time"),
  read: integer(row, "read"),
});

const deviceOf = (row: Row): ExplainedDevice => ({
  device: text(row, "device"),
  address: integerOrNull(row, "address"),
  provider: textOrNull(row, "provider"),
  since: integerOrNull(row, "since"),
  acked: integer(row, "acked"),
});

const decisionOf = (row: Row): LoggedDecision => ({
  conversation: encodeConversation(integer(row, "conversation")),
  first: integer(row, "first"),
  seq: integer(row, "seq"),
  address: integer(row, "address"),
  device: text(row, "device"),
  provider: text(row, "provider"),
  time: integer(row, "time"),
  decision: text(row, "decision"),
  reason: text(row, "reason"),
  until: integerOrNull(row, "until"),
  attempts: integer(row, "attempts"),
  answer: textOrNull(row, "answer"),
  clearedAt: integerOrNull(row, "cleared"),
});
