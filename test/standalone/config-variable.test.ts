import { expect, test } from "bun:test";
import * as v from "valibot";
import { ChatError } from "../../src/error.ts";
import {
  faultOf,
  goneRate,
  listOf,
  named,
  oneOf,
  rate,
  ratesOfKind,
  trust,
  trustOf,
  wholeNumber,
} from "../../src/standalone/config-variable.ts";

test("C7 a whole number has only digits and is within its bounds", () => {
  const port = wholeNumber([0, 65_535]);
  for (const text of ["0", "65535", "000080"]) expect([text, v.is(port, text)]).toEqual([text, true]);
  for (const text of ["", "-1", "65536", "1.0", "1e3", " 1", "1".repeat(10)])
    expect([text, v.is(port, text)]).toEqual([text, false]);
  expect(v.safeParse(wholeNumber([0, 5], "of seconds "), "6").issues?.[0]?.message).toBe(
    "a whole number of seconds from 0 to 5",
  );
  expect([v.is(oneOf(["a", "b"], "a or b"), "a"), v.is(oneOf(["a", "b"], "a or b"), "A")]).toEqual([true, false]);
});

test("C8 a list has the texts between commas, trimmed, without empty ones", () => {
  expect([listOf(" a, b ,,c,"), listOf(""), listOf(" , ")]).toEqual([["a", "b", "c"], [], []]);
});

test("C7 C8 a rate is `off`, or how many at once and a second", () => {
  for (const text of ["off", "60,1", "1,0.5", "999999999,999999999"])
    expect([text, v.is(rate, text)]).toEqual([text, true]);
  for (const text of ["", "60", "0,1", "60,0", "60,0.0", "60,-1", "60, 1", "60,1,1", "OFF", "1.5,1"])
    expect([text, v.is(rate, text)]).toEqual([text, false]);
  expect(v.is(goneRate, "60,1")).toBe(false);
  expect(ratesOfKind("60,0.5", "off")).toEqual({ user: { burst: 60, perS: 0.5 }, address: null });
  expect(ratesOfKind(undefined, undefined)).toEqual({});
});

test("A32 C7 trusted proxies are a number, or addresses and ranges", () => {
  for (const text of ["0", "16", "10.0.0.1", "10.0.0.0/8, ::1"])
    expect([text, v.is(trust, text)]).toEqual([text, true]);
  for (const text of ["17", "-1", "proxy.example", "10.0.0.0/99"])
    expect([text, v.is(trust, text)]).toEqual([text, false]);
  expect([trustOf("2"), trustOf("10.0.0.1, ::1")]).toEqual([2, ["10.0.0.1", "::1"]]);
});

test("C2 C3 only a refusal becomes a text; it names the variables", () => {
  const refuse = (): never => {
    throw new ChatError("conflict", "no good");
  };
  const fail = (): never => {
    throw new TypeError("a fault of the program");
  };
  expect([faultOf(() => 1), faultOf(refuse)]).toEqual([null, "no good"]);
  expect(() => faultOf(fail)).toThrow(TypeError);
  expect(named("A, B", () => 7)).toBe(7);
  expect(() => named("A, B", refuse)).toThrow("A, B: no good");
  expect(() => named("A, B", fail)).toThrow(TypeError);
});
