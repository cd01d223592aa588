import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { plant, type PlantName } from "../plants/index.ts";
import { failingTests } from "../support/failing-tests.ts";

/** Bugs, each with a part of the name of a test that must show it, by the file of that test. */
const bugs: Readonly<Record<string, readonly (readonly [bug: PlantName, shown: string])[]>> = {
  "history-change.test.ts": [
    ["sockets of a history that has ended", "H6 D31 every socket is closed"],
    ["a hub of a history that has ended", "D31 three nodes under load"],
    ["members of a conversation are remembered from the old history", "D31 names of conversations"],
  ],
  "ended-history.test.ts": [
    ["a page of changes is taken from any history", "D31 is noticed by a page of changes"],
    ["a stretch of the log is taken from any history", "D31 is noticed by a stretch"],
    ["a device starts in any history", "D31 is noticed by the start"],
    ["a page over HTTP is taken from any history", "D31 is noticed by a page of undelivered"],
    ["a history that each node names", "D32 of many"],
    ["the feed of the old history goes on", "D31 a runtime of an ended history"],
    ["the push worker of the old history goes on", "D31 a runtime of an ended history"],
  ],
  "histories.test.ts": [
    ["a database that went back keeps its name", "D32 a database that went back"],
    ["a name that has ended is taken as it comes back", "D32 a name that has ended"],
    ["a name that comes back", "D32 a name that has ended"],
  ],
  "../store/one-history.test.ts": [
    ["a write that does not say for which history it is", "D30 D32 once a head was read"],
    ["a database that went back, taken as it is", "D32 a head that is older"],
    ["a database that goes back to just before a write", "D30 D32 once a head was read"],
    ["a late answer is taken for a database that went back", "D32 a head that is read late"],
  ],
};

const triesMax = 8;

describe("another history", () => {
  for (const [suite, list] of Object.entries(bugs))
    for (const [bug, shown] of list)
      test.concurrent(`control: D30 D31 D32 this is seen: ${bug}`, async () => {
        // Several nodes race: which of them sees the bug first, and whether it shows, is decided anew each time.
        let isSeen = false;
        for (let i = 0; i < triesMax && !isSeen; i++) {
          const failed = await failingTests(join(import.meta.dir, suite), { alterations: plant(bug), name: shown });
          isSeen = failed.some((name) => name.startsWith(shown));
        }
        expect(isSeen).toBe(true);
      });
});
