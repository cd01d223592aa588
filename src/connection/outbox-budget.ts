/**
 * What may wait to go out over all connections of a process together. Each connection's own bound is no bound of their
 * sum: ten thousand readers that stopped would hold ten thousand times as much.
 */
export function createOutboxBudget({ bytesMax }: { readonly bytesMax: number }) {
  let bytes = 0;

  return {
    /** A connection's part went from `before` to `after`. */
    move(before: number, after: number): void {
      bytes += after - before;
    },
    /** Half is used up: whoever has not taken what it was sent gets no more, and who takes nothing is closed. */
    isShort: (): boolean => bytes > bytesMax / 2,
    /** All is used up: nobody gets changes. What drains or closes makes room again. */
    isFull: (): boolean => bytes >= bytesMax,
    bytes: (): number => bytes,
  };
}

export type OutboxBudget = ReturnType<typeof createOutboxBudget>;
