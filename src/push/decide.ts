import { type QuietHours, quietUntil } from "../protocol/quiet-hours.ts";

/** Why a device is notified of a message or not: the closed set. */
export const pushReasons = {
  sent: "The provider has taken it",
  delivered: "The device has the message already",
  read: "It was read elsewhere",
  deleted: "The message no longer exists",
  muted: "The user has muted the conversation, or turned notifications off on this device",
  blocked: "The user has blocked the sender",
  quiet_hours: "It is one of the user's quiet hours: notified when they end",
  collapsed: "A later message of the conversation has replaced it",
  no_devices: "The user has registered no address for this device",
  token_dead: "The provider reports the address as dead, or it has expired",
  vetoed: "The host's onPush refused it",
  expired: "It came too late to be useful",
  failed: "The provider refused it finally",
  // Not final: why the decision waits.
  unacked: "The device is connected, and may still ack",
  retrying: "The provider could not accept it now",
} as const satisfies Record<string, string>;

export type PushReason = keyof typeof pushReasons;

/** How a device is connected: not at all; with recent activity of its user; without. */
export type PushPresence = "none" | "active" | "idle";

/** The presence on a device that was idle for `idleMs`; null: it has no connection. */
export const presenceAfter = (idleMs: number | null, idleAfterMs: number): PushPresence =>
  idleMs === null ? "none" : idleMs < idleAfterMs ? "active" : "idle";

/** All facts of a decision: about one device, and the newest message of one conversation. Times are milliseconds since the Unix epoch. */
export type Facts = {
  readonly now: number;
  readonly message: { readonly time: number; readonly isDeleted: boolean };
  /** The device has acked the message. */
  readonly isAcked: boolean;
  /** The user has read it, on any device. */
  readonly isRead: boolean;
  readonly presence: PushPresence;
  /** The age of the message in milliseconds, independent of clocks that were set meanwhile. */
  readonly ageMs: number;
  /** The user has blocked the sender. */
  readonly isBlocked: boolean;
  /** null: not muted; Infinity: forever. */
  readonly mutedUntil: number | null;
  /** Notifications are off on this device. */
  readonly isOff: boolean;
  readonly quietHours: QuietHours | null;
  readonly address: "live" | "expired" | "none";
};

export type PushDelays = {
  readonly activeMs: number;
  readonly idleMs: number;
  readonly expiryMs: number;
};

export type Decision =
  | { readonly type: "send"; readonly reason: "sent" }
  /** Look again then. */
  | { readonly type: "wait"; readonly until: number; readonly reason: "unacked" | "quiet_hours" }
  | { readonly type: "drop"; readonly reason: PushReason };

/** How long a device may take to ack: 0 for one without a connection, which cannot. */
export const delayMsOf = (presence: PushPresence, { activeMs, idleMs }: PushDelays): number =>
  presence === "none" ? 0 : presence === "active" ? activeMs : idleMs;

/**
 * Whether a device is notified of a message. Pure: the same facts give the same answer.
 *
 * The first reason in the order below is the answer. Final reasons come before temporary ones, so that no notice waits although its end is known.
 */
export function decide(facts: Facts, delays: PushDelays): Decision {
  const { now, message, presence, ageMs, mutedUntil } = facts;
  if (message.isDeleted) return drop("deleted");
  if (facts.isRead) return drop("read");
  if (facts.isAcked) return drop("delivered");
  if (facts.isBlocked) return drop("blocked");
  if (facts.isOff || (mutedUntil !== null && mutedUntil > now)) return drop("muted");
  if (facts.address === "none") return drop("no_devices");
  if (facts.address === "expired") return drop("token_dead");
  if (now - message.time > delays.expiryMs) return drop("expired");
  const leftMs = delayMsOf(presence, delays) - ageMs;
  if (leftMs > 0) return { type: "wait", until: now + leftMs, reason: "unacked" };
  const quiet = facts.quietHours && quietUntil(facts.quietHours, now);
  if (quiet) return { type: "wait", until: quiet, reason: "quiet_hours" };
  return { type: "send", reason: "sent" };
}

const drop = (reason: PushReason): Decision => ({ type: "drop", reason });

/** The facts that decide whether a notification must be removed. */
export type ClearFacts = Pick<Facts, "isRead" | "isBlocked"> & {
  /** The device shows one. */
  readonly isShown: boolean;
  /** The device has acked the read mark: it removes its notification by itself. */
  readonly isAcked: boolean;
  readonly address: Facts["address"];
};

/** Whether to remove a notification: `clear` sends a request, `forget` only notes that it is gone. */
export function decideClear(facts: ClearFacts): "clear" | "forget" | "keep" {
  const { isShown, isRead, isBlocked, isAcked, address } = facts;
  if (!isShown || !(isRead || isBlocked)) return "keep";
  // A device does not remove notifications by itself because of a block.
  const isKnown = isRead && isAcked;
  return isKnown || address !== "live" ? "forget" : "clear";
}
