import { expect, test } from "bun:test";
import { retryAfterMs } from "../../../src/push/provider/retry-after.ts";

const now = Date.UTC(2026, 5, 6, 12, 0, 0);
const of = (value: string | null) => retryAfterMs(new Headers(value === null ? {} : { "Retry-After": value }), now);

test("U12 Retry-After is read as seconds", () => {
  expect(of("0")).toBe(0);
  expect(of("120")).toBe(120_000);
  expect(of(" 7 ")).toBe(7_000);
});

test("U12 Retry-After is read as a date, in all three forms of HTTP", () => {
  expect(of("Sat, 06 Jun 2026 12:01:30 GMT")).toBe(90_000);
  expect(of("Saturday, 06-Jun-26 12:01:30 GMT")).toBe(90_000);
  expect(of("Sat Jun  6 12:01:30 2026")).toBe(90_000);
});

test("U12 a date that has passed asks for nothing", () => {
  expect(of("Sat, 06 Jun 2026 11:59:00 GMT")).toBe(0);
});

for (const value of [
  null,
  "",
  "-1",
  "1.5",
  "1e3",
  "soon",
  "99999999999",
  "2026-06-06T12:01:30Z",
  "Sat, 06 Foo 2026 12:01:30 GMT",
  "Sat, 06 Jun 2026 25:01:30 GMT",
])
  test(`U12 Retry-After: ${value} names no delay`, () => {
    expect(of(value)).toBeUndefined();
  });
