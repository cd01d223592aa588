import { expect, test } from "bun:test";
import { unknownName } from "../../src/internal/unknown-name.ts";

test("K80 an unknown property is named with the nearest known one, or with all of them", () => {
  expect(unknownName({ tennant: "acme" }, ["user", "tenant"])).toBe('"tennant": did you mean tenant?');
  expect(unknownName({ xyz: 1 }, ["user", "tenant"])).toBe('"xyz": there are user, tenant');
});

test("K80 known properties, and those of a class, are not refused", () => {
  class Hook {
    name = "mail";
    handle(): void {}
  }
  expect(unknownName(new Hook(), ["name", "handle"])).toBeNull();
  expect(unknownName({}, ["name"])).toBeNull();
});
