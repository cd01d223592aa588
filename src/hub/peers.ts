import type { Clock } from "../internal/clock.ts";

/** A node that did not say that it lives for this time is gone, and its users with it. */
const goneMs = 10_000;

/** The other nodes that live. */
export function createPeers(clock: Pick<Clock, "elapsed">) {
  /** When each last gave a sign of life. */
  const seen = new Map<string, number>();
  /** Those that understand divided commits. */
  const dividing = new Set<string>();

  function forget(name: string): void {
    seen.delete(name);
    dividing.delete(name);
  }

  return {
    /** A node lives. True: it is new, or was gone. */
    note(name: string): boolean {
      const isNew = !seen.has(name);
      seen.set(name, clock.elapsed());
      return isNew;
    },
    /** A node has said whether it understands divided commits. */
    noteDivided(name: string, isDividing: boolean): void {
      if (isDividing && seen.has(name)) dividing.add(name);
      else dividing.delete(name);
    },
    /** Removes the nodes that gave no sign of life for too long, and returns their names. */
    takeGone(): readonly string[] {
      const now = clock.elapsed();
      const gone = [...seen].filter(([, at]) => now - at >= goneMs).map(([name]) => name);
      for (const name of gone) forget(name);
      return gone;
    },
    /** Whether there are at least so many nodes with this one, and all of them understand divided commits. */
    areDividing: (nodesMin: number): boolean => seen.size + 1 >= nodesMin && dividing.size === seen.size,
    clear(): void {
      for (const name of [...seen.keys()]) forget(name);
    },
  };
}
