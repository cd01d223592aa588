import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { plant } from "../plants/index.ts";
import { failingTests } from "../support/failing-tests.ts";

describe("the list and the log", () => {
  test("control: S45 a list that moves the log when it is acked is noticed", async () => {
    const failed = await failingTests(join(import.meta.dir, "polling.test.ts"), {
      alterations: plant("the ack of a list moves the log"),
      name: "S45 gets what its user did",
    });
    expect(failed.length).toBe(1);
  });
});
