import type { Clock } from "../../src/internal/clock.ts";

/** Virtual time: whatever happens in the simulation happens here, one thing after the other. */
export function createTimeline(start = 1_780_000_000_000) {
  let now = 0;
  let order = 0;
  type Entry = { readonly at: number; readonly order: number; readonly task: () => void };
  /** A binary heap by time, then by the order of arrival. */
  const heap: Entry[] = [];
  const cancelled = new Set<Entry>();
  const isBefore = (one: Entry, other: Entry): boolean =>
    one.at !== other.at ? one.at < other.at : one.order < other.order;

  function push(entry: Entry): void {
    heap.push(entry);
    for (let i = heap.length - 1; i > 0;) {
      const parent = (i - 1) >> 1;
      const [here, above] = [heap[i], heap[parent]];
      if (!here || !above || !isBefore(here, above)) break;
      heap[i] = above;
      heap[parent] = here;
      i = parent;
    }
  }

  function pop(): Entry | undefined {
    const top = heap[0];
    const last = heap.pop();
    if (!top || !last || heap.length === 0) return top;
    heap[0] = last;
    for (let i = 0; ;) {
      let least = i;
      for (const child of [2 * i + 1, 2 * i + 2]) {
        const [one, other] = [heap[child], heap[least]];
        if (one && other && isBefore(one, other)) least = child;
      }
      if (least === i) break;
      const [here, below] = [heap[i], heap[least]];
      if (!here || !below) break;
      heap[i] = below;
      heap[least] = here;
      i = least;
    }
    return top;
  }

  function after(ms: number, task: () => void): () => void {
    const entry = { at: now + Math.max(0, ms), order: order++, task };
    push(entry);
    return () => cancelled.add(entry);
  }

  return {
    /** Virtual milliseconds since the start. */
    now: (): number => now,
    after,
    sleep: (ms: number): Promise<void> => new Promise((resolve) => void after(ms, resolve)),
    /** A node's clock: it may stand wrong by `skewMs()`, and stops for ever once `isDead()`. */
    clockOf: (skewMs: () => number, isDead: () => boolean): Clock => {
      const unlessDead = (task: () => void) => (): void => {
        if (!isDead()) task();
      };
      return {
        now: () => start + Math.floor(now) + skewMs(),
        after: (ms, task) => after(ms, unlessDead(task)),
        defer: (task) => void after(0, unlessDead(task)),
      };
    },
    /** Lets things happen until `end`; every promise that one of them resolves is followed before the next. */
    async runUntil(end: number): Promise<number> {
      let steps = 0;
      for (let top = heap[0]; top && top.at <= end; top = heap[0]) {
        pop();
        if (cancelled.delete(top)) continue;
        now = top.at;
        top.task();
        steps++;
        await new Promise<void>((resolve) => void setImmediate(resolve));
      }
      now = end;
      return steps;
    },
  };
}

export type Timeline = ReturnType<typeof createTimeline>;
