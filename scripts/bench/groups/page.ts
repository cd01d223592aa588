/**
 * Writes the tables about groups of docs/performance.md from the measurements.
 *
 *   bun run bench groups --json groups.json
 *   bun scripts/bench/groups/page.ts groups.json   # keeps the medians in docs/groups-figures.json, and writes the page
 *   bun scripts/bench/groups/page.ts               # writes the page again
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { toTable, withPart } from "../../page-part.ts";
import { figureOf, type Kept, readKeptFigures, roundFigure as round, withResults } from "../kept-figures.ts";

const docs = join(import.meta.dir, "../../../docs");
const keptFile = join(docs, "groups-figures.json");
const pageFile = join(docs, "performance.md");

const sizes = [3, 30, 300, 3_000, 30_000];
/** Sizes of which a thousand are connected. */
const large = [3_000, 30_000];

/** `direct`: the same of a message to one user has this name. */
type Line = {
  readonly words: string;
  readonly before: string;
  readonly after?: string;
  readonly direct?: string;
  readonly goal?: string;
};

const message = (name: string): readonly Line[] => [
  { words: `${name}: processor time, µs`, before: `${name}, `, direct: `${name}, to one user` },
  { words: "… to that to one user", before: `${name}, `, after: ": processor time (goal 1.2)", goal: "≤ 1.2" },
  { words: "… log, bytes", before: `${name}, log, `, direct: `${name}, log, to one user` },
  { words: "… to that to one user", before: `${name}, `, after: ": log (goal 1.2)", goal: "≤ 1.2" },
];
const change = (name: string): readonly Line[] => [
  { words: `${name}: processor time, µs`, before: `${name}, ` },
  { words: "… log, bytes", before: `${name}, log, ` },
];
const lines: readonly Line[] = [
  ...message("a message at 100 a commit"),
  ...message("a message alone"),
  ...["a join", "a leave", "100 added"].flatMap(change),
];

export const readKeptGroups = (): Kept => readKeptFigures(keptFile);
export const readGroupsPage = (): string => readFileSync(pageFile, "utf8");

const figure = (kept: Kept, name: string): string => round(figureOf(kept, `groups: ${name}`).median);
const count = (value: number): string => value.toLocaleString("en");

function formatStore(kept: Kept): string {
  const rows = lines.map(({ words, before, after = "", direct, goal = "" }) => [
    words,
    direct === undefined ? "" : figure(kept, direct),
    ...sizes.map((size) => figure(kept, `${before}${size} members${after}`)),
    goal,
  ]);
  return toTable(["members", "to one user", ...sizes.map(count), "goal"], rows);
}

function formatDeliveries(kept: Kept): string {
  const rows = ["one writer", "one writer, no acks", "20 writers"].flatMap((load) =>
    large.map((size) => {
      const what = `deliveries, ${size} members, ${load}`;
      const of = (rest: string): string => figure(kept, `${what}${rest}`);
      return [
        ...[`${count(size)} members, ${load}`, of(": bare"), of(": Tidings"), of(": rate (goal 0.7)")],
        ...[of(", processor time: bare"), of(", processor time: Tidings")],
        ...[of(", messages a frame: bare"), of(", messages a frame: Tidings")],
      ];
    }),
  );
  const head = [
    "1,000 connected",
    "bare, a second",
    "Tidings, a second",
    "ratio (goal 0.7)",
    "bare, µs",
    "Tidings, µs",
  ];
  return toTable([...head, "messages a frame: bare", "Tidings"], rows);
}

const resumes = [
  "nothing new",
  "20 new messages",
  "20 new messages, and 2000 other groups changed",
  "1020 new messages, in all groups",
];

function formatReading(kept: Kept): string {
  const of = (name: string): string => figure(kept, name);
  const rows = [
    ...resumes.map((words) => {
      const what = `resume in 1000 groups, ${words}`;
      return [
        `resume: ${words}`,
        of(`${what}: groups`),
        of(`${what}: one conversation`),
        of(`${what} (goal 3)`),
        "≤ 3",
      ];
    }),
    ...[10, 100, 1_000].map((groups) => [
      ...[`list of conversations, at most 50 of ${count(groups)} groups`, of(`list of ${groups} groups, at most 50`)],
      ...["", "", ""],
    ]),
  ];
  return toTable(["processor time in the store, µs", "in 1,000 groups", "one conversation", "ratio", "goal"], rows);
}

const formatMemory = (kept: Kept): string =>
  toTable(
    ["1,000 connected members, each in", "memory, MB"],
    [0, 20, 1_000].map((each) => [
      `${count(each)} of 1,000 groups`,
      figure(kept, `memory of 1000 connected, in ${each} of 1000 groups each`),
    ]),
  );

/** The page's text with its tables made from the kept figures. */
export function groupsPageWith(text: string, kept: Kept): string {
  const { date, cores, bun, runs } = kept;
  const made: Readonly<Record<string, string>> = {
    "groups machine": `Measured on ${date}: ${cores} cores, Bun ${bun}; medians of ${runs} runs.`,
    "groups store": formatStore(kept),
    "groups deliveries": formatDeliveries(kept),
    "groups reading": formatReading(kept),
    "groups memory": formatMemory(kept),
  };
  return Object.entries(made).reduce((page, [name, part]) => withPart(page, name, part), text);
}

if (import.meta.main) {
  const kept = withResults(keptFile, process.argv.slice(2));
  if (kept) {
    groupsPageWith(readGroupsPage(), kept);
    writeFileSync(keptFile, `${JSON.stringify(kept, null, 2)}\n`);
  }
  writeFileSync(pageFile, groupsPageWith(readGroupsPage(), readKeptGroups()));
}
