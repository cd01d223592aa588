import { expect, test } from "bun:test";
import { plant, type PlantName } from "../plants/index.ts";
import { alteredTests } from "../support/failing-tests.ts";
import { embedded, remote } from "./places.ts";
import { describeWays } from "./ways.contract.ts";

describeWays("ways to messages in a file", embedded, { seed: 1, depth: 3, before: 7_000 });
describeWays("ways to messages on a server", remote, { seed: 2, depth: 1, before: 500 });

const bugs: readonly (readonly [PlantName, string])[] = [
  ["a walk back ends a message too early", "a device gets"],
  ["conversations of the period of a cursor are left out", "a device gets"],
  ["a look at some rows of the log says that it saw all", "a device gets"],
  ["messages of one commit do not know each other", "each message knows"],
  ["a conversation stays in its period", "each message knows"],
  ["the peer of a receipt stays in its period", "a device learns"],
  ["a stretch is taken for whole where not all of its marks were looked at", "a device gets"],
  ["news in a few conversations are overlooked", "a device gets"],
  ["the list stops where too many conversations changed", "the list has"],
];
for (const [bug, shownBy] of bugs)
  test(`control: S49 it is found that ${bug}`, async () => {
    const { failed } = await alteredTests({
      test: import.meta.path,
      pattern: `in a file S49 ${shownBy}`,
      alterations: plant(bug),
    });
    expect(failed).toBeGreaterThan(0);
  });
