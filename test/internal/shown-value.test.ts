import { expect, test } from "bun:test";
import { shownValue } from "../../src/internal/shown-value.ts";

test("K80 a value is described by its type, and by its content where that is short", () => {
  const cases: readonly (readonly [unknown, string])[] = [
    [null, "null"],
    [undefined, "undefined"],
    [7, "7"],
    [false, "false"],
    ['a "b"', 'the text "a \\"b\\""'],
    ["x".repeat(65), `the text "${"x".repeat(64)}"`],
    [[1], "a list"],
    [{}, "an object"],
    [new Map(), "an object"],
    [() => 1, "a function"],
    [Symbol("s"), "a symbol"],
    [1n, "a bigint"],
  ];
  for (const [value, text] of cases) expect(shownValue(value)).toBe(text);
});
