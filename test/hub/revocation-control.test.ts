import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { plant, type PlantName } from "../plants/index.ts";
import { failingTests } from "../support/failing-tests.ts";

const suite = join(import.meta.dir, "revocation.test.ts");

/** Bugs, each with a part of the name of a test that must show it. */
const bugs: readonly (readonly [bug: PlantName, shown: string])[] = [
  ["a socket whose upgrade began before a revocation stays", "T7 a socket that opens after it"],
  ["a revocation keeps the tickets of before", "T7 a ticket that was bought before it"],
  ["a ticket is written though its user was revoked meanwhile", "T7 a ticket of a session that was proved"],
  ["a node that starts looks at no revocations", "T7 a node that starts after it"],
];

describe("revocations", () => {
  for (const [bug, shown] of bugs)
    test.concurrent(`control: T7 it is seen where ${bug}`, async () => {
      const failed = await failingTests(suite, { alterations: plant(bug), name: shown });
      expect(failed.some((name) => name.startsWith(shown))).toBe(true);
    });
});
