import { describe, expect, test } from "bun:test";
import { plant, ruleOf } from "../../plants/index.ts";
import { alteredTests } from "../../support/failing-tests.ts";
import { mutants } from "./mutants.ts";

describe("a condition that nothing tried", () => {
  for (const { name, red, in: file } of mutants)
    test.concurrent(`control: ${ruleOf(name)} ${name}`, async () => {
      const { names, output } = await alteredTests({
        test: file,
        pattern: red,
        alterations: plant(name),
        stopsAtFirst: true,
      });
      const isSeen = names.some((each) => each.includes(red));
      expect(isSeen ? "seen" : output).toBe("seen");
    });
});
