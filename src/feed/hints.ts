import { type Clock, systemClock } from "../internal/clock.ts";
import { defaultLimits } from "../protocol/limits.ts";
import type { Commit } from "../store/store.ts";
import type { Transport } from "./transport.ts";

/** Says that a commit moved the database: with the rows of it, or without. */
export type Hint = Omit<Commit, "entries"> & {
  /** The history that the commit belongs to. */
  readonly epoch: string;
  readonly entries?: Commit["entries"];
};

/** How the nodes on one database tell each other of their commits. */
export type Hints = {
  /** Hears from now on of this history, and of no other one. */
  follow(epoch: string): void;
  /** Hears of nothing any more. */
  stop(): void;
  /** Tells all other nodes. Returns at once and never throws. */
  announce(hint: Hint): void;
  /** Calls `listener` with what other nodes announced. */
  onHint(listener: (hint: Hint) => void): void;
  /** Calls `listener` when hints may have been missed. */
  onGap(listener: () => void): void;
};

const subjectOf = (epoch: string): readonly string[] => ["commits", epoch];

export type HintsOptions = {
  /** The longest text. */
  readonly charsMax?: number;
  readonly clock?: Pick<Clock, "defer">;
};

/**
 * Hints over a transport, in texts of at most `charsMax`; about one such text is written in a turn of the event loop, however large the commit. What
 * they carry is believed as the store is, so it must not be open to strangers; what is none is left alone.
 */
export function createHints(transport: Transport, options: HintsOptions = {}): Hints {
  const { charsMax = defaultLimits.hintCharsMax, clock = systemClock } = options;
  const listeners: ((hint: Hint) => void)[] = [];
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
    if (hint) for (const listener of listeners) listener(hint);
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
    onGap: (listener) => transport.onGap(listener),
  };
}

/**
 * What tells others of a commit: one text, or, where that would be too long, one for each stretch of it. Rows that are too many at one n
 * are left out: whoever wants them reads them from the store.
 */
function* writeHint({ from, to, entries }: Hint, charsMax: number): Iterator<string, void, void> {
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

function parseHint(epoch: string, text: string): Hint | null {
  try {
    const told = JSON.parse(text) as Told | null;
    const { from, to, entries } = told ?? {};
    if (!isPlace(from) || !isPlace(to) || from > to) return null;
    if (entries === undefined) return { epoch, from, to };
    return Array.isArray(entries) && entries.every(isEntry) ? { epoch, from, to, entries } : null;
  } catch {
    return null;
  }
}

const isPlace = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0;

function isEntry(value: unknown): value is Commit["entries"][number] {
  if (typeof value !== "object" || value === null) return false;
  const { tenant, users, change } = value as { tenant?: unknown; users?: unknown; change?: unknown };
  if (typeof tenant !== "string" || !Array.isArray(users) || typeof change !== "object" || change === null)
    return false;
  const { kind, n } = change as { kind?: unknown; n?: unknown };
  return typeof kind === "string" && isPlace(n) && users.every((user) => typeof user === "string");
}
