import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Alteration } from "../support/alter-source.ts";

const preload = join(import.meta.dir, "../support/alter-preload.ts");
const suite = join(import.meta.dir, "history-change.test.ts");

/** Bugs, each with a part of the name of a test that must show it. */
const bugs: readonly (readonly [bug: string, shown: string, Alteration])[] = [
  [
    "a write does not say for which history it is",
    "D30 an ack and a read mark",
    { file: "store/one-history.ts", from: "const guards = guard();", to: "const guards = guard().slice(0, 0);" },
  ],
  [
    "the sockets of the old history are kept",
    "H6 D31 every socket is closed",
    { file: "database/database.ts", from: "    leave(current);\n", to: "" },
  ],
  [
    "the hub of the old history is kept",
    "D31 three nodes under load",
    { file: "database/database.ts", from: "        current = next;\n", to: "" },
  ],
  [
    "a database that went back is taken as it is",
    "D32 a database that went back",
    {
      file: "store/one-history.ts",
      from: 'end({ type: "went back", epoch: confirmed.epoch, n });',
      to: "return confirmed;",
    },
  ],
  [
    "a database that went back keeps its name",
    "D32 a database that went back",
    {
      file: "database/database.ts",
      from: "    await replaceEpoch(engine, { random, epoch: change.epoch, n });\n",
      to: "",
    },
  ],
  [
    "what a write itself has added is not noted",
    "D32 a database that went back to just before",
    { file: "store/one-history.ts", from: "          note(cursorOf(newest));\n", to: "" },
  ],
  [
    "a name that has ended is taken as it comes back",
    "D32 a backup that is put back a second time",
    { file: "database/database.ts", from: "    ended.add(current.epoch);\n", to: "" },
  ],
];

/** The tests that fail under an alteration. */
async function failing(alteration: Alteration, name: string): Promise<readonly string[]> {
  const args = ["test", "--timeout", "20000", "--preload", preload, suite, "-t", name];
  const child = Bun.spawn([process.execPath, ...args], {
    env: { ...process.env, ALTERATIONS: JSON.stringify([alteration]) },
    ...{ stdin: "ignore", stdout: "pipe", stderr: "pipe" },
  });
  const [output] = await Promise.all([child.stderr.text(), child.stdout.text(), child.exited]);
  if (!/^\s*\d+ pass$/m.test(output)) throw new Error(`The tests did not run: ${output.slice(-500)}`);
  return [...output.matchAll(/^\(fail\) .* > (.+) \[/gm)].map(([, failed = ""]) => failed);
}

describe("another history", () => {
  for (const [bug, shown, alteration] of bugs)
    test(`control: D30 D31 D32 it is seen where ${bug}`, async () => {
      const failed = await failing(alteration, shown);
      expect(failed.some((name) => name.startsWith(shown))).toBe(true);
    });
});
