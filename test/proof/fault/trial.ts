import { createChance } from "../sim/chance.ts";
import { type DayVerdict, type Plant, runDay } from "./day.ts";
import { isOfFile, type Mode, modes } from "./faulty-engine.ts";

/** The calls of the day that fail: one, another one soon after it too, or all until the store is back. */
export const variants = ["once", "twice", "outage"] as const;

/** Calls of one day that numbers cover; a shorter day begins again, with other second failures. */
export const slots = 128;

export type Trial = {
  readonly number: number;
  readonly seed: number;
  readonly mode: Mode;
  readonly variant: (typeof variants)[number];
  /** The call that fails, from 1. */
  readonly n: number;
  readonly verdict: DayVerdict;
};

const outageMs = 2_500;
const calls = new Map<string, Promise<DayVerdict>>();

/** Day 1 is short, so that each of its calls can be tried in every mode. */
const dayOf = (seed: number, mode: Mode) => ({ seed, isShort: seed === 1, wayMs: isOfFile(mode) ? 0 : 4 });

/** The day without any failure. */
export function calmDay(seed: number, mode: Mode): Promise<DayVerdict> {
  const day = dayOf(seed, mode);
  const key = `${day.seed} ${day.wayMs}`;
  const known = calls.get(key) ?? runDay({ ...day, plan: () => null });
  calls.set(key, known);
  return known;
}

/** Number → mode (fastest), variant, call, day. */
export const numberOf = (at: { day: number; slot: number; variant: number; mode: number }): number =>
  ((at.day * slots + at.slot) * variants.length + at.variant) * modes.length + at.mode;

/** Tries one number; the same number is the same day with the same failures. */
export async function runTrial(number: number, plant: Plant = {}): Promise<Trial> {
  const mode = modes[number % modes.length] ?? modes[0];
  const variant = variants[Math.floor(number / modes.length) % variants.length] ?? "once";
  const slot = Math.floor(number / modes.length / variants.length);
  const seed = 1 + Math.floor(slot / slots);
  const calm = await calmDay(seed, mode);
  const n = 1 + ((slot % slots) % calm.calls);
  const second = n + createChance(number).between(1, 8);
  let end: number | null = null;
  const plan = (call: number, now: number): Mode | null => {
    if (variant !== "outage") return call === n || (variant === "twice" && call === second) ? mode : null;
    if (call < n) return null;
    end ??= now + outageMs;
    return now < end ? mode : null;
  };
  const verdict = await runDay({ ...dayOf(seed, mode), plan, plant });
  const untried = verdict.failed === 0 ? [`call ${n} was never made`] : [];
  const problems = [...calm.problems.map((problem) => `without any failure: ${problem}`), ...untried];
  return { number, seed, mode, variant, n, verdict: { ...verdict, problems: [...problems, ...verdict.problems] } };
}

/** The violations, with how to try again; null: none. */
export function describeTrial({ number, seed, mode, variant, n, verdict }: Trial): string | null {
  if (verdict.problems.length === 0) return null;
  const what = `fstore ${number} (day ${seed}, call ${n}, ${variant}, ${mode})`;
  return `${what}:\n  ${verdict.problems.slice(0, 12).join("\n  ")}`;
}
