/** The raw baseline: the store's own statements in group commits, with nothing else in the process. */
import { join } from "node:path";
import { writeSteps } from "../../../src/store/write/batch.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import { createRemoteEngine } from "../../../src/store/engine/remote.ts";
import type { Engine, Statement } from "../../../src/store/engine/engine.ts";
import { bundledMigrations } from "../../../src/store/migration/bundled.ts";
import { migrate } from "../../../src/store/migration/migrate.ts";
import type { Send } from "../../../src/store/store.ts";
import { answer, childInput } from "../child.ts";
import { cpuSeconds } from "../process-usage.ts";

export type RawStoreInput = {
  readonly folder: string;
  readonly pairs: number;
  readonly textBytes: number;
  readonly batchSizes: readonly number[];
  readonly warmUpMs: number;
  readonly measureMs: number;
  readonly commitDelayMs: number;
  /** Leaves out everything that only matters for new users and new pairs. */
  readonly isLean: boolean;
  /** An empty database on a server; absent: a fresh file for each size. */
  readonly url?: string;
};

/** `cpuMicros`: processor time of a message, which other programs on the machine disturb less than the rate. */
export type RawRate = { readonly batch: number; readonly perSecond: number; readonly cpuMicros: number };
export type RawStoreAnswer = { readonly rates: readonly RawRate[] };

const input = childInput<RawStoreInput>();
const text = "x".repeat(input.textBytes);
const time = Date.now();
let nextPair = 0;
let nextKey = 1;

const leanSteps = ["before", "messages", "advance", "head", "after"];

/** Sends of all pairs in turn, as they mix in the server's commits. */
function statementsOf(size: number, isLean: boolean): Statement[] {
  const sends = Array.from({ length: size }, () => {
    const i = nextPair++ % input.pairs;
    const send: Send = { tenant: "default", from: `sender-${i}`, to: `receiver-${i}`, id: Bun.randomUUIDv7(), text };
    return { send, settle: () => {}, key: "", bytes: text.length };
  });
  const batch = { sends, devices: [], relations: [], seen: [], acks: [], reads: [], time };
  const steps = writeSteps(batch, { newKey: () => nextKey++, limits: defaultLimits });
  return steps.filter(({ name }) => !isLean || leanSteps.includes(name)).map(({ statement }) => statement);
}

async function commitFor(engine: Engine, size: number, ms: number): Promise<RawRate> {
  let rows = 0;
  const cpu = cpuSeconds(process.pid);
  const start = performance.now();
  while (performance.now() - start < ms) {
    const results = await engine.write(statementsOf(size, input.isLean));
    rows += size;
    if (results.every((result) => result.length < size)) throw new Error("Not every row was inserted");
    if (input.commitDelayMs > 0) Bun.sleepSync(input.commitDelayMs);
  }
  const perSecond = (rows * 1_000) / (performance.now() - start);
  return { batch: size, perSecond, cpuMicros: ((cpuSeconds(process.pid) - cpu) * 1e6) / rows };
}

const rates: RawRate[] = [];
for (const batch of input.batchSizes) {
  const engine =
    input.url === undefined
      ? createEmbeddedEngine({ path: join(input.folder, `raw-${batch}.db`) })
      : createRemoteEngine({ url: input.url });
  await migrate(engine, bundledMigrations);
  await engine.write(statementsOf(input.pairs, false));
  await commitFor(engine, batch, input.warmUpMs);
  rates.push(await commitFor(engine, batch, input.measureMs));
  await engine.close();
}
answer({ rates } satisfies RawStoreAnswer);
process.exit(0);
