import type { Transport } from "../bus/transport.ts";
import { type Clock, systemClock } from "../internal/clock.ts";
import { logKinds } from "../log/log-kinds.ts";
import type { LogEntry } from "../model.ts";
import { defaultLimits } from "../protocol/limits.ts";
import type { Commit } from "../store/store.ts";

/** A commit that a node made, with its entries or without. */
export type CommitNotice = Omit<Commit, "entries"> & {
  /** The history that the commit belongs to. */
  readonly epoch: string;
  readonly entries?: Commit["entries"];
};

/** Notices of commits between the nodes on one database. One may come late, twice, out of order or never. */
export type CommitNotices = {
  /** Receives the notices of this history from now on, and of no other one. */
  follow(epoch: string): void;
  /** Receives nothing any more. */
  stop(): void;
  /** Sends a notice to all other nodes. Returns at once and never throws. */
  announce(notice: CommitNotice): void;
  /** Calls `listener` with each notice of another node. */
  onNotice(listener: (notice: CommitNotice) => void): void;
  /** Calls `listener` when another node announced an entry of a kind that this release does not know. */
  onUnknown(listener: (kind: string) => void): void;
  /** Calls `listener` when notices may have been missed. */
  onGap(listener: () => void): void;
};

const subjectOf = (epoch: string): readonly string[] => ["commits", epoch];

export type CommitNoticesOptions = {
  /** The longest text. */
  readonly charsMax?: number;
  readonly clock?: Pick<Clock, "defer">;
};

/**
 * CommitNotices over a transport, in texts of at most `charsMax`. About one such text is written in a turn of the event loop, however large the
 * commit is. Entries from the transport are trusted like those of the store, so strangers must not be able to write to it. Other texts are ignored.
 */
export function createCommitNotices(transport: Transport, options: CommitNoticesOptions = {}): CommitNotices {
  const { charsMax = defaultLimits.hintCharsMax, clock = systemClock } = options;
  const listeners: ((notice: CommitNotice) => void)[] = [];
  const unknownListeners: ((kind: string) => void)[] = [];
  /** Notices with texts that are not published yet, in the order of the commits. */
  const waiting: { readonly subject: readonly string[]; readonly texts: Iterator<string, void, void> }[] = [];
  let end = (): void => {};

  function publishWaiting(): void {
    for (let chars = 0; ;) {
      const [first] = waiting;
      if (!first) return;
      const next = first.texts.next();
      if (next.done === true) {
        waiting.shift();
        continue;
      }
      transport.publish(first.subject, next.value);
      chars += next.value.length;
      if (chars > charsMax / 2) return clock.defer(publishWaiting);
    }
  }

  function receive(epoch: string, text: string): void {
    const notice = parseNotice(epoch, text);
    if (notice === null) return;
    if ("unknown" in notice) for (const listener of unknownListeners) listener(notice.unknown);
    else for (const listener of listeners) listener(notice);
  }

  return {
    follow(epoch) {
      end();
      end = transport.subscribe(subjectOf(epoch), (text) => receive(epoch, text));
    },
    stop: () => end(),
    announce(notice) {
      waiting.push({ subject: subjectOf(notice.epoch), texts: textsOf(notice, charsMax) });
      if (waiting.length === 1) publishWaiting();
    },
    onNotice: (listener) => void listeners.push(listener),
    onUnknown: (listener) => void unknownListeners.push(listener),
    onGap: (listener) => transport.onGap(listener),
  };
}

/**
 * The texts of a notice: one, or one for each stretch of the commit where that would be too long. Where the entries at one n are too long, they are
 * left out, and the other nodes read them from the store.
 */
function* textsOf({ from, to, entries }: CommitNotice, charsMax: number): Iterator<string, void, void> {
  if (entries === undefined) {
    yield JSON.stringify({ from, to });
    return;
  }
  const lowest = lowestFromHere(entries);
  let [start, upTo, chars] = [from, from, 0];
  let rows: string[] = [];
  const textUpTo = (end: number): string => {
    const text =
      chars <= charsMax ? `{"from":${start},"to":${end},"entries":[${rows.join()}]}` : `{"from":${start},"to":${end}}`;
    [start, rows, chars] = [end, [], 0];
    return text;
  };
  for (const [i, entry] of entries.entries()) {
    const row = JSON.stringify(entry);
    // Only where every entry that follows has a higher n than every entry before.
    if (chars + row.length + 1 > charsMax && rows.length > 0 && (lowest[i] ?? 0) > upTo) yield textUpTo(upTo);
    rows.push(row);
    chars += row.length + 1;
    upTo = Math.max(upTo, entry.change.n);
  }
  yield textUpTo(to);
}

/** For each entry the lowest n of it and all after it. */
function lowestFromHere(entries: Commit["entries"]): readonly number[] {
  let lowest = Infinity;
  return entries
    .map((_, i) => (lowest = Math.min(lowest, entries[entries.length - 1 - i]?.change.n ?? Infinity)))
    .reverse();
}

type Parsed = { readonly from?: unknown; readonly to?: unknown; readonly entries?: unknown };

/** A node of a newer release wrote an entry of this kind: to ignore it would be to lose it. */
type Unknown = { readonly unknown: string };

function parseNotice(epoch: string, text: string): CommitNotice | Unknown | null {
  try {
    const parsed = JSON.parse(text) as Parsed | null;
    const { from, to, entries } = parsed ?? {};
    if (!isPosition(from) || !isPosition(to) || from > to) return null;
    if (entries === undefined) return { epoch, from, to };
    if (!Array.isArray(entries)) return null;
    const kinds: (string | null)[] = entries.map(kindOf);
    const unknown = kinds.find((kind) => kind !== null && !fieldsOf.has(kind));
    if (typeof unknown === "string") return { unknown };
    if (entries.every(isEntry)) return { epoch, from, to, entries };
    // Of a known kind, but with other fields than here: the entry in the store counts.
    return kinds.includes(null) ? null : { epoch, from, to };
  } catch {
    return null;
  }
}

const isPosition = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const fieldsOf = new Map(Object.entries(logKinds).map(([kind, { fields }]) => [kind, Object.entries(fields)]));

/** The kind of an entry; null: the value is no entry. */
function kindOf(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  const { tenant, users, change } = value as { tenant?: unknown; users?: unknown; change?: unknown };
  if (typeof tenant !== "string" || !Array.isArray(users) || typeof change !== "object" || change === null) return null;
  const { kind, n } = change as { kind?: unknown; n?: unknown };
  return typeof kind === "string" && isPosition(n) && users.every((user) => typeof user === "string") ? kind : null;
}

function isEntry(value: unknown): value is LogEntry {
  const kind = kindOf(value);
  if (kind === null) return false;
  const { change } = value as { change: Readonly<Record<string, unknown>> };
  return fieldsOf.get(kind)?.every(([name, type]) => typeof change[name] === type) ?? false;
}
