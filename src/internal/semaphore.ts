/** Lets work in, so many pieces at a time; the others wait for their turn in the order in which they came. */
export function createSemaphore(atOnceMax: number) {
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

export type Semaphore = ReturnType<typeof createSemaphore>;
