import type { Measure } from "./benchmark.ts";
import { median } from "./statistics.ts";

/** One measure over all runs of its benchmark. */
export type Summary = {
  readonly benchmark: string;
  readonly name: string;
  readonly unit: string;
  readonly median: number;
  readonly min: number;
  readonly max: number;
  readonly values: readonly number[];
};

/** Folds the runs of one benchmark: a line for each measure, in the order of their first appearance. */
export function summarize(benchmark: string, runs: readonly (readonly Measure[])[]): Summary[] {
  const names = new Map<string, Measure[]>();
  for (const measure of runs.flat()) names.set(measure.name, [...(names.get(measure.name) ?? []), measure]);
  return Array.from(names, ([name, measures]) => {
    const values = measures.map(({ value }) => value);
    const unit = measures[0]?.unit ?? "";
    return {
      benchmark,
      name,
      unit,
      median: median(values),
      min: Math.min(...values),
      max: Math.max(...values),
      values,
    };
  });
}

/** A Markdown table, aligned for the terminal too. */
export function tableOf(summaries: readonly Summary[]): string {
  const head = ["benchmark", "measure", "unit", "median", "min", "max", "runs"];
  const body = summaries.map((one) => [
    one.benchmark,
    one.name,
    one.unit,
    shown(one.median),
    shown(one.min),
    shown(one.max),
    String(one.values.length),
  ]);
  const widths = head.map((title, i) => Math.max(...[head, ...body].map((row) => (row[i] ?? title).length)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, i) => (i < 3 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join(" | ")} |`;
  const rule = `|${widths.map((width, i) => (i < 3 ? "-".repeat(width + 2) : `${"-".repeat(width + 1)}:`)).join("|")}|`;
  return [line(head), rule, ...body.map(line)].join("\n");
}

/** Three significant digits. */
function shown(value: number): string {
  if (!Number.isFinite(value)) return "–";
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString("en-US").replaceAll(",", " ");
  return value.toPrecision(3);
}
