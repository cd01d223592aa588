/** Measures Tidings: bun run bench [names…] [--runs N] … (--help tells more; README.md beside this tells how to read it). */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { defineCommand, runMain } from "citty";
import { backlog } from "./backlog.ts";
import type { Benchmark, BenchOptions, Measure } from "./benchmark.ts";
import { history } from "./history.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import { push } from "./push.ts";
import { resume } from "./resume.ts";
import { sockets } from "./sockets.ts";
import { summarize, type Summary, tableOf } from "./table.ts";
import { throughput } from "./throughput.ts";

const benchmarks: Readonly<Record<string, Benchmark>> = {
  throughput,
  push,
  latency,
  idle,
  resume,
  history,
  backlog,
  sockets,
};

const number = (description: string, value: number) =>
  ({ type: "string", description, default: String(value) }) as const;

const main = defineCommand({
  meta: { name: "bench", description: `Benchmarks: ${Object.keys(benchmarks).join(", ")}; none named: all` },
  args: {
    runs: number("How often each is run; the table has medians", 3),
    pairs: number("Pairs of sender and receiver", 100),
    window: number("Sends that each sender keeps unanswered", 32),
    seconds: number("How long throughput and latency are measured in each run", 8),
    "commit-delay": number("Milliseconds added to each commit, as slow disks do", 0),
    connections: number("Idle connections", 5_000),
    "text-bytes": number("Length of the texts", 64),
    json: { type: "string", description: "File for the results as JSON" },
  },
  async run({ args }) {
    const options: BenchOptions = {
      runs: whole("runs", args.runs),
      pairs: whole("pairs", args.pairs),
      window: whole("window", args.window),
      seconds: whole("seconds", args.seconds),
      commitDelayMs: whole("commit-delay", args["commit-delay"]),
      connections: whole("connections", args.connections),
      textBytes: whole("text-bytes", args["text-bytes"]),
    };
    const names = args._.length > 0 ? args._ : Object.keys(benchmarks);
    const summaries: Summary[] = [];
    for (const name of names) summaries.push(...summarize(name, await runAll(name, options)));
    console.log(tableOf(summaries));
    if (args.json === undefined) return;
    const machine = { cores: cpus().length, bun: Bun.version, date: new Date().toISOString() };
    writeFileSync(args.json, `${JSON.stringify({ machine, options, results: summaries }, null, 2)}\n`);
  },
});

async function runAll(name: string, options: BenchOptions): Promise<(readonly Measure[])[]> {
  const benchmark = Object.hasOwn(benchmarks, name) ? benchmarks[name] : undefined;
  if (benchmark === undefined) throw new Error(`There is no benchmark ${name}: ${Object.keys(benchmarks).join(", ")}`);
  const runs: (readonly Measure[])[] = [];
  for (let run = 1; run <= options.runs; run++) {
    console.error(`${name}: run ${run} of ${options.runs}`);
    runs.push(await benchmark(options));
  }
  return runs;
}

function whole(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`--${name} is a whole number, got ${text}`);
  return value;
}

await runMain(main);
