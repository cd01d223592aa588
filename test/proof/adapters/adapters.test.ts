import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { adapterFiles, runContract } from "./proof.ts";

const root = join(import.meta.dir, "../../..");
const honoOnBun = adapterFiles.indexOf("test/adapter/protocol/hono-bun.test.ts");

test("G1 the proof runs over every adapter", () => {
  const files = readdirSync(join(root, "test/adapter/protocol")).map((name) => `test/adapter/protocol/${name}`);
  expect(adapterFiles.toSorted()).toEqual(files.filter((name) => name.endsWith(".test.ts")).toSorted());
});

// "a text of one byte" belongs to the part that a short run leaves out here.
test("G1 a run of the proof has the parts of the contract that the adapter's own tests leave out", async () => {
  const { tests, violations } = await runContract({ number: honoOnBun, pattern: "P24 a text of one byte is accepted" });
  expect([tests, violations]).toEqual([1, []]);
});
