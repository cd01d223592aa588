import { describe, expect, test } from "bun:test";
import { alteredTests } from "../support/altered-tests.ts";
import { mutants } from "./mutants.ts";

describe("bugs that went through all tests once", () => {
  for (const { rule, name, red, in: file, ...alteration } of mutants)
    test(`control: ${rule} ${name}`, async () => {
      const { names, output } = await alteredTests({ test: file, pattern: red, alterations: [alteration] });
      if (!names.some((each) => each.includes(red))) throw new Error(`Nothing saw it: ${output.slice(-1_000)}`);
      expect(names.length).toBeGreaterThan(0);
    }, 120_000);
});
