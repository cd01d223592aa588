import { mkdirSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import { createChance } from "../sim/chance.ts";
import { createDisk } from "./disk.ts";
import type { Plant } from "./plant.ts";
import { readTrace } from "./trace.ts";

const script = join(import.meta.dir, "engine-process.ts");

/**
 * A process is killed before its fsync number `killAtSync`; the next one reports how many rows it found; then the power goes.
 * Returns the reported number, and the number that is there.
 */
export async function loseFound(options: { folder: string; shim: string; killAtSync: number; plant?: Plant }) {
  const { folder, shim, killAtSync, plant } = options;
  const path = join(folder, "tidings.db");
  const trace = join(folder, "trace");
  const env = {
    ...{ PATH: process.env["PATH"] ?? "", LD_PRELOAD: shim, TRACE_FILE: trace, TRACE_PREFIX: path },
    ...(plant === undefined ? {} : { PLANT: plant }),
  };
  const run = async (task: "write" | "read", more: Readonly<Record<string, string>> = {}): Promise<string> => {
    const command = [process.execPath, script, path, task];
    const child = Bun.spawn(command, { env: { ...env, ...more }, stdin: "ignore", stdout: "pipe", stderr: "inherit" });
    const [text] = await Promise.all([child.stdout.text(), child.exited]);
    return text;
  };
  await run("write", { TRACE_KILL_AT_SYNC: String(killAtSync) });
  const reported = Number(await run("read"));

  const disk = createDisk();
  for (const record of readTrace(trace)) disk.apply(record);
  const after = join(folder, "after");
  mkdirSync(after);
  for (const [name, bytes] of disk.survive({ kind: "none" }, createChance(1)))
    writeFileSync(join(after, basename(name)), bytes);
  const engine = createEmbeddedEngine({ path: join(after, "tidings.db") });
  try {
    const [[row] = []] = await engine.read([{ sql: "SELECT count(*) AS count FROM found" }]);
    return { reported, there: Number(row?.["count"]) };
  } finally {
    await engine.close();
  }
}
