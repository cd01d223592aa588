/**
 * The bytes that may wait to go out over all connections of a process. The bound of each connection does not bound their
 * sum: ten thousand readers that stopped would hold ten thousand times as much.
 */
export type OutboxBudget = {
  /** A connection's part went from `before` to `after`. */
  move(before: number, after: number): void;
  /** Half is used: a peer that has not taken everything gets no more, and one that takes nothing is closed. */
  isShort(): boolean;
  /** All is used: no connection gets changes, until others drain or close. */
  isFull(): boolean;
  bytes(): number;
};

export function createOutboxBudget({ bytesMax }: { readonly bytesMax: number }): OutboxBudget {
  let bytes = 0;

  return {
    move(before, after) {
      bytes += after - before;
    },
    isShort: () => bytes > bytesMax / 2,
    isFull: () => bytes >= bytesMax,
    bytes: () => bytes,
  };
}
