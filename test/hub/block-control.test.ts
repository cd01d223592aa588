import { describe, expect, test } from "bun:test";
import { plant, type PlantName } from "../plants/index.ts";
import { alteredTests } from "../support/failing-tests.ts";

/** Bugs, each with the paths of the matrix that must show it: every path on which a block holds is among them. */
const bugs: readonly (readonly [bug: PlantName, readonly string[]])[] = [
  ["a send looks at no block", ["a send to the user", "a send to the conversation", "POST /messages"]],
  ["typing looks at no block", ["typing"]],
  ["presence looks at no block", ["presence, in the snapshot", "presence, when it changes"]],
  ["a receipt is sent through a block as it moves", ["a receipt, live", "a receipt, by an ack"]],
  ["a receipt is replayed through a block", ["a receipt, in a replay"]],
  ["the list of conversations looks at no block", ["a receipt, in the list of conversations"]],
];

/** Every path has a row in which each has blocked the other: there each of the bugs shows. */
const pattern = "where both have blocked each other";

/** The paths of the matrix that fail with a bug. */
async function failing(bug: PlantName): Promise<readonly string[]> {
  const { passed, names, output } = await alteredTests({
    ...{ test: "test/hub/block.test.ts", alterations: plant(bug), pattern },
  });
  // A matrix that does not even start fails whole, and would show nothing.
  if (passed === 0) throw new Error(`The matrix did not run: ${output.slice(-500)}`);
  return names.flatMap((name) => /^a block > T3 B2 B3 (.+), where /.exec(name)?.[1] ?? []).toSorted();
}

describe("the matrix of blocks", () => {
  for (const [name, paths] of bugs)
    test(`control: T3 where ${name}, just those paths show it`, async () => {
      expect(await failing(name)).toEqual(paths.toSorted());
    });
});
