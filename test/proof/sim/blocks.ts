/** One block, with the spans within which it began and ended. */
type Block = {
  readonly by: string;
  readonly of: string;
  readonly issuedAt: number;
  confirmedAt: number;
  endIssuedAt: number;
  endedAt: number;
};

export type Blocks = ReturnType<typeof createBlocks>;

const known = new WeakMap<object, Blocks>();

/** The blocks of a world between owners (`tenant/user`), as the clients that made them know. */
export function blocksIn(world: object): Blocks {
  const blocks = known.get(world) ?? createBlocks();
  known.set(world, blocks);
  return blocks;
}

function createBlocks() {
  const all: Block[] = [];
  const open = (by: string, of: string): Block | undefined =>
    all.find((block) => block.by === by && block.of === of && block.endedAt === Infinity);

  return {
    /** A client starts to ask for a block, or for its end. */
    issue(by: string, of: string, holds: boolean, now: number): void {
      const block = open(by, of);
      if (!block && holds)
        all.push({ by, of, issuedAt: now, confirmedAt: Infinity, endIssuedAt: Infinity, endedAt: Infinity });
      else if (block && !holds) block.endIssuedAt = Math.min(block.endIssuedAt, now);
    },
    /** The server has confirmed it. */
    confirm(by: string, of: string, holds: boolean, now: number): void {
      const block = open(by, of);
      if (!block) return;
      if (holds) block.confirmedAt = Math.min(block.confirmedAt, now);
      else block.endedAt = now;
    },
    /** The database was restored: the relation is as in the backup, unless a client is changing it right now. */
    restore(by: string, of: string, holds: boolean, isWaiting: boolean, now: number): void {
      const block = open(by, of);
      // A waiting client repeats its request until the current history confirms it; until then the block may or may not be in force.
      const confirmedAt = isWaiting ? Infinity : now;
      if (isWaiting && block) block.confirmedAt = Infinity;
      else if (block && !holds) {
        block.endIssuedAt = Math.min(block.endIssuedAt, now);
        block.endedAt = now;
      } else if (!block && holds)
        all.push({ by, of, issuedAt: now, confirmedAt, endIssuedAt: Infinity, endedAt: Infinity });
    },
    /** Whether it may have been in force at some moment of the span. */
    mayBeInForce: (by: string, of: string, from: number, to: number): boolean =>
      all.some((block) => block.by === by && block.of === of && block.issuedAt <= to && block.endedAt >= from),
    /** Whether it was certainly in force during the whole span. */
    isInForce: (by: string, of: string, from: number, to: number): boolean =>
      all.some((block) => block.by === by && block.of === of && block.confirmedAt <= from && block.endIssuedAt >= to),
    /** Whether one of the two blocks the other at the end. */
    isBetween: (one: string, other: string): boolean =>
      [open(one, other), open(other, one)].some((block) => block !== undefined),
    made: (): number => all.length,
  };
}
