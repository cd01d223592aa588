import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { plant, type PlantName } from "../plants/index.ts";

const preload = join(import.meta.dir, "../support/alter-preload.ts");
const tests = join(import.meta.dir, "loops.test.ts");

/** A planted bug, and a part of the name of each test that must show it. */
type Bug = { readonly name: PlantName; readonly shownBy: readonly string[] };

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
    shownBy: ["few questions to the store"],
  },
  {
    name: "a last-seen time is read again and again",
    shownBy: ["comes and goes before many"],
  },
  {
    name: "all viewers are notified in one turn",
    shownBy: ["comes and goes before many"],
  },
  {
    name: "all long watches are taken up in one turn",
    shownBy: ["many long watches"],
  },
  {
    name: "the host is asked about all at once",
    shownBy: ["the host is asked about some"],
  },
];

/** A test that bugs of other rules do not touch: it shows that tests run where a rule has only one. */
const untouched = "gives a peer that is being closed";

/** The names of the rule's tests that fail with a bug. */
async function failing(rule: string, bug: PlantName): Promise<readonly string[]> {
  const which = ["--test-name-pattern", `${rule}|${untouched}`];
  const child = Bun.spawn([process.execPath, "test", "--timeout", "60000", "--preload", preload, ...which, tests], {
    env: { ...process.env, ALTERATIONS: JSON.stringify(plant(bug)) },
    ...{ stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  });
  const [output] = await Promise.all([child.stderr.text(), child.exited]);
  const passed = /^\s*(\d+) pass$/m.exec(output)?.[1];
  // Tests that do not even start fail all together, and would show nothing.
  if (passed === undefined || passed === "0") throw new Error(`The tests did not run: ${output.slice(-500)}`);
  return [...output.matchAll(/^\(fail\) (.+)$/gm)].map(([, name = ""]) => name);
}

/** That of the rule's tests those fail which must, and no others. */
async function isShown(rule: string, { name, shownBy }: Bug): Promise<void> {
  const found = await failing(rule, name);
  expect(shownBy.filter((part) => !found.some((name) => name.includes(part)))).toEqual([]);
  expect(found.length).toBe(shownBy.length);
}

describe("the tests of loops", () => {
  for (const bug of crowds) test(`control: R20 where ${bug.name}, they show it`, () => isShown("R20", bug), 300_000);
  for (const bug of freezes) test(`control: R21 where ${bug.name}, they show it`, () => isShown("R21", bug), 300_000);
  for (const bug of watches) test(`control: R22 where ${bug.name}, they show it`, () => isShown("R22", bug), 300_000);
  for (const bug of stars) test(`control: R23 where ${bug.name}, they show it`, () => isShown("R23", bug), 300_000);
});
