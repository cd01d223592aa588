import type { Change, ChangeKind, Entry, Kind, LogEntry } from "../model.ts";
import { levelMin } from "../protocol/level.ts";
import type { ChangeLogKind, Consequences, LogKind } from "./log-kind.ts";
import { group } from "./group.ts";
import { membership } from "./membership.ts";
import { message } from "./message.ts";
import { receipt } from "./receipt.ts";
import { relation } from "./relation.ts";
import { revocation } from "./revocation.ts";
import { setting } from "./setting.ts";

/** The kinds that devices get. */
const changeKinds: { readonly [K in ChangeKind]: ChangeLogKind<K> } = {
  ...{ message, receipt, relation, setting, group, membership },
};

/** Every kind of log entry. */
export const logKinds: { readonly [K in Kind]: LogKind<K> } = { ...changeKinds, revocation };

/**
 * The highest level of entry that this release can read. Clients ask for a level in the handshake, and nodes of an older release stop as soon as
 * the log holds an entry of a higher one.
 */
export const levelMax = Object.values(logKinds).reduce((most, { level }) => Math.max(most, level), levelMin);

/** Whether devices get an entry. */
export const isChange = (entry: Entry): entry is Change => entry.kind in changeKinds;

/** A connection gets a change if its own level is at least this one. */
export const levelOf = <K extends ChangeKind>(change: Change<K>): number =>
  changeKinds[change.kind].levelOf?.(change) ?? changeKinds[change.kind].level;

/** One change as it appears in a `changes` frame. */
export const encodeChange = <K extends ChangeKind>(change: Change<K>): string =>
  JSON.stringify(changeKinds[change.kind].encode(change));

/** The length of the text of a change; 0 where it has none. */
export const textLengthOf = <K extends ChangeKind>(change: Change<K>): number =>
  changeKinds[change.kind].textLength(change);

/** The user to charge when a change goes to many connections; null: it is free. */
export const payerOf = <K extends ChangeKind>(change: Change<K>): string | null =>
  changeKinds[change.kind].payer(change);

/** Calls the handlers of the consequences that an entry has. */
export const applyConsequences = <K extends Kind>(entry: LogEntry<K>, handlers: Consequences): void =>
  logKinds[entry.change.kind].consequences(entry, handlers);

/** Whether nodes on which none of its users is connected need an entry too. */
export const isForAllNodes = <K extends Kind>(entry: LogEntry<K>): boolean =>
  logKinds[entry.change.kind].isForAllNodes(entry);

/** Of the entries of one commit that have the same key, only the newest is announced. */
const keyInCommit = <K extends Kind>(entry: Entry<K>): string | null => {
  const key = logKinds[entry.kind].keyInCommit?.(entry);
  return key === undefined ? null : `${entry.kind} ${key}`;
};

/** The entries of one commit without those that a newer one in it replaces. */
export function newestInCommit(entries: readonly LogEntry[]): readonly LogEntry[] {
  const newest = new Map<string, number>();
  for (const { change } of entries) {
    const key = keyInCommit(change);
    if (key !== null) newest.set(key, change.n);
  }
  if (newest.size === 0) return entries;
  return entries.filter(({ change }) => {
    const key = keyInCommit(change);
    return key === null || newest.get(key) === change.n;
  });
}
