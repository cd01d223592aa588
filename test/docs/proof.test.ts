import { expect, test } from "bun:test";
import { allProofs } from "../../scripts/proof/all.ts";
import { pageWith, readPage } from "../../scripts/proof/table.ts";
import { readTally } from "../../scripts/proof/tally.ts";
import { readFileSync } from "node:fs";

const spec = readFileSync(new URL("../../src/SPEC.md", import.meta.url), "utf8");

test("V5 the page of the proof shows the totals of the tally", () => {
  expect(readPage()).toBe(pageWith(readPage(), readTally()));
});

test("control: V5 a page with a higher total is found", () => {
  const [first] = readTally();
  if (!first) throw new Error("Nothing was ever tried");
  expect(pageWith(readPage(), [...readTally(), { ...first, tried: first.tried + 1 }])).not.toBe(readPage());
});

test("V5 every harness has its own name, and tests existing rules", () => {
  expect(new Set(allProofs.map(({ name }) => name)).size).toBe(allProofs.length);
  for (const { rules } of allProofs) for (const rule of rules) expect(spec).toContain(`**${rule}**`);
  for (const { name } of readTally()) expect(allProofs.map((proof) => proof.name)).toContain(name);
});
