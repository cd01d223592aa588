import type { Transport } from "./transport.ts";

/**
 * Transports out of one, for those who come and go while it stays: with `close()` a branch ends what it has subscribed to, and is told of
 * no gaps any more.
 *
 * @example
 * const branchOf = createBranches(bus);
 * const transport = branchOf();
 */
export function createBranches(trunk: Transport): () => Transport {
  const branches = new Set<(() => void)[]>();
  trunk.onGap(() => {
    for (const listeners of [...branches]) for (const listener of listeners) listener();
  });

  return () => {
    const gapListeners: (() => void)[] = [];
    const ends = new Set<() => void>();
    let isClosed = false;
    branches.add(gapListeners);

    return {
      publish(subject, text) {
        if (!isClosed) trunk.publish(subject, text);
      },
      subscribe(subject, listener) {
        if (isClosed) return () => {};
        const endOfTrunk = trunk.subscribe(subject, listener);
        const end = (): void => {
          ends.delete(end);
          endOfTrunk();
        };
        ends.add(end);
        return end;
      },
      onGap: (listener) => void gapListeners.push(listener),
      close() {
        isClosed = true;
        branches.delete(gapListeners);
        for (const end of [...ends]) end();
        return Promise.resolve();
      },
    };
  };
}
