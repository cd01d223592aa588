import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plant } from "../../test/plants/index.ts";
import { mutants } from "../../test/proof/sim/mutants.ts";
import { toTable, withPart } from "../page-part.ts";
import { allProofs } from "./all.ts";
import type { Run } from "./tally.ts";

const page = join(import.meta.dir, "../../docs/proof.md");

const counted = new Intl.NumberFormat("en").format;
const sum = (runs: readonly Run[], of: (run: Run) => number): number => runs.reduce((all, run) => all + of(run), 0);

/** The numbers of tries, violations and time by harness; `runs`: those of this run, none for the page. */
export function formatTable(tally: readonly Run[], runs: readonly Run[]): string {
  const rows = allProofs.flatMap(({ name, unit, rules }) => {
    const all = tally.filter((run) => run.name === name);
    const now = runs.filter((run) => run.name === name);
    if (all.length === 0 && now.length === 0) return [];
    const commits = new Set(all.map(({ commit }) => commit)).size;
    return [
      [
        name,
        ...(runs.length > 0 ? [now.length === 0 ? "" : counted(sum(now, ({ tried }) => tried))] : []),
        `${counted(sum(all, ({ tried }) => tried))} ${unit}`,
        counted(sum(all, ({ violations }) => violations)),
        `${counted(Math.round(sum(all, ({ seconds }) => seconds) / 60))} min over ${commits} commit${commits === 1 ? "" : "s"}`,
        rules.join(" "),
      ],
    ];
  });
  return toTable(["harness", ...(runs.length > 0 ? ["now"] : []), "tried in all", "violations", "time", "rules"], rows);
}

const formatMutants = (): string =>
  toTable(
    ["mutant", "altered", "found by seed", "breaks"],
    mutants.map(({ name, seed, rule }) => [name, `\`${plant(name)[0]?.file}\``, String(seed), rule]),
  );

/** The page's text with both tables in their places: the tries, and the planted mutants. */
export const pageWith = (text: string, tally: readonly Run[]): string =>
  withPart(withPart(text, "tally", formatTable(tally, [])), "mutants", formatMutants());

export const readPage = (): string => readFileSync(page, "utf8");

export function writePage(tally: readonly Run[]): void {
  const text = readPage();
  const wanted = pageWith(text, tally);
  if (wanted !== text) writeFileSync(page, wanted);
}
