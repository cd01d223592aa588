import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { failingTests } from "../support/failing-tests.ts";
import type { Alteration } from "../support/alter-source.ts";

const suite = join(import.meta.dir, "revocation.test.ts");

/** Bugs, each with a part of the name of a test that must show it. */
const bugs: readonly (readonly [bug: string, shown: string, Alteration])[] = [
  [
    "an upgrade of before is not looked at",
    "T7 a socket that opens after it",
    { file: "hub/hub.ts", from: "if (ended !== null) queueMicrotask", to: "if (ended === '') queueMicrotask" },
  ],
  [
    "the tickets of before are kept",
    "T7 a ticket that was bought before it",
    { file: "store/revocation-sql.ts", from: "AND u.id = ?2)`;", to: "AND u.id = ?2 AND 0)`;" },
  ],
  [
    "a ticket is written whatever happened meanwhile",
    "T7 a ticket whose session was proved",
    { file: "store/ticket-store.ts", from: "r.n > ?8 AND", to: "r.n > ?8 AND 0 AND" },
  ],
  [
    "a node that starts looks at no revocations",
    "T7 a node that starts after it",
    { file: "database/runtime.ts", from: "hub.noteRevocations(await", to: "((_: unknown) => {})(await" },
  ],
];

describe("revocations", () => {
  for (const [bug, shown, alteration] of bugs)
    test.concurrent(`control: T7 it is seen where ${bug}`, async () => {
      const failed = await failingTests(suite, { alterations: [alteration], name: shown });
      expect(failed.some((name) => name.startsWith(shown))).toBe(true);
    });
});
