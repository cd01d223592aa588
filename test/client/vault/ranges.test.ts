import { expect, test } from "bun:test";
import fc from "fast-check";
import { addRange, dropBelow, rangeAt } from "../../../src/client/vault/ranges.ts";
import type { SeqRange } from "../../../src/client/vault/rows.ts";

const range = fc
  .tuple(fc.integer({ min: 1, max: 40 }), fc.nat(6))
  .map(([first, length]): SeqRange => [first, first + length]);

const seqsOf = (ranges: readonly SeqRange[]): readonly number[] =>
  ranges.flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, index) => first + index));

test("J53 ranges hold exactly the seqs that were added, in order and apart, in whatever order they came", () => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 12 }), fc.integer({ min: 1, max: 47 }), (added, cut) => {
      const ranges = added.reduce<readonly SeqRange[]>((all, one) => addRange(all, one), []);
      const seqs = [...new Set(seqsOf(added))].toSorted((a, b) => a - b);
      expect(seqsOf(ranges)).toEqual(seqs);
      for (const [index, [first]] of ranges.entries())
        expect(first).toBeGreaterThan((ranges[index - 1]?.[1] ?? -1) + 1);
      expect(seqsOf(dropBelow(ranges, cut))).toEqual(seqs.filter((seq) => seq >= cut));
      expect(rangeAt(ranges, cut) !== null).toBe(seqs.includes(cut));
    }),
    { numRuns: 2000 },
  );
});

test("J53 a range that is held already leaves the ranges as they are", () => {
  const ranges: readonly SeqRange[] = [[1, 5]];
  expect(addRange(ranges, [2, 4])).toBe(ranges);
});
