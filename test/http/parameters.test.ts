import { expect, test } from "bun:test";
import * as v from "valibot";
import { readFields, readParameters, wholeNumber } from "../../src/http/parameters.ts";

const schema = v.strictObject({
  limit: v.optional(wholeNumber([1, 200])),
  name: v.optional(v.string()),
  ids: v.optional(v.string()),
});
const outcome = (read: () => unknown): unknown => {
  try {
    return read();
  } catch (error) {
    return error instanceof Error ? error.message : error;
  }
};
const ask = (query: string) => outcome(() => readParameters(`http://h/messages?${query}`, schema));

test("Q5 parameters are read by a strict schema; those of the asker's identity are left alone", () => {
  expect(ask("limit=20&name=a%20b&user=alice&tenant=t&ticket=x&user=bob")).toEqual({ limit: 20, name: "a b" });
  expect(ask("")).toEqual({});
});

test("Q5 a parameter that is doubled, unknown, or cannot be decoded is refused, and named where that is harmless", () => {
  expect(ask("limit=1&limit=1")).toBe("A parameter is doubled at limit");
  expect(ask("limt=1")).toBe("A parameter is malformed or unknown at limt");
  expect(ask("limit=0")).toBe("A parameter is malformed or unknown at limit");
  expect(ask("<b>=1")).toBe("A parameter is malformed or unknown");
  expect([ask("name=%"), ask("%=1")]).toEqual(["A parameter cannot be decoded", "A parameter cannot be decoded"]);
  expect(ask("__proto__=1")).toContain("malformed or unknown");
});

test("K65 the fields of the host's own object are read like parameters, and have the type of the table", () => {
  const kinds = { limit: "number", name: "text", ids: "texts" } as const;
  const read = (given: object) => outcome(() => readFields(given, { kinds, schema }));
  expect(read({ limit: 20, name: "a", ids: ["a", "b"], other: 7 })).toEqual({ limit: 20, name: "a", ids: "a,b" });
  expect(read({ limit: undefined })).toEqual({});
  expect(read({ limit: "20" })).toBe("The field limit must be a number");
  expect([read({ name: 7 }), read({ name: null })]).toEqual([
    "The field name must be a string",
    "The field name must be a string",
  ]);
  expect([read({ ids: "a" }), read({ ids: ["a", 7] })]).toEqual([
    "The field ids must be an array of strings",
    "The field ids must be an array of strings",
  ]);
  expect([read({ limit: 1.5 }), read({ limit: Number.NaN })]).toEqual([
    "A parameter is malformed or unknown at limit",
    "A parameter is malformed or unknown at limit",
  ]);
});

test("Q5 a whole number has neither a sign nor leading zeros, and is within its range", () => {
  const number = (text: string, range: readonly [number, number] = [0, 200]) => v.is(wholeNumber(range), text);
  for (const text of ["0", "7", "200"]) expect([text, number(text)]).toEqual([text, true]);
  for (const text of ["", "00", "07", "+7", "-0", "7.0", "7e1", " 7", "201", "0x7"])
    expect([text, number(text)]).toEqual([text, false]);
  const most = [0, Number.MAX_SAFE_INTEGER] as const;
  expect([number("9007199254740991", most), number("9007199254740992", most)]).toEqual([true, false]);
});
