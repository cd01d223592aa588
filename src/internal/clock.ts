/** The clock of the core, which a simulator replaces. */
export interface Clock {
  /** Milliseconds since the Unix epoch, as people set it: it may jump. For display; never an order, nor a duration. */
  now(): number;
  /** Milliseconds since some moment, which never jump nor go back: for how long something lasts. */
  elapsed(): number;
  /** Runs `task` once after at least `ms` milliseconds; answers how to cancel it. */
  after(ms: number, task: () => void): () => void;
  /** Runs `task` once this turn of the event loop has handled the input it already has. */
  defer(task: () => void): void;
}

/** The longest delay that a timer of any runtime takes. */
const timerMsMax = 2 ** 31 - 1;

type Immediate = { setImmediate?: (task: () => void) => unknown };

const setImmediate = (globalThis as Immediate).setImmediate;

/** The runtime's own clock: Bun, Node and Deno alike. */
export const systemClock: Clock = {
  now: () => Date.now(),
  elapsed: () => performance.now(),
  after(ms, task) {
    const timer = setTimeout(task, Math.max(0, Math.min(ms, timerMsMax)));
    return () => clearTimeout(timer);
  },
  defer: setImmediate ? (task) => void setImmediate(task) : (task) => void setTimeout(task, 0),
};

/** Resolves in the next turn of the event loop: a file answers within one turn, and others must get theirs. */
export const nextTurn = (clock: Pick<Clock, "defer">): Promise<void> => new Promise((resolve) => clock.defer(resolve));

/** Resolves after at least `ms` milliseconds. */
export const pause = (clock: Pick<Clock, "after">, ms: number): Promise<void> =>
  new Promise((resolve) => void clock.after(ms, resolve));
