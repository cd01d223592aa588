import { expect, test } from "bun:test";
import * as v from "valibot";
import { parseQuietHours, quietHours, type QuietHours, quietUntil } from "../../src/protocol/quiet-hours.ts";

const hour = 3_600_000;
const midnight = Date.UTC(2026, 5, 1);
const hours = (from: string, to: string): QuietHours => ({ from, to, timeZone: "UTC" });
const at = (text: string): number => Date.parse(text);

test("U9 end at their time, also after midnight; from a time to the same time they are the whole day", () => {
  expect(quietUntil(hours("22:00", "07:00"), midnight + 23 * hour)).toBe(midnight + 31 * hour);
  expect(quietUntil(hours("22:00", "07:00"), midnight + 6 * hour + 1)).toBe(midnight + 7 * hour);
  expect(quietUntil(hours("22:00", "07:00"), midnight + 7 * hour)).toBe(null);
  expect(quietUntil(hours("22:00", "07:00"), midnight + 22 * hour - 1)).toBe(null);
  expect(quietUntil(hours("12:30", "13:00"), midnight + 12.75 * hour)).toBe(midnight + 13 * hour);
  expect(quietUntil(hours("00:00", "00:00"), midnight + 5 * hour)).toBe(midnight + 24 * hour);
});

test("U9 follow the time zone, with its half hours and its seasons", () => {
  const of = (timeZone: string): QuietHours => ({ from: "22:00", to: "07:00", timeZone });
  expect(quietUntil(of("Africa/Khartoum"), at("2026-01-01T21:00:00Z"))).toBe(at("2026-01-02T05:00:00Z"));
  expect(quietUntil(of("Asia/Kolkata"), at("2026-01-01T17:00:00Z"))).toBe(at("2026-01-02T01:30:00Z"));
  expect(quietUntil(of("Asia/Kolkata"), at("2026-01-01T16:00:00Z"))).toBe(null);
  // The night when clocks are set forward at 02:00, and the one when they are set back at 03:00.
  expect(quietUntil(of("Europe/Berlin"), at("2026-03-28T22:00:00Z"))).toBe(at("2026-03-29T05:00:00Z"));
  expect(quietUntil(of("Europe/Berlin"), at("2026-10-24T21:00:00Z"))).toBe(at("2026-10-25T06:00:00Z"));
});

test("U9 end also in an hour that a time change skips or repeats, because they are looked at again", () => {
  for (const [to, from, last] of [
    ["02:30", "2026-03-28T22:00:00Z", "2026-03-29T01:00:00Z"],
    ["02:30", "2026-10-24T21:00:00Z", "2026-10-25T01:30:00Z"],
  ] as const) {
    let now = at(from);
    for (let looks = 0; looks < 200; looks++) {
      const until = quietUntil({ from: "22:00", to, timeZone: "Europe/Berlin" }, now);
      if (until === null) break;
      expect(until).toBeGreaterThan(now);
      now = until;
    }
    expect(now).toBeLessThanOrEqual(at(last));
    expect(now).toBeGreaterThanOrEqual(at(last) - hour);
  }
});

test("U9 are refused if the time or the zone is invalid", () => {
  const good = { from: "22:00", to: "07:00", timeZone: "Africa/Khartoum" };
  expect(v.is(quietHours, good)).toBe(true);
  for (const bad of [
    { from: "24:00" },
    { from: "7:00" },
    { to: "07:60" },
    { timeZone: "Mars/Olympus" },
    { timeZone: "+03:00" },
    { timeZone: "" },
    { timeZone: `A${"b".repeat(70)}` },
    { more: 1 },
  ])
    expect([bad, v.is(quietHours, { ...good, ...bad })]).toEqual([bad, false]);
  expect(parseQuietHours(JSON.stringify(good))).toEqual(good);
  expect([parseQuietHours("{"), parseQuietHours("{}")]).toEqual([null, null]);
  expect(quietUntil({ ...good, timeZone: "Mars/Olympus" }, 0)).toBe(null);
});
