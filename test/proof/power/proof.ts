import { copyFileSync, mkdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addFacts, type Proof } from "../proof.ts";
import { createChance } from "../sim/chance.ts";
import { startServer } from "../../support/server.ts";
import { memoryFolder, type RecordOptions, recordRun, traceName } from "./record.ts";
import { replay } from "./replay.ts";
import { compileShim } from "./shim.ts";
import { readTrace } from "./trace.ts";

/** Losses per recorded run: a run is expensive, and has thousands of instants. */
const pointsMax = 500;

/** The real server's files, recorded, as a disk may have them after a power loss at any instant. */
export const proof: Proof = {
  name: "power",
  unit: "crash points",
  rules: ["D2"],
  weight: 2,
  async run({ from, count, isOver, say }) {
    const violations: string[] = [];
    const facts: Record<string, number> = {};
    let tried = 0;
    while (tried < count && !isOver()) {
      const seed = from + tried;
      const points = Math.min(pointsMax, count - tried);
      const size = { starts: createChance(seed).between(2, 6), messages: createChance(~seed).between(30, 700) };
      const found = await tryRun({ start: startServer, seed, points, ...size, isKept: true, isOver });
      tried += found.tried;
      violations.push(...found.violations);
      addFacts(facts, found.facts);
      say(`${tried} crash points, ${facts["accepted"] ?? 0} accepted, ${violations.length} violations`);
    }
    return { tried, next: from + tried, violations, facts };
  },
};

export type RunOptions = Omit<RecordOptions, "shim"> & {
  readonly points: number;
  /** Whether to keep the trace of a run with violations, for a replay. */
  readonly isKept?: boolean;
  readonly isOver?: () => boolean;
};

/** Records one run and loses the power at this many of its instants. */
export async function tryRun({ points, isKept = false, isOver = () => false, ...options }: RunOptions) {
  const { seed } = options;
  const folder = memoryFolder();
  try {
    const shim = await compileShim(folder);
    const run = join(folder, "run");
    mkdirSync(run);
    const { records, complaints, facts } = await recordRun(run, { ...options, shim });
    const { tried, violations } = await replay({ records, seed, points, folder, isOver });
    if (isKept && violations.length > 0) {
      // The same seed never kills a new server at the same instant: only the trace repeats a finding.
      const kept = join(tmpdir(), `tidings-power-${seed}.trace`);
      copyFileSync(join(run, traceName), kept);
      const command = `TRACE=${kept} SEED=${seed} POINTS=${points} bun run test test/proof/power/power.test.ts`;
      violations.push(`it is repeated by: ${command}`);
    }
    return { tried, violations: [...complaints, ...violations].map((text) => `seed ${seed}, ${text}`), facts };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Loses the power at the instants of a saved run. */
export async function tryTrace(options: { file: string; seed: number; points: number }): Promise<readonly string[]> {
  const { file, seed, points } = options;
  const folder = memoryFolder();
  try {
    return (await replay({ records: readTrace(file), seed, points, folder })).violations;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
