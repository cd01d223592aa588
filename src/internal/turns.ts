import type { Clock } from "./clock.ts";

export type TurnsOptions = {
  readonly clock: Pick<Clock, "defer">;
  /** Units of work that may begin in one turn. Larger work begins in a turn of its own. */
  readonly unitsMax: number;
};

type Waiting = { readonly units: number; readonly begin: () => void };

/** The work that waits under one name; those before `first` have begun. */
type Line = { list: Waiting[]; first: number };

/** Work that has begun is removed from the list when there is this much. */
const compactAfter = 256;

/**
 * Limits the work that begins in one turn of the event loop. More waits for a later turn: the work of each name in its order, and the names in
 * turn, so that much work under one name delays the others by one piece only.
 */
export function createTurns({ clock, unitsMax }: TurnsOptions) {
  const lines = new Map<string, Line>();
  let used = 0;
  let isTurnCounted = false;

  const fits = (units: number): boolean => used === 0 || used + units <= unitsMax;

  function count(units: number): void {
    used += units;
    if (isTurnCounted) return;
    isTurnCounted = true;
    clock.defer(startTurn);
  }

  function startTurn(): void {
    isTurnCounted = false;
    used = 0;
    for (const [name, line] of lines) {
      const next = line.list[line.first];
      if (next && !fits(next.units)) return;
      // A name with more work goes to the end.
      lines.delete(name);
      if (!next) continue;
      line.first++;
      if (line.first >= compactAfter) [line.list, line.first] = [line.list.slice(line.first), 0];
      if (line.first < line.list.length) lines.set(name, line);
      count(next.units);
      next.begin();
    }
  }

  return {
    /** Nothing where it may begin at once; else it may once the promise resolves. */
    take(name: string, units: number): void | Promise<void> {
      if (lines.size === 0 && fits(units)) return count(units);
      return new Promise((begin) => {
        const line = lines.get(name);
        if (line) line.list.push({ units, begin });
        else lines.set(name, { list: [{ units, begin }], first: 0 });
      });
    },
    /** The number of names with waiting work. */
    size: (): number => lines.size,
  };
}
