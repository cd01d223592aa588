import type { Limits } from "../protocol/limits.ts";

/**
 * The names that all connections of a process watch together. Each connection's own bound is no bound of their sum.
 *
 * While more than half of them is in use, one connection gets a few names only: those who watch many must not keep others from watching
 * the people on their screen.
 */
export function createWatchBudget(limits: Pick<Limits, "watchedUsersTotalMax" | "watchedUsersScarceMax">) {
  const { watchedUsersTotalMax: allMax, watchedUsersScarceMax: fewMax } = limits;
  let names = 0;

  return {
    /** Whether a connection that watches `before` names may watch `after` names; where it may, it does from now on. */
    move(before: number, after: number): boolean {
      const total = names - before + after;
      if (after > before && total > (after <= fewMax ? allMax : allMax / 2)) return false;
      names = total;
      return true;
    },
    names: (): number => names,
  };
}

export type WatchBudget = ReturnType<typeof createWatchBudget>;
