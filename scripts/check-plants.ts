/**
 * The planted faults of the tests (test/plants) fit the source: the text that each of them replaces is in its file exactly once.
 *
 *   bun scripts/check-plants.ts                     lists all that do not fit, and those that no test uses
 *   bun scripts/check-plants.ts --move moves.json   writes new paths into test/plants, once files of src were moved;
 *                                                   moves.json: {"src/old.ts": "src/new.ts", …}
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plants } from "../test/plants/index.ts";
import { type Edit, editsOf, type Plant } from "../test/plants/plant.ts";
import { lineAt } from "./source.ts";
import { reportViolations, repositoryRoot } from "./violations.ts";

const shownMax = 100;

/** Every problem of the plants under `root`, as lines for people. */
export function checkPlants(root: string, all: ReadonlyMap<string, Plant>): readonly string[] {
  const source = readSource(root);
  const spec = source.read("SPEC.md") ?? "";
  const places = placesOf(root);
  const used = usedNames(root, all);
  return [...all].flatMap(([name, plant]) => {
    const wrongs = misfitsOf(plant, source);
    for (const rule of plant.rule?.split(" ") ?? [])
      if (!spec.includes(`**${rule}**`)) wrongs.push(`breaks ${rule}, which src/SPEC.md does not have`);
    if (!used.has(name)) wrongs.push("is used by no test");
    return wrongs.map((wrong) => `${places.get(name) ?? "test/plants"} "${name}" ${wrong}`);
  });
}

/** Reads each file of src once. */
function readSource(root: string) {
  const texts = new Map<string, string | null>();
  function read(file: string): string | null {
    const known = texts.get(file);
    if (known !== undefined) return known;
    const path = join(root, "src", file);
    const text = existsSync(path) ? readFileSync(path, "utf8") : null;
    texts.set(file, text);
    return text;
  }
  /** The files that hold a text, as `file:line`. */
  const find = (text: string): readonly string[] =>
    [...new Bun.Glob("**/*.{ts,tsx,js}").scanSync({ cwd: join(root, "src") })].sort().flatMap((file) => {
      const whole = read(file) ?? "";
      const at = whole.indexOf(text);
      return at === -1 ? [] : [`src/${file}:${lineAt(whole, at)}`];
    });
  return { read, find };
}

type Sources = ReturnType<typeof readSource>;

/** The edits are made one after the other, as a test makes them: a later one may change the text of an earlier one. */
function misfitsOf(plant: Plant, source: Sources): string[] {
  const wrongs: string[] = [];
  const altered = new Map<string, string>();
  for (const edit of editsOf(plant)) {
    const text = altered.get(edit.file) ?? source.read(edit.file);
    const count = text === null ? 0 : text.split(edit.from).length - 1;
    if (text === null || count !== 1) wrongs.push(misfit(edit, text, source));
    else if (edit.from === edit.to) wrongs.push(`changes nothing in src/${edit.file}`);
    else if (typeof edit.to === "string")
      altered.set(
        edit.file,
        text.replace(edit.from, () => String(edit.to)),
      );
  }
  return wrongs;
}

function misfit({ file, from }: Edit, text: string | null, source: Sources): string {
  const shown = `${JSON.stringify(from).slice(0, shownMax)} in src/${file}`;
  if (text?.includes(from)) return `finds more than one ${shown}: lines ${linesOf(text, from).join(", ")}`;
  const elsewhere = source.find(from);
  const hint = elsewhere.length > 0 ? `it is at ${elsewhere.slice(0, 3).join(", ")}` : nearest(file, text, from);
  return text === null ? `is for src/${file}, which does not exist; ${hint}` : `finds no ${shown}; ${hint}`;
}

function linesOf(text: string, from: string): readonly number[] {
  const lines: number[] = [];
  for (let at = text.indexOf(from); at !== -1; at = text.indexOf(from, at + 1)) lines.push(lineAt(text, at));
  return lines;
}

const wordsOf = (line: string): ReadonlySet<string> => new Set(line.match(/\w+|[^\w\s]+/g));

/** The place of the line that shares the most words with the longest line of a text. */
function nearest(file: string, text: string | null, from: string): string {
  const wanted = wordsOf(from.split("\n").toSorted((a, b) => b.trim().length - a.trim().length)[0] ?? "");
  let best = { line: 0, score: 0, shown: "" };
  for (const [index, line] of (text ?? "").split("\n").entries()) {
    const words = wordsOf(line);
    const shared = [...words].filter((word) => wanted.has(word)).length;
    // Other words of the line count against it.
    const score = (2 * shared) / (words.size + wanted.size);
    if (score > best.score) best = { line: index + 1, score, shown: line.trim().slice(0, shownMax) };
  }
  return best.score === 0 ? "nothing is like it" : `nearest is src/${file}:${best.line} ${best.shown}`;
}

/** Where each plant is written. */
function placesOf(root: string): ReadonlyMap<string, string> {
  const places = new Map<string, string>();
  for (const file of new Bun.Glob("test/plants/*.ts").scanSync({ cwd: root }))
    for (const [index, line] of readFileSync(join(root, file), "utf8").split("\n").entries()) {
      const [, name] = /^ {2}"(.+)": \{$/.exec(line) ?? [];
      if (name !== undefined) places.set(name, `${file}:${index + 1}`);
    }
  return places;
}

/** The names that are in quotes anywhere in the tests, outside the table itself. */
function usedNames(root: string, all: ReadonlyMap<string, Plant>): ReadonlySet<string> {
  const used = new Set<string>();
  for (const file of new Bun.Glob("test/**/*.ts").scanSync({ cwd: root })) {
    if (file.startsWith("test/plants/")) continue;
    for (const part of readFileSync(join(root, file), "utf8").split('"')) if (all.has(part)) used.add(part);
  }
  return used;
}

/** Writes the new paths of files into the plants under `root`. Returns the number of plants that got one. */
export function movePlants(root: string, moves: Readonly<Record<string, string>>): number {
  let moved = 0;
  for (const file of new Bun.Glob("test/plants/*.ts").scanSync({ cwd: root })) {
    const path = join(root, file);
    const text = readFileSync(path, "utf8");
    const changed = text.replace(/\bfile: "([^"]+)"/g, (whole, old: string) => {
      const target = moves[`src/${old}`];
      if (target === undefined) return whole;
      moved++;
      return `file: ${JSON.stringify(target.replace(/^src\//, ""))}`;
    });
    if (changed !== text) writeFileSync(path, changed);
  }
  return moved;
}

if (import.meta.main) {
  const [option, file] = process.argv.slice(2);
  if (option === "--move" && file !== undefined) {
    const moved = movePlants(
      repositoryRoot,
      JSON.parse(readFileSync(file, "utf8")) as Readonly<Record<string, string>>,
    );
    console.log(`${moved} edits in test/plants have a new path; check them with bun scripts/check-plants.ts`);
  } else if (option !== undefined) {
    throw new Error("Usage: bun scripts/check-plants.ts [--move moves.json]");
  } else {
    const wrongs = checkPlants(repositoryRoot, plants);
    reportViolations(wrongs);
    console.log(`${plants.size} plants, ${wrongs.length} problems`);
  }
}
