import { describe, expect, test } from "bun:test";
import { decide, decideClear, type Facts, type PushDelays } from "../../src/push/decide.ts";
import type { QuietHours } from "../../src/protocol/quiet-hours.ts";

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
