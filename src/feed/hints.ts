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
  /** Tells all other nodes. Returns at once and never throws. */
  announce(hint: Hint): void;
  /** Calls `listener` with what other nodes announced. */
  onHint(listener: (hint: Hint) => void): void;
  /** Calls `listener` when hints may have been missed. */
  onGap(listener: () => void): void;
};

/** More than this is told without its rows: whoever wants them reads them from the store. */
const rowsCharsMax = 262_144;

const subjectOf = (epoch: string): readonly string[] => ["commits", epoch];

/**
 * Hints over a transport. What they carry is believed as the store is, so it must not be open to strangers; what is none is left
 * alone.
 */
export function createHints(transport: Transport): Hints {
  const listeners: ((hint: Hint) => void)[] = [];
  let end = (): void => {};

  function hear(epoch: string, text: string): void {
    const hint = parseHint(epoch, text);
    if (hint) for (const listener of listeners) listener(hint);
  }

  return {
    follow(epoch) {
      end();
      end = transport.subscribe(subjectOf(epoch), (text) => hear(epoch, text));
    },
    announce({ epoch, from, to, entries }) {
      const bare = JSON.stringify({ from, to });
      const whole = entries === undefined ? bare : JSON.stringify({ from, to, entries });
      transport.publish(subjectOf(epoch), whole.length > rowsCharsMax ? bare : whole);
    },
    onHint: (listener) => void listeners.push(listener),
    onGap: (listener) => transport.onGap(listener),
  };
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
