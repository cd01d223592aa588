import { expect, test } from "bun:test";
import { flag, integer, integerOrNull, text, textOrNull } from "../../src/store/row.ts";

const row = { n: 7, id: "m1", none: null, yes: 1, no: 0 };

test("reads each column as its type", () => {
  expect(integer(row, "n")).toBe(7);
  expect([integerOrNull(row, "n"), integerOrNull(row, "none")]).toEqual([7, null]);
  expect(text(row, "id")).toBe("m1");
  expect([textOrNull(row, "id"), textOrNull(row, "none")]).toEqual(["m1", null]);
  expect([flag(row, "yes"), flag(row, "no"), flag(row, "none")]).toEqual([true, false, false]);
});

test("refuses a column that the statement does not select", () => {
  for (const read of [integer, integerOrNull, text, textOrNull, flag])
    expect(() => read(row, "renamed")).toThrow("Column renamed must be");
  expect(() => integer(row, "renamed")).toThrow("but it was not selected");
});

test("refuses a value of another type without showing it", () => {
  expect(() => integer(row, "id")).toThrow("Column id must be an integer, but it is a string");
  expect(() => integer(row, "none")).toThrow("but it is null");
  expect(() => text(row, "n")).toThrow("Column n must be text, but it is a number");
  expect(() => textOrNull(row, "n")).toThrow(TypeError);
  expect(() => integerOrNull(row, "id")).toThrow(TypeError);
});
