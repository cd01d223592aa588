import { describe, expect, test } from "bun:test";
import { groupsPageWith, readGroupsPage, readKeptGroups } from "../../scripts/bench/groups/page.ts";
import { groupParts, measureGroups } from "../../scripts/bench/groups.ts";

/** As small as it can be. */
const tiny = {
  parts: groupParts,
  ...{ cores: { serverCommand: [] }, members: [3, 5], connected: 4, rounds: 2 },
  ...{ seconds: 0.4, textBytes: 64, warmUpMs: 100, crowd: { people: 10, groups: 30, settleMs: 10 } },
};

describe("the benchmark of groups", () => {
  test(
    "measures groups of each size beside messages to one user and bare sockets",
    async () => {
      const measures = await measureGroups(tiny);
      const names = measures.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      const of = (name: string): number => measures.find((one) => one.name === name)?.value ?? Number.NaN;
      for (const size of [3, 5]) {
        expect(of(`a message at 100 a commit, ${size} members: processor time (goal 1.2)`)).toBeGreaterThan(0);
        // A commit writes a page at least.
        expect(of(`a message alone, log, ${size} members`)).toBeGreaterThan(4_000);
      }
      // Fewer members than are to be connected are not measured.
      expect(of("deliveries, 3 members, one writer: bare")).toBeNaN();
      for (const side of ["bare", "Tidings"])
        expect(of(`deliveries, 5 members, one writer: ${side}`)).toBeGreaterThan(0);
      // The same frames go to the same sockets: seqs differ by some digits.
      const bytes = (side: string): number => of(`deliveries, 5 members, one writer, bytes: ${side}`);
      expect(Math.abs(bytes("bare") - bytes("Tidings"))).toBeLessThan(8);
    },
    { timeout: 300_000 },
  );

  test("the page shows the measurements", () => {
    expect(readGroupsPage()).toBe(groupsPageWith(readGroupsPage(), readKeptGroups()));
  });

  test("control: a page with other figures than the measured ones is found", () => {
    const kept = readKeptGroups();
    const name = "groups: a join, 3 members";
    const other = { ...kept.measures, [name]: { unit: "µs", median: 1, min: 1, max: 1 } };
    expect(groupsPageWith(readGroupsPage(), { ...kept, measures: other })).not.toBe(readGroupsPage());
    const { [name]: _, ...less } = kept.measures;
    expect(() => groupsPageWith(readGroupsPage(), { ...kept, measures: less })).toThrow(name);
  });
});
