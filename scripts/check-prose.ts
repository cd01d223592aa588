/**
 * Comments, test names and pages are plain English: at most 3 idioms per 1,000 words. An idiom is a phrase that makes a reader who learned English
 * at school read the sentence twice.
 *
 *   bun scripts/check-prose.ts [path…]     files or folders; default: src, test, docs and the pages at the root
 */
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "./violations.ts";

/** Idioms per 1,000 words that all paths together may have. Comparable projects have 0.3 to 1.5. */
const idiomsMax = 3;
/** The number of files that a failure lists. */
const shownMax = 25;
/** The words below which the rate of a single file says nothing. */
const wordsMin = 40;

const idioms: Readonly<Record<string, RegExp>> = {
  "who, whose, whoever as a noun": /\b([Ww]hoever|[Ww]homever|[Ww]hose|[Ww]hom|[Ww]ho (?!is\b|are\b)\w+s)\b/g,
  "what … as a noun":
    /\b[Ww]hat (?:is|was|were|has|had|comes|came|goes|stands|waits|lies|follows|holds|cannot|can|does|did|must|it|they|one|somebody|a|an)\b/g,
  "somebody, nobody": /\b([Ss]ome|[Nn]o|[Aa]ny|[Ee]very)body\b/g,
  "tell, told": /\b([Tt]ells?|[Tt]old|[Tt]elling)\b/g,
  stands: /\bstands?\b/g,
  "so many, so long": /\bso (many|long|much|few|often)\b/g,
};

/** Comments, doc comments, and the names of tests. */
const spoken = /\/\*\*?[\s\S]*?\*\/|\/\/[^\n]*|(?:test|describe)\((?:"[^"]*"|`[^`]*`)/g;

export type Prose = { readonly file: string; readonly words: number; readonly hits: readonly string[] };

/** The words and the idioms of a file's prose; of a page, all of its text. */
export function proseOf(file: string, text: string): Prose {
  const prose = file.endsWith(".md") ? text : (text.match(spoken) ?? []).join("\n");
  return {
    file,
    words: prose.match(/[A-Za-z']+/g)?.length ?? 0,
    hits: Object.values(idioms).flatMap((idiom) => prose.match(idiom) ?? []),
  };
}

/** The prose of the files at these paths, which are named from the root. */
export function readProse(root: string, paths: readonly string[]): readonly Prose[] {
  const files = paths.flatMap((path) =>
    statSync(join(root, path)).isDirectory()
      ? [...new Bun.Glob("**/*.{ts,tsx,md}").scanSync({ cwd: join(root, path) })].map((name) => join(path, name))
      : [path],
  );
  return files.map((file) => proseOf(file, readFileSync(join(root, file), "utf8")));
}

/** The idioms per 1,000 words of all files together. */
export function rateOf(all: readonly Prose[]): number {
  const words = all.reduce((sum, prose) => sum + prose.words, 0);
  const hits = all.reduce((sum, prose) => sum + prose.hits.length, 0);
  return (1000 * hits) / Math.max(1, words);
}

/** The files with the highest rates, as lines: the rate, and each idiom. */
export function worstOf(all: readonly Prose[]): readonly string[] {
  return all
    .filter(({ words, hits }) => words >= wordsMin && hits.length > 0)
    .toSorted((a, b) => rateOf([b]) - rateOf([a]))
    .slice(0, shownMax)
    .map((prose) => `${rateOf([prose]).toFixed(1).padStart(6)}  ${prose.file}: ${prose.hits.join(", ")}`);
}

if (import.meta.main) {
  const pages = [...new Bun.Glob("*.md").scanSync({ cwd: repositoryRoot })].sort();
  const asked = process.argv.slice(2);
  const all = readProse(repositoryRoot, asked.length > 0 ? asked : ["src", "test", "docs", ...pages]);
  const rate = rateOf(all);
  if (asked.length > 0 || rate > idiomsMax) for (const line of worstOf(all)) console.error(line);
  console.error(`${rate.toFixed(1)} idioms per 1,000 words; ${idiomsMax} are allowed`);
  if (rate > idiomsMax) process.exitCode = 1;
}
