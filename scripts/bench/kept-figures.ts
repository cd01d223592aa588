import { existsSync, readFileSync } from "node:fs";

export type Measured = { readonly median: number; readonly min: number; readonly max: number; readonly unit: string };

/** Measurements that a page shows, by the benchmark and the name of the measure. */
export type Kept = {
  readonly date: string;
  readonly cores: number;
  readonly bun: string;
  readonly runs: number;
  readonly measures: Readonly<Record<string, Measured>>;
};

type BenchFile = {
  readonly machine: { readonly cores: number; readonly bun: string; readonly date: string };
  readonly options: { readonly runs: number };
  readonly results: readonly (Measured & { readonly benchmark: string; readonly name: string })[];
};

export const readKeptFigures = (file: string): Kept => JSON.parse(readFileSync(file, "utf8")) as Kept;

/** Kept figures with the results of `bench --json` in their place; undefined: there are no results. The others stay, and all must come from one machine. */
export function withResults(keptFile: string, files: readonly string[]): Kept | undefined {
  const found = files.map((file) => JSON.parse(readFileSync(file, "utf8")) as BenchFile);
  const [first] = found;
  if (!first) return undefined;
  if (found.some(({ machine }) => machine.cores !== first.machine.cores || machine.bun !== first.machine.bun))
    throw new Error("These are of different machines");
  const measures = found
    .flatMap(({ results }) => results)
    .map(
      ({ benchmark, name, unit, median, min, max }) => [`${benchmark}: ${name}`, { unit, median, min, max }] as const,
    );
  const { cores, bun, date } = first.machine;
  const runs = Math.min(...found.map(({ options }) => options.runs));
  const last = existsSync(keptFile) ? readKeptFigures(keptFile) : null;
  // Figures of another machine are dropped: missing ones are reported then.
  const before = last !== null && last.cores === cores && last.bun === bun ? last.measures : {};
  return {
    date: date.slice(0, 10),
    cores,
    bun,
    runs,
    measures: { ...before, ...Object.fromEntries(measures) },
  };
}

/** The figure of a measure. */
export function figureOf({ measures }: Kept, name: string): Measured {
  const found = measures[name];
  if (!found) throw new Error(`The kept figures lack "${name}"`);
  return found;
}

/** Three digits that count. */
export const roundFigure = (value: number): string =>
  value >= 100
    ? Math.round(Number(value.toPrecision(3))).toLocaleString("en")
    : String(Number(value.toPrecision(value < 10 ? 2 : 3)));
