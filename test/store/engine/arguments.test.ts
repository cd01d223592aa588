import { expect, test } from "bun:test";
import { toArguments } from "../../../src/store/engine/arguments.ts";
import type { Value } from "../../../src/store/engine/engine.ts";

test("E2 an integer is bound as one, every other value as it is", () => {
  expect(toArguments(undefined)).toEqual([]);
  expect(toArguments(["a", 5, 0, -0, 1.5, null, Number.MAX_SAFE_INTEGER])).toEqual([
    "a",
    5n,
    0n,
    0n,
    1.5,
    null,
    9007199254740991n,
  ]);
});

test("E2 what a driver would alter, or would end the process, is refused", () => {
  for (const wrong of [2 ** 53, Number.NaN, Infinity, true, undefined, 5n, {}, new Uint8Array(1), Symbol("s")])
    expect(() => toArguments([wrong as Value])).toThrow(TypeError);
});
