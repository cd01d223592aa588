import { drainMicrotasks } from "bun:jsc";

type Entry = { readonly at: number; readonly order: number; task: (() => void) | null };

/** Virtual time: everything in the simulation happens here, one thing after the other. */
export function createTimeline() {
  let now = 0;
  let order = 0;
  /** A binary heap by time, then by the order of arrival. */
  const heap: Entry[] = [];
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

  function pop(): void {
    const last = heap.pop();
    if (!last || heap.length === 0) return;
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
  }

  function after(ms: number, task: () => void): () => void {
    const entry: Entry = { at: now + Math.max(0, ms), order: order++, task };
    push(entry);
    return () => void (entry.task = null);
  }

  return {
    /** Virtual milliseconds since the start. */
    now: (): number => now,
    after,
    sleep: (ms: number): Promise<void> => new Promise((resolve) => void after(ms, resolve)),
    /** Runs events until `end`; all promises that one event resolves are followed before the next one. */
    runUntil(end: number): number {
      let steps = 0;
      drainMicrotasks();
      for (let top = heap[0]; top && top.at <= end; top = heap[0]) {
        pop();
        if (!top.task) continue;
        now = top.at;
        top.task();
        steps++;
        drainMicrotasks();
      }
      now = end;
      return steps;
    },
  };
}

export type Timeline = ReturnType<typeof createTimeline>;
