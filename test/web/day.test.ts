import { afterAll, beforeAll, expect, test } from "bun:test";
import { dayNamesIn, dayOf } from "../../src/web/day.ts";

const zone = process.env["TZ"];
beforeAll(() => void (process.env["TZ"] = "Europe/Berlin"));
afterAll(() => void (zone === undefined ? delete process.env["TZ"] : (process.env["TZ"] = zone)));

const at = (text: string): number => new Date(text).getTime();

const { day: dayName, moment: momentName, lastSeen: lastSeenName } = dayNamesIn();

test("W31 yesterday is the day before in the calendar, also where a day has 23 or 25 hours", () => {
  // On 29 March 2026 the clocks went forward, on 25 October they go back.
  for (const [now, before] of [
    ["2026-03-30T00:30:00", "2026-03-29T00:10:00"],
    ["2026-03-30T23:30:00", "2026-03-29T23:50:00"],
    ["2026-10-26T00:30:00", "2026-10-25T00:10:00"],
    ["2026-10-26T23:59:00", "2026-10-25T00:00:00"],
    ["2026-01-01T00:00:00", "2025-12-31T23:59:59"],
  ] as const) {
    const today = dayOf(at(now));
    expect(dayName(at(before), today)).toBe("Yesterday");
    expect(momentName(at(before), today)).toBe("Yesterday");
    expect(dayName(at(now), today)).toBe("Today");
    expect(lastSeenName(at(before), today)).toStartWith("last seen yesterday at ");
  }
  expect(dayName(at("2026-10-24T23:59:59"), dayOf(at("2026-10-26T00:30:00")))).toBe("Saturday");
  expect(dayOf(at("2026-10-25T12:00:00"), 1) - dayOf(at("2026-10-25T12:00:00"))).toBe(25 * 3_600_000);
});

test("W31 earlier days have a name that says which", () => {
  const today = dayOf(at("2026-05-20T12:00:00"));
  expect(dayName(at("2026-05-14T12:00:00"), today)).toBe("Thursday");
  expect(dayName(at("2026-05-13T12:00:00"), today)).toMatch(/13/);
  expect(dayName(at("2025-05-13T12:00:00"), today)).toMatch(/2025/);
  expect(momentName(at("2025-05-13T12:00:00"), today)).toMatch(/2025/);
  // A clock that is ahead is no reason to say a wrong day.
  expect(dayName(at("2026-05-22T12:00:00"), today)).toMatch(/22/);
});
