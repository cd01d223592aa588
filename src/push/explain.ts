import type { Identity } from "../model.ts";
import type { Explained, ExplainedDevice, ExplainedMessage, LoggedDecision, PushLog } from "../store/push/push-log.ts";
import { type PushReason, pushReasons } from "./decide.ts";

/** The decision for one device and one provider. Times are milliseconds since the Unix epoch. */
export type PushDecision = {
  /** Absent: any device of the user. */
  readonly device?: string;
  /** Absent: the device has no address. */
  readonly provider?: string;
  readonly decision: "send" | "wait" | "drop";
  readonly reason: PushReason;
  /** The reason, for people. */
  readonly meaning: string;
  /** When it was decided; absent: it was not decided then, and this is the decision now. */
  readonly time?: number;
  /** When the wait ends. */
  readonly until?: number;
  /** Requests that did not succeed. */
  readonly attempts?: number;
  /** The answer of the provider. */
  readonly answer?: string;
  /** The seq of the later message that the notification shows instead. */
  readonly collapsedInto?: number;
  /** When the notification was removed. */
  readonly clearedAt?: number;
};

/** Why the devices of a user were notified of a message or not. */
export type PushExplanation = {
  readonly id: string;
  readonly from: string;
  readonly conversation: string;
  readonly seq: number;
  readonly time: number;
  readonly decisions: readonly PushDecision[];
  /** There are more devices or decisions: these are the newest. */
  readonly more?: true;
};

/**
 * Why the devices of a user were notified of a message with this id or not: one explanation for each sender who used it, the newest first. Where the
 * log has no decision (any more), it is the decision now. The number of devices is bounded.
 */
export async function explainPush(
  store: Pick<PushLog, "explained">,
  { id, ...identity }: Identity & { readonly id: string },
): Promise<readonly PushExplanation[]> {
  const { messages, devices, log, isMore } = await store.explained(identity, id);
  return messages.map((message) => {
    const { from, conversation, seq, time } = message;
    const decisions = decisionsOf(message, { devices, log });
    return { id, from, conversation, seq, time, decisions, ...(isMore && { more: true as const }) };
  });
}

function decisionsOf(message: ExplainedMessage, { devices, log }: Pick<Explained, "devices" | "log">): PushDecision[] {
  const { conversation, seq } = message;
  // The rows are in the order of time: the last one of an address is its current state.
  const decided = new Map(
    log
      .filter((row) => row.conversation === conversation && row.first <= seq && row.seq >= seq)
      .map((row) => [addressKey(row), row]),
  );
  const decidedDevices = new Set([...decided.values()].map(({ device }) => device));
  const rest = devices.filter((row) =>
    row.address === null ? !decidedDevices.has(row.device) : !decided.has(addressKey(row)),
  );
  return [
    ...[...decided.values()].map((row) => loggedDecision(row, seq)),
    ...rest.map((row) => currentDecision(row, message)),
  ];
}

/** The number of an address that was deleted may be used again for another one. */
const addressKey = ({ address, device, provider }: LoggedDecision | ExplainedDevice): string =>
  `${address} ${device} ${provider}`;

const named = ({ device, provider }: Pick<ExplainedDevice, "device" | "provider">) => ({
  ...(device !== "" && { device }),
  ...(provider !== null && { provider }),
});

const isReason = (text: string): text is PushReason => Object.hasOwn(pushReasons, text);

function because(decision: PushDecision["decision"], reason: PushReason) {
  return { decision, reason, meaning: pushReasons[reason] };
}

function loggedDecision(row: LoggedDecision, seq: number): PushDecision {
  const decision = row.decision === "send" || row.decision === "wait" ? row.decision : "drop";
  const reason = isReason(row.reason) ? row.reason : "failed";
  const isCollapsed = row.seq > seq && decision !== "drop";
  return {
    ...named(row),
    ...because(decision, isCollapsed && decision === "send" ? "collapsed" : reason),
    time: row.time,
    ...(row.until !== null && { until: row.until }),
    ...(row.attempts > 0 && { attempts: row.attempts }),
    ...(row.answer !== null && { answer: row.answer }),
    ...(isCollapsed && { collapsedInto: row.seq }),
    ...(row.clearedAt !== null && { clearedAt: row.clearedAt }),
  };
}

/** The decision that would be made now, where none was logged. */
function currentDecision(row: ExplainedDevice, { n, seq, read }: ExplainedMessage): PushDecision {
  const { address, since, acked } = row;
  if (address === null || since === null || since >= n) return { ...named(row), ...because("drop", "no_devices") };
  if (acked >= n) return { ...named(row), ...because("drop", "delivered") };
  if (read >= seq) return { ...named(row), ...because("drop", "read") };
  return { ...named(row), ...because("wait", "unacked") };
}
