import type { Clock } from "../internal/clock.ts";
import type { Identity } from "../model.ts";

/** Users that are asked about at a time after something may have been missed, and the time between two such rounds. */
const asksAtOnce = 100;
const asksEveryMs = 50;
/**
 * Users that are asked about with each beat, though nothing is known to have been missed, and the time between two such rounds over all: finds
 * messages that were lost without a sign.
 */
const checksAtOnce = 100;
const checksEveryMs = 60_000;

type Asked = { readonly identity: Identity };

export type PresenceAsksOptions = {
  readonly clock: Pick<Clock, "elapsed" | "after">;
  /** The users who are watched here. */
  readonly watched: ReadonlyMap<string, Asked>;
  /** Asks all nodes whether the user is there. */
  readonly ask: (identity: Identity) => void;
  /** Asks the nodes on which the user was said to be whether that still holds. */
  readonly check: (identity: Identity) => void;
};

/** Asks other nodes about the users who are watched here, some at a time. */
export function createPresenceAsks({ clock, watched, ask, check }: PresenceAsksOptions) {
  /** The users that are still to be asked about. */
  let asking: Iterator<Asked> | null = null;
  let cancelAsks = (): void => {};
  /** The users that are still to be checked in this round, and the time at which it began. */
  let checking: Iterator<Asked> | null = null;
  let checkedAt = clock.elapsed();

  function askSome(): void {
    for (let i = 0; i < asksAtOnce; i++) {
      const next = asking?.next();
      if (!next || next.done === true) return void (asking = null);
      ask(next.value.identity);
    }
    cancelAsks = clock.after(asksEveryMs, askSome);
  }

  return {
    /** Asks about all: a node is new, or something may have been missed. */
    askAll(): void {
      cancelAsks();
      asking = watched.values();
      cancelAsks = clock.after(asksEveryMs, askSome);
    },
    /** Goes on with the round of checks, or begins one when it is time. */
    beat(): void {
      const now = clock.elapsed();
      if (checking === null) {
        if (now - checkedAt < checksEveryMs) return;
        checkedAt = now;
        checking = watched.values();
      }
      for (let i = 0; i < checksAtOnce; i++) {
        const next = checking.next();
        if (next.done === true) return void (checking = null);
        ask(next.value.identity);
        check(next.value.identity);
      }
    },
    isAsking: (): boolean => asking !== null,
    stop(): void {
      cancelAsks();
      asking = null;
      checking = null;
    },
  };
}
