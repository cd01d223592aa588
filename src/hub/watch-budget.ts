import type { Limits } from "../protocol/limits.ts";

/**
 * The names that all connections of a process watch together. The bound of each connection does not bound their sum.
 *
 * While more than half of them is in use, one connection gets a few names only: users who watch many must not keep others from watching
 * the people on their screen.
 */
export type WatchBudget = {
  /** Whether a connection that watches `before` names may watch `after` names; if so, they are counted from now on. */
  move(before: number, after: number): boolean;
  names(): number;
};

export function createWatchBudget(limits: Pick<Limits, "watchedUsersTotalMax" | "watchedUsersScarceMax">): WatchBudget {
  const { watchedUsersTotalMax: allMax, watchedUsersScarceMax: fewMax } = limits;
  let names = 0;

  return {
    move(before, after) {
      const total = names - before + after;
      if (after > before && total > (after <= fewMax ? allMax : allMax / 2)) return false;
      names = total;
      return true;
    },
    names: () => names,
  };
}
