/** Measures Tidings: bun run bench [names…] [--runs N] … (see --help, and README.md beside this for how to read it). */
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { command } from "../../src/cli/command.ts";
import { runProgram } from "../../src/cli/program.ts";
import { backlog } from "./backlog.ts";
import { client } from "./client.ts";
import type { Benchmark, BenchOptions, Measure } from "./benchmark.ts";
import { division } from "./division.ts";
import { groupParts, groups } from "./groups.ts";
import { history } from "./history.ts";
import { hostile, hostileActs } from "./hostile.ts";
import { idle } from "./idle.ts";
import { latency } from "./latency.ts";
import { nodes } from "./nodes.ts";
import { remote } from "./remote.ts";
import { push } from "./push.ts";
import { resume } from "./resume.ts";
import { sockets } from "./sockets.ts";
import { storage, storageParts } from "./storage.ts";
import { summarize, type Summary, tableOf } from "./table.ts";
import { throughput } from "./throughput.ts";

const benchmarks: Readonly<Record<string, Benchmark>> = {
  throughput,
  push,
  remote,
  nodes,
  division,
  latency,
  idle,
  resume,
  history,
  backlog,
  sockets,
};
/** By name alone: `storage`, `groups` and `hostile` take long, and `hostile` checks whether something holds; `client` needs Chromium and npm. */
const onDemand: Readonly<Record<string, Benchmark>> = { storage, groups, hostile, client };

const number = (description: string, value: number) =>
  ({ type: "string", description, default: String(value) }) as const;

const main = command({
  description: "Measures; without names, all benchmarks but storage, groups, hostile and client",
  args: {
    names: {
      type: "rest",
      description: `Benchmarks: ${Object.keys(benchmarks).join(", ")}; storage; groups; hostile; client`,
    },
    runs: number("How often each is run; the table has medians", 3),
    pairs: number("Pairs of sender and receiver", 100),
    window: number("Sends that each sender keeps unanswered", 32),
    seconds: number("How long throughput and latency are measured in each run", 8),
    "commit-delay": number("Milliseconds added to each commit, as slow disks do", 0),
    connections: number("Idle connections", 5_000),
    "text-bytes": number("Length of the texts", 64),
    remote: { type: "boolean", description: "On a libSQL server: the benchmark of that name" },
    nodes: {
      type: "string",
      description: "With this many nodes on a libSQL server: 1,2,3; the benchmark of that name",
    },
    members: { type: "string", description: "groups: sizes of groups", default: "3,30,300,3000,30000" },
    messages: number("hostile: messages of one's own in one conversation; storage: of one more, large file", 100_000),
    conversations: number("hostile: conversations of one user", 2_000),
    devices: number("hostile: devices of one user", 1_000),
    acts: { type: "string", description: `hostile: the acts; default: ${hostileActs.join(",")}` },
    parts: {
      type: "string",
      description: `storage: the parts; default: ${storageParts.join(",")}; groups: ${groupParts.join(",")}`,
    },
    json: { type: "string", description: "File for the results as JSON" },
  },
  async run(args) {
    const options: BenchOptions = {
      runs: whole("runs", args.runs),
      pairs: whole("pairs", args.pairs),
      window: whole("window", args.window),
      seconds: whole("seconds", args.seconds),
      commitDelayMs: whole("commit-delay", args["commit-delay"]),
      connections: whole("connections", args.connections),
      textBytes: whole("text-bytes", args["text-bytes"]),
      messages: whole("messages", args.messages),
      conversations: whole("conversations", args.conversations),
      devices: whole("devices", args.devices),
      acts: args.acts?.split(",") ?? hostileActs,
      parts: args.parts?.split(",") ?? (args.names.includes("groups") ? groupParts : storageParts),
      members: args.members.split(",").map((count) => whole("members", count)),
      nodes: (args.nodes ?? "1,2,3").split(",").map((count) => whole("nodes", count)),
    };
    const asked = [...args.names, ...(args.remote ? ["remote"] : []), ...(args.nodes === undefined ? [] : ["nodes"])];
    const names = asked.length > 0 ? asked : Object.keys(benchmarks);
    const summaries: Summary[] = [];
    for (const name of names) summaries.push(...summarize(name, await runAll(name, options)));
    console.log(tableOf(summaries));
    if (args.json === undefined) return;
    const machine = { cores: cpus().length, bun: Bun.version, date: new Date().toISOString() };
    writeFileSync(args.json, `${JSON.stringify({ machine, options, results: summaries }, null, 2)}\n`);
  },
});

async function runAll(name: string, options: BenchOptions): Promise<(readonly Measure[])[]> {
  const all = { ...benchmarks, ...onDemand };
  const benchmark = Object.hasOwn(all, name) ? all[name] : undefined;
  if (benchmark === undefined) throw new Error(`There is no benchmark ${name}: ${Object.keys(all).join(", ")}`);
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

await runProgram({ name: "bench", main, rawArgs: process.argv.slice(2) });
