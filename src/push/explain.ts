import type { Identity } from "../model.ts";
import { encodeConversation } from "../protocol/conversation-id.ts";
import type { Row } from "../store/engine/engine.ts";
import { nullable } from "../store/push/device-store.ts";
import type { Explained, PushStore } from "../store/push/push-store.ts";
import { type PushReason, pushReasons } from "./decide.ts";

/** What was decided for one device and one provider. Times are milliseconds since the Unix epoch. */
export type PushDecision = {
  /** Absent: the user, whatever the device. */
  readonly device?: string;
  /** Absent: the device has no address. */
  readonly provider?: string;
  readonly decision: "send" | "wait" | "drop";
  readonly reason: PushReason;
  /** The reason, for people. */
  readonly meaning: string;
  /** When it was decided; absent: it was not decided by then, and this is what holds now. */
  readonly time?: number;
  /** Until when is waited. */
  readonly until?: number;
  /** Requests that did not succeed. */
  readonly attempts?: number;
  /** What the provider answered. */
  readonly answer?: string;
  /** The place of the later message that told of this one too. */
  readonly collapsedInto?: number;
  /** When the notification was taken away again. */
  readonly clearedAt?: number;
};

/** Why the devices of a user were, or were not, told of a message. */
export type PushExplanation = {
  readonly id: string;
  readonly from: string;
  readonly conversation: string;
  readonly seq: number;
  readonly time: number;
  readonly decisions: readonly PushDecision[];
  /** There are devices or decisions beyond these: the newest are told. */
  readonly more?: true;
};

/**
 * Why the devices of a user were, or were not, told of a message with this id: one explanation for each sender who used it, the newest first.
 * What is not in the store any more, or never had to be, is told as it is now. However many devices there are, only so many are told.
 */
export async function explainPush(
  store: Pick<PushStore, "explained">,
  identity: Identity,
  id: string,
): Promise<readonly PushExplanation[]> {
  const found = await store.explained(identity, id);
  return found.messages.map((message) => ({
    id,
    from: String(message["sender"]),
    conversation: encodeConversation(Number(message["conversation"])),
    seq: Number(message["seq"]),
    time: Number(message["time"]),
    decisions: decisionsOf(message, found),
    ...(found.isMore && { more: true as const }),
  }));
}

function decisionsOf(message: Row, { devices, log }: Explained): PushDecision[] {
  const place = Number(message["seq"]);
  const isOf = (row: Row): boolean =>
    row["conversation"] === message["conversation"] && Number(row["first"]) <= place && Number(row["seq"]) >= place;
  // The rows are in the order of time: the last one of an address is what it came to.
  const decided = new Map(log.filter(isOf).map((row) => [placeOf(row), row]));
  const heard = new Set([...decided.values()].map((row) => row["device"]));
  const rest = devices.filter((row) =>
    row["address"] === null ? !heard.has(row["device"]) : !decided.has(placeOf(row)),
  );
  return [
    ...[...decided.values()].map((row) => loggedDecision(row, place)),
    ...rest.map((row) => nowDecision(row, message)),
  ];
}

/** The number of an address that was forgotten may be that of another one now. */
const placeOf = (row: Row): string => `${row["address"]} ${row["device"]} ${row["provider"]}`;

const named = (row: Row) => ({
  ...(row["device"] !== "" && { device: String(row["device"]) }),
  ...(row["provider"] !== null && { provider: String(row["provider"]) }),
});

const isReason = (text: unknown): text is PushReason => typeof text === "string" && Object.hasOwn(pushReasons, text);

function because(decision: PushDecision["decision"], reason: PushReason) {
  return { decision, reason, meaning: pushReasons[reason] };
}

function loggedDecision(row: Row, place: number): PushDecision {
  const seq = Number(row["seq"]);
  const decision = row["decision"] === "send" ? "send" : row["decision"] === "wait" ? "wait" : "drop";
  const reason = isReason(row["reason"]) ? row["reason"] : "failed";
  const isCollapsed = seq > place && decision !== "drop";
  const [until, cleared] = [nullable(row["until"]), nullable(row["cleared"])];
  return {
    ...named(row),
    ...because(decision, isCollapsed && decision === "send" ? "collapsed" : reason),
    time: Number(row["time"]),
    ...(until !== null && { until }),
    ...(Number(row["attempts"]) > 0 && { attempts: Number(row["attempts"]) }),
    ...(row["answer"] !== null && { answer: String(row["answer"]) }),
    ...(isCollapsed && { collapsedInto: seq }),
    ...(cleared !== null && { clearedAt: cleared }),
  };
}

function nowDecision(row: Row, message: Row): PushDecision {
  const n = Number(message["n"]);
  if (row["address"] === null || Number(row["since"]) >= n) return { ...named(row), ...because("drop", "no_devices") };
  if (Number(row["acked"]) >= n) return { ...named(row), ...because("drop", "delivered") };
  if (Number(message["read"]) >= Number(message["seq"])) return { ...named(row), ...because("drop", "read") };
  return { ...named(row), ...because("wait", "unacked") };
}
