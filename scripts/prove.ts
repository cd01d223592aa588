/**
 * Tries Tidings' promises for a given time, and reports the numbers of tries and violations.
 *
 *   bun run prove                        about five minutes, a share for each harness
 *   bun run prove --minutes 60 sim fuzz  an hour for these two
 *   bun run prove --minutes 0            only reports all tries so far, and writes them into docs/proof.md
 *
 * docs/proof-tally.jsonl keeps the tries, one line per run with its commit; a later run continues from there.
 */
import { parseArgs } from "node:util";
import { join } from "node:path";
import { addFacts, type Proof, type ProofResult } from "../test/proof/proof.ts";
import { allProofs } from "./proof/all.ts";
import { addRun, currentCommit, nextNumber, readTally, type Run } from "./proof/tally.ts";
import { formatTable, writePage } from "./proof/table.ts";

/** A harness runs this long in one process; its result then counts, even if a later process breaks. */
const chunkMsMax = 120_000;

const one = join(import.meta.dir, "proof/prove-one.ts");

type Chunk = { readonly name: string; readonly from: number; readonly ms: number };

/** One harness for a while, in a process of its own; null where that process broke. */
async function runChunk({ name, from, ms }: Chunk): Promise<ProofResult | null> {
  const child = Bun.spawn([process.execPath, one, name, String(from), String(Math.round(ms))], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
    env: { ...process.env, CI: "true" },
  });
  const text = await child.stdout.text();
  const last = text.trimEnd().split("\n").at(-1) ?? "";
  if ((await child.exited) === 0 && last.startsWith("{")) return JSON.parse(last) as ProofResult;
  console.error(`${name} from ${from} ended with ${child.exitCode} ${child.signalCode ?? ""}`);
  return null;
}

async function prove({ name, isOnePiece = false }: Proof, ms: number, isOver: () => boolean): Promise<Run> {
  const start = performance.now();
  const from = nextNumber(name);
  let run: Run = {
    name,
    commit: await currentCommit(),
    date: new Date().toISOString().slice(0, 10),
    seconds: 0,
    ...{ from, next: from, tried: 0, violations: 0, facts: {} },
  };
  const leftMs = (): number => ms - (performance.now() - start);
  while (!isOver() && leftMs() > 1_000) {
    const result = await runChunk({ name, from: run.next, ms: isOnePiece ? leftMs() : Math.min(leftMs(), chunkMsMax) });
    if (isOver()) break;
    if (!result) return { ...run, violations: run.violations + 1 };
    for (const violation of result.violations) console.error(`${name}: ${violation}`);
    const facts = { ...run.facts };
    addFacts(facts, result.facts);
    run = {
      ...run,
      next: result.next,
      tried: run.tried + result.tried,
      violations: run.violations + result.violations.length,
      seconds: Math.round((performance.now() - start) / 1_000),
      facts,
    };
    if (result.tried === 0) break;
  }
  return run;
}

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    args: process.argv.slice(2),
    options: { minutes: { type: "string", default: "5" } },
    allowPositionals: true,
  });
  const minutes = Number(values.minutes);
  if (!(minutes >= 0)) throw new Error(`--minutes is a number from 0, got ${values.minutes}`);
  const unknown = positionals.filter((name) => !allProofs.some((proof) => proof.name === name));
  if (unknown.length > 0)
    throw new Error(
      `There is no harness ${unknown.join(", ")}; there are ${allProofs.map(({ name }) => name).join(", ")}`,
    );
  const chosen = allProofs.filter(({ name }) => positionals.length === 0 || positionals.includes(name));
  const weights = chosen.reduce((sum, { weight }) => sum + weight, 0);

  let isInterrupted = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => (isInterrupted = true));
  const runs: Run[] = [];
  for (const proof of minutes === 0 ? [] : chosen) {
    if (isInterrupted) break;
    console.error(`${proof.name} …`);
    const run = await prove(proof, (minutes * 60_000 * proof.weight) / weights, () => isInterrupted);
    if (run.tried > 0 || run.violations > 0) addRun(run);
    runs.push(run);
  }
  console.log(formatTable(readTally(), runs));
  writePage(readTally());
  return runs.every(({ violations }) => violations === 0);
}

if (!(await main())) process.exitCode = 1;
