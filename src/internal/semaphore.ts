/** Runs work once there is room for it, in the order of the calls. Resolves or rejects as the work does. */
export type Semaphore = <T>(work: () => Promise<T>) => Promise<T>;

/** Limits the work that is under way at a time. */
export function createSemaphore(atOnceMax: number): Semaphore {
  let free = atOnceMax;
  const waiting: (() => void)[] = [];

  return async <T>(work: () => Promise<T>): Promise<T> => {
    if (free > 0) free--;
    else await new Promise<void>((resolve) => waiting.push(resolve));
    try {
      return await work();
    } finally {
      const next = waiting.shift();
      if (next) next();
      else free++;
    }
  };
}
