/** One block, with the moments between which it has begun, and between which it has ended. */
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

/** The blocks of a world, between owners (`tenant/user`), as those who made them know of them. */
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
    /** Somebody begins to ask for a block, or for its end. */
    issue(by: string, of: string, holds: boolean, now: number): void {
      const block = open(by, of);
      if (!block && holds)
        all.push({ by, of, issuedAt: now, confirmedAt: Infinity, endIssuedAt: Infinity, endedAt: Infinity });
      else if (block && !holds) block.endIssuedAt = Math.min(block.endIssuedAt, now);
    },
    /** It was answered: so it is. */
    confirm(by: string, of: string, holds: boolean, now: number): void {
      const block = open(by, of);
      if (!block) return;
      if (holds) block.confirmedAt = Math.min(block.confirmedAt, now);
      else block.endedAt = now;
    },
    /** The database was set back: so it was then, unless somebody is just saying something else. */
    restore(by: string, of: string, holds: boolean, isWaiting: boolean, now: number): void {
      const block = open(by, of);
      // Who waits says it again, until it is answered in the history of now: whether it stands until then is not known.
      const confirmedAt = isWaiting ? Infinity : now;
      if (isWaiting && block) block.confirmedAt = Infinity;
      else if (block && !holds) {
        block.endIssuedAt = Math.min(block.endIssuedAt, now);
        block.endedAt = now;
      } else if (!block && holds)
        all.push({ by, of, issuedAt: now, confirmedAt, endIssuedAt: Infinity, endedAt: Infinity });
    },
    /** Whether it is possible that it stood at some moment between. */
    mayStand: (by: string, of: string, from: number, to: number): boolean =>
      all.some((block) => block.by === by && block.of === of && block.issuedAt <= to && block.endedAt >= from),
    /** Whether it certainly stood all the time between. */
    stands: (by: string, of: string, from: number, to: number): boolean =>
      all.some((block) => block.by === by && block.of === of && block.confirmedAt <= from && block.endIssuedAt >= to),
    /** Whether one of two has blocked the other at the end of all. */
    isBetween: (one: string, other: string): boolean =>
      [open(one, other), open(other, one)].some((block) => block !== undefined),
    made: (): number => all.length,
  };
}
