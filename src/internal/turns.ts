import type { Clock } from "./clock.ts";

export type TurnsOptions = {
  readonly clock: Pick<Clock, "defer">;
  /** Units of work that may begin in one turn. What is larger than that begins in a turn of its own. */
  readonly unitsMax: number;
};

type Waiting = { readonly units: number; readonly begin: () => void };

/** What waits under one name; `first`: those before it have begun. */
type Line = { list: Waiting[]; first: number };

/** So many that have begun are forgotten at a time. */
const compactAfter = 256;

/**
 * Bounds what begins in one turn of the event loop. Beyond it things wait for a later turn, those of each name in their order, and the
 * names one after the other: however much waits under one name, another one's is next but one.
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
      // Whoever has more goes to the end.
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
    /** Names under which something waits. */
    size: (): number => lines.size,
  };
}

export type Turns = ReturnType<typeof createTurns>;
