import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Alteration } from "../support/alter-source.ts";
import { failingTests } from "../support/failing-tests.ts";

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
    { file: "database/database.ts", from: 'if (change.type === "went back") await', to: "if (false as boolean) await" },
  ],
];

describe("another history", () => {
  for (const [bug, shown, alteration] of bugs)
    test(`control: D30 D31 D32 it is seen where ${bug}`, async () => {
      const failed = await failingTests(suite, { alterations: [alteration], name: shown });
      expect(failed.some((name) => name.startsWith(shown))).toBe(true);
    });
});
