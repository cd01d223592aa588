import type { Benchmark, Measure } from "./benchmark.ts";
import { warmUpMsDefault } from "./load/run-pairs.ts";
import { withCores } from "./storage/cores.ts";
import { crowd, drain, pages, randomPairs } from "./storage/data-parts.ts";
import { fullWindow, lone, slowDisk, window1 } from "./storage/load-parts.ts";
import type { Part, StorageOptions } from "./storage/part.ts";

const sizeUsual = 400_000;

/** All parts, in the order in which they are measured. */
const parts: Readonly<Record<string, (options: StorageOptions) => Promise<Part>>> = {
  window1,
  fullWindow,
  lone,
  slowDisk,
  randomPairs,
  drain,
  crowd,
  pages,
};
export const storageParts: readonly string[] = Object.keys(parts);

/** Tidings beside a naive server: same machine, same run, in turn. Ratios come first. */
export const storage: Benchmark = (options) =>
  withCores((cores) =>
    measureStorage({
      ...options,
      ...{ cores, warmUpMs: warmUpMsDefault, backlog: 10_000 },
      // `--messages` asks for one more size.
      sizes: [0, sizeUsual, ...(options.messages > sizeUsual ? [options.messages] : [])],
      pages: { size: sizeUsual, loneRounds: 100, fullRounds: 20 },
    }),
  );

/** The parts that are asked for, the ratios of all of them first. */
export async function measureStorage(options: StorageOptions): Promise<readonly Measure[]> {
  const seen: Part[] = [];
  for (const name of options.parts) {
    const part = parts[name];
    if (part === undefined) throw new Error(`There is no part ${name}: ${storageParts.join(", ")}`);
    // It adds its own delay.
    if (part === slowDisk && options.commitDelayMs > 0) continue;
    seen.push(await part(options));
  }
  return [...seen.flatMap(({ ratios }) => ratios), ...seen.flatMap(({ details }) => details)];
}
