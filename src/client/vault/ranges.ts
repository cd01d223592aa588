import type { SeqRange } from "./rows.ts";

/**
 * `ranges` with `first` to `last` added. They stay in order and apart: ranges that touch become one.
 *
 * @example
 * addRange([[1, 3]], [4, 6]); // [[1, 6]]
 */
export function addRange(ranges: readonly SeqRange[], [first, last]: SeqRange): readonly SeqRange[] {
  const held = ranges.find((range) => range[0] <= first && last <= range[1]);
  if (held !== undefined) return ranges;
  const before = ranges.filter((range) => range[1] < first - 1);
  const after = ranges.filter((range) => range[0] > last + 1);
  const touching = ranges.slice(before.length, ranges.length - after.length);
  const from = Math.min(first, touching[0]?.[0] ?? first);
  const to = Math.max(last, touching.at(-1)?.[1] ?? last);
  return [...before, [from, to], ...after];
}

/** `ranges` without the seqs below `first`. */
export function dropBelow(ranges: readonly SeqRange[], first: number): readonly SeqRange[] {
  return ranges.filter((range) => range[1] >= first).map(([from, to]): SeqRange => [Math.max(from, first), to]);
}

/** The range that holds `seq`, or null. */
export function rangeAt(ranges: readonly SeqRange[], seq: number): SeqRange | null {
  return ranges.find(([first, last]) => first <= seq && seq <= last) ?? null;
}

/** What remains of `ranges` without their first `count` seqs: those below `below`. `dropped`: how many there were. */
export function cutFirst(
  ranges: readonly SeqRange[],
  count: number,
): { readonly below: number; readonly dropped: number; readonly kept: readonly SeqRange[] } {
  let dropped = 0;
  let below = 0;
  for (const [first, last] of ranges) {
    if (dropped === count) break;
    below = Math.min(last + 1, first + count - dropped);
    dropped += below - first;
  }
  return { below, dropped, kept: dropBelow(ranges, below) };
}
