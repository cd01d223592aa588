import type { BenchOptions, Measure } from "../benchmark.ts";
import { measure } from "../benchmark.ts";
import type { Cores } from "./cores.ts";
import type { Both, SideOptions } from "./side.ts";

export type StorageOptions = Pick<
  BenchOptions,
  "pairs" | "window" | "seconds" | "textBytes" | "connections" | "commitDelayMs" | "parts"
> & {
  readonly cores: Cores;
  readonly warmUpMs: number;
  /** Messages that are in the file before random pairs write to it. */
  readonly sizes: readonly number[];
  readonly conversationsMin?: number;
  /** How long the memory of a server may take to settle; default: that of `idle`. */
  readonly settleMs?: number;
  /** Messages that wait for one user. */
  readonly backlog: number;
  /** The size of the file on which single commits are measured, and how many. */
  readonly pages: { readonly size: number; readonly loneRounds: number; readonly fullRounds: number };
};

/** A part's lines: ratios of Tidings to the naive server, and what they are made of. */
export type Part = { readonly ratios: readonly Measure[]; readonly details: readonly Measure[] };

export const names: Both<string> = { naive: "naive", tidings: "Tidings" };
export const sides = ["naive", "tidings"] as const;

/** A line for each side. */
export const ofBoth = <T>(seen: Both<T>, what: string, unit: string, of: (one: T) => number): Measure[] =>
  sides.map((side) => measure(`${what}: ${names[side]}`, unit, of(seen[side])));

export const sideOptions = ({ cores, commitDelayMs }: StorageOptions, delayMs = commitDelayMs): SideOptions => ({
  cores,
  commitDelayMs: delayMs,
});
