import { describe, expect, test } from "bun:test";
import { decide, decideClear, type Facts, type PushDelays } from "../../src/push/decide.ts";
import { parseQuietHours, quietHours, type QuietHours, quietUntil } from "../../src/protocol/quiet-hours.ts";
import * as v from "valibot";

const delays: PushDelays = { activeMs: 5_000, idleMs: 20_000, expiryMs: 86_400_000 };
const hour = 3_600_000;
const midnight = Date.UTC(2026, 5, 1);

const choices = {
  presence: ["none", "active", "idle"],
  ageMs: [0, 4_999, 5_000, 19_999, 20_000],
  isAcked: [false, true],
  isRead: [false, true],
  mutedUntil: [null, "past", "future", Infinity],
  isOff: [false, true],
  isBlocked: [false, true],
  quiet: ["none", "in", "out"],
  address: ["live", "expired", "none"],
  isDeleted: [false, true],
  isOld: [false, true],
} as const;
type Choice = { readonly [K in keyof typeof choices]: (typeof choices)[K][number] };

/** Every combination. */
function* combinations(): Generator<Choice> {
  const names = Object.keys(choices) as (keyof typeof choices)[];
  function* next(i: number, chosen: Record<string, unknown>): Generator<Choice> {
    const name = names[i];
    if (name === undefined) yield { ...chosen } as unknown as Choice;
    else for (const value of choices[name]) yield* next(i + 1, { ...chosen, [name]: value });
  }
  yield* next(0, {});
}

const now = midnight + 12 * hour;
const hours = (from: string, to: string): QuietHours => ({ from, to, timeZone: "UTC" });

const factsOf = (choice: Choice): Facts => ({
  now,
  message: { time: choice.isOld ? now - delays.expiryMs - 1 : now - choice.ageMs, isDeleted: choice.isDeleted },
  isAcked: choice.isAcked,
  isRead: choice.isRead,
  presence: choice.presence,
  ageMs: choice.ageMs,
  isBlocked: choice.isBlocked,
  mutedUntil: choice.mutedUntil === "past" ? now - 1 : choice.mutedUntil === "future" ? now + 1 : choice.mutedUntil,
  isOff: choice.isOff,
  quietHours:
    choice.quiet === "none" ? null : choice.quiet === "in" ? hours("11:00", "13:30") : hours("22:00", "07:00"),
  address: choice.address,
});

/** The rules as a table for readers: the first one that applies, from the top. */
const table: readonly (readonly [string, (choice: Choice) => boolean])[] = [
  ["drop deleted", ({ isDeleted }) => isDeleted],
  ["drop read", ({ isRead }) => isRead],
  ["drop delivered", ({ isAcked }) => isAcked],
  ["drop blocked", ({ isBlocked }) => isBlocked],
  ["drop muted", ({ isOff, mutedUntil }) => isOff || mutedUntil === "future" || mutedUntil === Infinity],
  ["drop no_devices", ({ address }) => address === "none"],
  ["drop token_dead", ({ address }) => address === "expired"],
  ["drop expired", ({ isOld }) => isOld],
  ["wait unacked", ({ presence, ageMs }) => presence === "active" && ageMs < 5_000],
  ["wait unacked", ({ presence, ageMs }) => presence === "idle" && ageMs < 20_000],
  ["wait quiet_hours", ({ quiet }) => quiet === "in"],
  ["send sent", () => true],
];

const textOf = ({ type, reason }: { type: string; reason: string }): string => `${type} ${reason}`;

describe("the decision", () => {
  test("U22 follows the table for each combination of the facts, and says when a wait ends", () => {
    const seen = new Map<string, number>();
    for (const choice of combinations()) {
      const facts = factsOf(choice);
      const decision = decide(facts, delays);
      const [expected = ""] = table.find(([, applies]) => applies(choice)) ?? [];
      if (textOf(decision) !== expected) expect([choice, textOf(decision)]).toEqual([choice, expected]);
      seen.set(expected, (seen.get(expected) ?? 0) + 1);
      if (decision.type !== "wait") continue;
      const until =
        decision.reason === "unacked"
          ? now + (choice.presence === "active" ? 5_000 : 20_000) - choice.ageMs
          : midnight + 13.5 * hour;
      expect(decision.until).toBe(until);
    }
    expect([...seen.keys()].toSorted()).toEqual([...new Set(table.map(([name]) => name))].toSorted());
  });

  test("control: U22 some combination fails if a rule is missing in the table", () => {
    for (const [i, [name]] of table.slice(0, -1).entries()) {
      const weaker = table.filter((_, j) => j !== i);
      const isMissed = [...combinations()].some((choice) => {
        const [expected] = weaker.find(([, applies]) => applies(choice)) ?? [];
        return textOf(decide(factsOf(choice), delays)) !== expected;
      });
      expect([name, isMissed]).toEqual([name, true]);
    }
  });

  test("U22 a shown notification is removed if it was read and the device does not know yet; U69 or if its sender was blocked", () => {
    for (const isShown of [false, true])
      for (const isRead of [false, true])
        for (const isAcked of [false, true])
          for (const address of ["live", "expired", "none"] as const)
            for (const isBlocked of [false, true])
              expect(decideClear({ isShown, isRead, isBlocked, isAcked, address })).toBe(
                !isShown || !(isRead || isBlocked)
                  ? "keep"
                  : (isRead && isAcked) || address !== "live"
                    ? "forget"
                    : "clear",
              );
  });
});

describe("quiet hours", () => {
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
});
