import { describe, expect, test } from "bun:test";
import { alteredTests } from "../support/failing-tests.ts";
import { mutants } from "./mutants.ts";

describe("a condition that nothing tried", () => {
  for (const { rule, name, red, in: file, ...alteration } of mutants)
    test.concurrent(`control: ${rule} ${name}`, async () => {
      const { names, output } = await alteredTests({
        test: file,
        pattern: red,
        alterations: [alteration],
        stopsAtFirst: true,
      });
      const isSeen = names.some((each) => each.includes(red));
      expect(isSeen ? "seen" : output).toBe("seen");
    });
});
