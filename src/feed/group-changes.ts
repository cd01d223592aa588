import type { LogEntry } from "../model.ts";
import type { Stretch } from "../store/store.ts";

/**
 * A change of a group is an event, followed by the memberships that it changed. A node sends the event to a new member because of the membership: if it
 * announced the event first, the member's position could pass the event.
 */
const isEvent = ({ change }: LogEntry): boolean => change.kind === "message" && change.event !== undefined;

/** Whether the entries of one commit have to stay together. */
export const isOfGroup = (entries: readonly LogEntry[]): boolean => entries.some(isEvent);

/** A stretch without a change of a group at its end that may be incomplete. */
export function withoutHalfChange(stretch: Stretch): Stretch {
  const { entries, more } = stretch;
  const last = entries.findLastIndex(isEvent);
  const event = entries[last]?.change;
  if (!more || event === undefined) return stretch;
  const isOfOne = entries.slice(last + 1).every(({ change: { kind, n } }, i) => n === event.n + i + 1 && isPart(kind));
  return isOfOne ? { entries: entries.slice(0, last), upTo: event.n - 1, more } : stretch;
}

const isPart = (kind: LogEntry["change"]["kind"]): boolean => kind === "group" || kind === "membership";
