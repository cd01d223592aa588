import { describe, expect, test } from "bun:test";
import { plant, type PlantName } from "../plants/index.ts";
import { alteredTests } from "../support/failing-tests.ts";

const loops = "test/hub/loops.test.ts";
/** Cheap tests of that file, of which every bug leaves one as it is: it shows that tests run. */
const bystanders = ["gives a peer that is being closed", "late again and again"];

/**
 * A planted bug, and a part of the name of each test that must show it. `in`: the file of the part of the hub that has the rule, where its own test
 * shows the bug as well, without a crowd. Default: `loops`.
 */
type Bug = { readonly name: PlantName; readonly shownBy: readonly string[]; readonly in?: string };

const crowds: readonly Bug[] = [
  {
    name: "all connections are handled in one turn",
    shownBy: ["is looked after", "all end at one moment", "as for a new history", "one commit has news"],
  },
  {
    name: "a revocation forgets the sockets that are not open yet",
    shownBy: ["those too that are not open yet"],
  },
];

const freezes: readonly Bug[] = [
  {
    name: "a freeze counts as the peers' silence",
    shownBy: ["closes no peer", "reports no user as gone", "the other nodes for dead", "the rest of its time"],
  },
  {
    name: "a process that is late comes to no deadline",
    shownBy: ["late again and again"],
  },
];

const watches: readonly Bug[] = [
  {
    name: "nothing bounds the watched users",
    shownBy: ["beyond it a watch is refused"],
  },
  {
    name: "watched users are not given back",
    shownBy: ["beyond it a watch is refused"],
  },
];

const stars: readonly Bug[] = [
  {
    name: "each viewer is a question of their own",
    shownBy: ["R23 all pairs of one user are one question"],
    in: "test/hub/relationship-cache.test.ts",
  },
  {
    name: "a last-seen time is read again and again",
    shownBy: ["R23 a time from the store holds"],
    in: "test/hub/presence-sight.test.ts",
  },
  {
    name: "all viewers are notified in one turn",
    shownBy: ["R23 one turn looks up at most 500 pairs"],
    in: "test/hub/watch-queue.test.ts",
  },
  {
    name: "all long watches are taken up in one turn",
    shownBy: ["R23 R43 many names wait"],
    in: "test/hub/watches.test.ts",
  },
  {
    name: "the host is asked about all at once",
    shownBy: ["the host is asked about some"],
  },
];

/** With the bug these tests fail, and none of the others: of `loops` those are the bystanders. */
async function isShown({ name, shownBy, in: own }: Bug): Promise<void> {
  const { passed, names } = await alteredTests({
    test: own ?? loops,
    alterations: plant(name),
    ...(own === undefined && { pattern: [...shownBy, ...bystanders].join("|") }),
  });
  expect(shownBy.filter((part) => !names.some((name) => name.includes(part)))).toEqual([]);
  expect(names.length).toBe(shownBy.length);
  // Tests that do not even start fail all together, and would show nothing.
  expect(passed).toBeGreaterThan(0);
}

describe("the tests of loops", () => {
  for (const bug of crowds) test(`control: R20 where ${bug.name}, they show it`, () => isShown(bug), 300_000);
  for (const bug of freezes) test(`control: R21 where ${bug.name}, they show it`, () => isShown(bug), 300_000);
  for (const bug of watches) test(`control: R22 where ${bug.name}, they show it`, () => isShown(bug), 300_000);
  for (const bug of stars) test(`control: R23 where ${bug.name}, they show it`, () => isShown(bug), 300_000);
});
