/**
 * Writes docs/performance.md's table from the measurements.
 *
 *   bun run bench storage --json storage.json
 *   bun scripts/bench/storage/page.ts storage.json   # keeps the medians in docs/performance-figures.json, and writes the page
 *   bun scripts/bench/storage/page.ts                # writes the page again
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toTable, withPart } from "../../page-part.ts";
import { figureOf, type Kept, readKeptFigures, roundFigure as round, withResults } from "../kept-figures.ts";

const docs = join(import.meta.dir, "../../../docs");
const keptFile = join(docs, "performance-figures.json");
const pageFile = join(docs, "performance.md");

/** One line of the table: `measure` is that of a side, without its name. */
type Line = {
  readonly words: string;
  readonly measure: string;
  /** The measure that is the ratio; absent: the two medians are divided. */
  readonly ratio?: string;
  /** Each side's figure is divided by its own figure of this measure. */
  readonly over?: string;
  readonly goal?: string;
};

const empty = "random pairs, 0 messages";
const rateToEmpty = (size: string): Line => ({
  ...{ words: "… rate to that on an empty file", measure: `random pairs, ${size} messages`, over: empty },
  ...(size === "10000000" && { goal: "Tidings ≥ 0.9" }),
});

const lone = "a message alone, 200/s";
const slow = "window 32, fsync + 10 ms";

const lines: readonly Line[] = [
  { words: "window 1, messages/s", measure: "window 1", ratio: "window 1: rate (goal 1.2)", goal: "≥ 1.2" },
  {
    ...{ words: "… processor time, µs a message", measure: "window 1, processor time" },
    ratio: "window 1: processor time a message",
  },
  { words: "window 32, messages/s", measure: "window 32", ratio: "window 32: rate (goal 2.0)", goal: "≥ 2.0" },
  {
    ...{ words: "… processor time, µs a message", measure: "window 32, processor time" },
    ratio: "window 32: processor time a message",
  },
  {
    ...{ words: "… longest stop of the event loop, ms", goal: "≤ 20 ms" },
    measure: "window 32, longest stop of the event loop (goal 20)",
  },
  { words: "… largest size of the log, MB", measure: "window 32, largest size of the log" },
  { words: "window 32 with an fsync of 10 ms more, messages/s", measure: slow, ratio: `${slow}: rate` },
  {
    ...{ words: "a message alone, 200 a second: processor time, µs", measure: `${lone}, processor time` },
    ...{ ratio: `${lone}: processor time (goal 1.5)`, goal: "≤ 1.5" },
  },
  {
    ...{ words: "… accepted, median, ms", measure: `${lone}, accepted p50` },
    ...{ ratio: `${lone}: accepted p50 (goal 1.25)`, goal: "≤ 1.25" },
  },
  {
    ...{ words: "… accepted, 99th percentile, ms", measure: `${lone}, accepted p99` },
    ...{ ratio: `${lone}: accepted p99 (goal 1.25)`, goal: "≤ 1.25" },
  },
  ...[
    ["0", "an empty file"],
    ["400000", "400,000 messages"],
    ["10000000", "10 million messages"],
  ].flatMap(([size = "", words = ""]) => [
    {
      ...{ words: `random pairs on ${words}, messages/s`, measure: `random pairs, ${size} messages` },
      ratio: `random pairs, ${size} messages: rate`,
    },
    { words: "… processor time, µs a message", measure: `random pairs, ${size} messages, processor time` },
    ...(size === "0" ? [] : [rateToEmpty(size)]),
  ]),
  {
    ...{ words: "10,000 waiting messages over one connection, messages/s", goal: "≥ 1.5" },
    ...{ measure: "10000 waiting messages, received", ratio: "10000 waiting messages: rate (goal 1.5)" },
  },
  { words: "… processor time, µs a message", measure: "10000 waiting messages, processor time" },
  {
    ...{ words: "an idle connection of 5,000, bytes", measure: "5000 idle connections, each (goal 6000)" },
    goal: "≤ 6,000 bytes",
  },
  {
    ...{ words: "connections opened a second", measure: "5000 idle connections, opened" },
    ratio: "5000 idle connections: opened",
  },
  ...[
    ["a message alone in its commit", "≤ 8 pages with both"],
    ["its ack", ""],
    ["its read", ""],
  ].map(([words = "", goal = ""]) => ({ words: `log of ${words}, pages`, measure: `log, ${words}`, goal })),
  {
    ...{ words: "log of a message at 100 a commit, bytes", goal: "≤ 5,000 bytes" },
    measure: "log, a message at 100 a commit, bytes",
  },
  {
    words: "… processor time in the store, µs",
    measure: "log, a message at 100 a commit, processor time",
  },
];

export const readKeptPerformance = (): Kept => readKeptFigures(keptFile);
export const readPerformancePage = (): string => readFileSync(pageFile, "utf8");

/** Lines that a usual run does not have. */
const isOptional = ({ measure }: Line): boolean => measure.includes("10000000");
/** The naive store has no reads. */
const isOwn = ({ measure }: Line): boolean => measure === "log, its read";

function formatMeasured(kept: Kept): string {
  const of = (name: string): string => `storage: ${name}`;
  const rows = lines
    .filter((line) => !isOptional(line) || of(`${line.measure}: Tidings`) in kept.measures)
    .map((line) => {
      const { words, measure, ratio, over, goal = "" } = line;
      const figure = (side: string): number => {
        const { median } = figureOf(kept, of(`${measure}: ${side}`));
        return over === undefined ? median : median / figureOf(kept, of(`${over}: ${side}`)).median;
      };
      const tidings = figure("Tidings");
      if (isOwn(line)) return [words, "–", round(tidings), "", goal];
      const naive = figure("naive");
      const found = ratio === undefined ? tidings / naive : figureOf(kept, of(ratio)).median;
      return [words, round(naive), round(tidings), round(found), goal];
    });
  return toTable(["measured", "naive", "Tidings", "ratio", "goal"], rows);
}

/** The page's text with its table made from the kept figures. */
export function performancePageWith(text: string, kept: Kept): string {
  const { date, cores, bun, runs } = kept;
  const made: Readonly<Record<string, string>> = {
    machine: `Measured on ${date}: ${cores} cores, one for the server and one for the load generator; Bun ${bun}; medians of ${runs} runs.`,
    measured: formatMeasured(kept),
  };
  return Object.entries(made).reduce((page, [name, part]) => withPart(page, name, part), text);
}

if (import.meta.main) {
  const kept = withResults(keptFile, process.argv.slice(2));
  if (kept) {
    performancePageWith(readPerformancePage(), kept);
    writeFileSync(keptFile, `${JSON.stringify(kept, null, 2)}\n`);
  }
  writeFileSync(pageFile, performancePageWith(readPerformancePage(), readKeptPerformance()));
}
