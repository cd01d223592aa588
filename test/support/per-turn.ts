/** Counts the events in each turn of the event loop. */
export function perTurn() {
  let turn = 0;
  let isDone = false;
  const counts = new Map<string, Map<number, number>>();
  const tick = (): void => {
    turn++;
    if (!isDone) setImmediate(tick);
  };
  tick();
  return {
    count(what: string): void {
      const turns = counts.get(what) ?? new Map<number, number>();
      counts.set(what, turns.set(turn, (turns.get(turn) ?? 0) + 1));
    },
    most: (what: string): number => Math.max(0, ...(counts.get(what)?.values() ?? [])),
    all: (what: string): number => [...(counts.get(what)?.values() ?? [])].reduce((sum, count) => sum + count, 0),
    reset: (): void => counts.clear(),
    stop: (): void => void (isDone = true),
  };
}
