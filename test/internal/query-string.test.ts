import { describe, expect, test } from "bun:test";
import { queryOf, readParameter } from "../../src/internal/query-string.ts";

describe("the query of an address", () => {
  test("A14 keeps a plus, a second question mark and an equals sign, and ends at the fragment", () => {
    expect(readParameter("/ws?a=1+1&b=x=y?z#a=2", "a")).toBe("1+1");
    expect(readParameter("/ws?a=1+1&b=x=y?z#a=2", "b")).toBe("x=y?z");
    expect(readParameter("/ws#?a=1", "a")).toBeUndefined();
    expect(readParameter("", "a")).toBeUndefined();
  });

  test("A14 has null for a doubled parameter, and for one that cannot be decoded", () => {
    expect(readParameter("/ws?a=1&%61=2", "a")).toBeNull();
    expect(readParameter("/ws?a=%ff", "a")).toBeNull();
    expect(queryOf("/ws?&%zz=1&a=%ff&b")).toEqual([
      [null, "1"],
      ["a", null],
      ["b", ""],
    ]);
  });
});
