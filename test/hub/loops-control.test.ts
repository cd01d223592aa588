import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Alteration } from "../support/alter-source.ts";

const preload = join(import.meta.dir, "../support/alter-preload.ts");
const tests = join(import.meta.dir, "loops.test.ts");

/** A planted bug, and a part of the name of each test that must show it. */
type Bug = { readonly name: string; readonly shownBy: readonly string[]; readonly alteration: Alteration };

const crowds: readonly Bug[] = [
  {
    name: "everything is done in one turn",
    shownBy: ["is looked after", "all end at one moment", "as for a new history", "one commit has news"],
    alteration: { file: "hub/turns.ts", from: "connectionsAtOnce = 500", to: "connectionsAtOnce = 1_000_000" },
  },
  {
    name: "a revocation forgets the sockets that are not open yet",
    shownBy: ["those too that are not open yet"],
    alteration: { file: "hub/registry.ts", from: ", ...(opening.get(key) ?? [])];", to: "];" },
  },
];

const lost = "lostMs += Math.max(0, now - lookedAt - lookMsMax);";

const freezes: readonly Bug[] = [
  {
    name: "a freeze counts as the peers' silence",
    shownBy: ["closes nobody", "the rest of its time"],
    alteration: { file: "internal/awake.ts", from: lost, to: "" },
  },
  {
    name: "a process that is late comes to no deadline",
    shownBy: ["late again and again"],
    alteration: {
      file: "internal/awake.ts",
      from: lost,
      to: "lostMs += now - lookedAt > lookMsMax ? now - lookedAt : 0;",
    },
  },
];

/** The names of the tests that fail under an alteration. */
async function failing(alteration: Alteration): Promise<readonly string[]> {
  const child = Bun.spawn([process.execPath, "test", "--timeout", "60000", "--preload", preload, tests], {
    env: { ...process.env, ALTERATIONS: JSON.stringify([alteration]) },
    ...{ stdin: "ignore", stdout: "ignore", stderr: "pipe" },
  });
  const [output] = await Promise.all([child.stderr.text(), child.exited]);
  const passed = /^\s*(\d+) pass$/m.exec(output)?.[1];
  // Tests that do not even start fail all together, and would show nothing.
  if (passed === undefined || passed === "0") throw new Error(`The tests did not run: ${output.slice(-500)}`);
  return [...output.matchAll(/^\(fail\) (.+)$/gm)].map(([, name = ""]) => name);
}

/** That the tests which fail are those which must. */
async function isShown({ shownBy, alteration }: Bug): Promise<void> {
  const found = await failing(alteration);
  expect(shownBy.filter((part) => !found.some((name) => name.includes(part)))).toEqual([]);
  expect(found.length).toBe(shownBy.length);
}

describe("the tests of loops", () => {
  for (const bug of crowds) test(`control: R20 where ${bug.name}, they show it`, () => isShown(bug), 300_000);
  for (const bug of freezes) test(`control: R21 where ${bug.name}, they show it`, () => isShown(bug), 300_000);
});
