import { type Clock, systemClock } from "../internal/clock.ts";
import { defaultLimits } from "../protocol/limits.ts";
import { logKinds } from "../log/log-kinds.ts";
import type { LogEntry } from "../model.ts";
import type { Commit } from "../store/store.ts";
import type { Transport } from "../bus/transport.ts";

/** Says that a commit moved the database: with the rows of it, or without. */
export type CommitNotice = Omit<Commit, "entries"> & {
  /** The history that the commit belongs to. */
  readonly epoch: string;
  readonly entries?: Commit["entries"];
};

/** How the nodes on one database tell each other of their commits. */
export type CommitNotices = {
  /** Hears from now on of this history, and of no other one. */
  follow(epoch: string): void;
  /** Hears of nothing any more. */
  stop(): void;
  /** Tells all other nodes. Returns at once and never throws. */
  announce(hint: CommitNotice): void;
  /** Calls `listener` with what other nodes announced. */
  onHint(listener: (hint: CommitNotice) => void): void;
  /** Calls `listener` when another node told of an entry of a kind that this release does not know. */
  onUnknown(listener: (kind: string) => void): void;
  /** Calls `listener` when hints may have been missed. */
  onGap(listener: () => void): void;
};

const subjectOf = (epoch: string): readonly string[] => ["commits", epoch];

export type CommitNoticesOptions = {
  /** The longest text. */
  readonly charsMax?: number;
  readonly clock?: Pick<Clock, "defer">;
};

/**
 * CommitNotices over a transport, in texts of at most `charsMax`; about one such text is written in a turn of the event loop, however large the commit. What
 * they carry is believed as the store is, so it must not be open to strangers; what is none is left alone.
 */
export function createCommitNotices(transport: Transport, options: CommitNoticesOptions = {}): CommitNotices {
  const { charsMax = defaultLimits.hintCharsMax, clock = systemClock } = options;
  const listeners: ((hint: CommitNotice) => void)[] = [];
  const unknownListeners: ((kind: string) => void)[] = [];
  /** Commits of which something is still to be told, in their order. */
  const waiting: { readonly subject: readonly string[]; readonly texts: Iterator<string, void, void> }[] = [];
  let end = (): void => {};

  function tellWaiting(): void {
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
      if (chars > charsMax / 2) return clock.defer(tellWaiting);
    }
  }

  function hear(epoch: string, text: string): void {
    const hint = parseHint(epoch, text);
    if (hint === null) return;
    if ("unknown" in hint) for (const listener of unknownListeners) listener(hint.unknown);
    else for (const listener of listeners) listener(hint);
  }

  return {
    follow(epoch) {
      end();
      end = transport.subscribe(subjectOf(epoch), (text) => hear(epoch, text));
    },
    stop: () => end(),
    announce(hint) {
      waiting.push({ subject: subjectOf(hint.epoch), texts: writeHint(hint, charsMax) });
      if (waiting.length === 1) tellWaiting();
    },
    onHint: (listener) => void listeners.push(listener),
    onUnknown: (listener) => void unknownListeners.push(listener),
    onGap: (listener) => transport.onGap(listener),
  };
}

/**
 * What tells others of a commit: one text, or, where that would be too long, one for each stretch of it. Rows that are too many at one n
 * are left out: whoever wants them reads them from the store.
 */
function* writeHint({ from, to, entries }: CommitNotice, charsMax: number): Iterator<string, void, void> {
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
    // Between two stretches only, that is where all that follows comes after all that was.
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

type Told = { readonly from?: unknown; readonly to?: unknown; readonly entries?: unknown };

/** A node of a newer release writes what this one does not know: whoever passed that over would lose it. */
type Unknown = { readonly unknown: string };

function parseHint(epoch: string, text: string): CommitNotice | Unknown | null {
  try {
    const told = JSON.parse(text) as Told | null;
    const { from, to, entries } = told ?? {};
    if (!isPlace(from) || !isPlace(to) || from > to) return null;
    if (entries === undefined) return { epoch, from, to };
    if (!Array.isArray(entries)) return null;
    const kinds: (string | null)[] = entries.map(kindOf);
    const unknown = kinds.find((kind) => kind !== null && !fieldsOf.has(kind));
    if (typeof unknown === "string") return { unknown };
    if (entries.every(isEntry)) return { epoch, from, to, entries };
    // Of a kind that is known, but not as it is here: how it stands in the store is what counts.
    return kinds.includes(null) ? null : { epoch, from, to };
  } catch {
    return null;
  }
}

const isPlace = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

const fieldsOf = new Map(Object.entries(logKinds).map(([kind, { fields }]) => [kind, Object.entries(fields)]));

/** The kind of an entry; null: it is none. */
function kindOf(value: unknown): string | null {
  if (typeof value !== "object" || value === null) return null;
  const { tenant, users, change } = value as { tenant?: unknown; users?: unknown; change?: unknown };
  if (typeof tenant !== "string" || !Array.isArray(users) || typeof change !== "object" || change === null) return null;
  const { kind, n } = change as { kind?: unknown; n?: unknown };
  return typeof kind === "string" && isPlace(n) && users.every((user) => typeof user === "string") ? kind : null;
}

function isEntry(value: unknown): value is LogEntry {
  const kind = kindOf(value);
  if (kind === null) return false;
  const { change } = value as { change: Readonly<Record<string, unknown>> };
  return fieldsOf.get(kind)?.every(([name, type]) => typeof change[name] === type) ?? false;
}
