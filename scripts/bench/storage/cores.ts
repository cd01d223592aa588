import { readFileSync } from "node:fs";

/** The numbers of a processor list as the kernel writes it: `0-2,5`. */
export function coresIn(list: string): number[] {
  return list.split(",").flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

/** How the machine is divided: the server on one core, the benchmark and its load generator on another. */
export type Cores = {
  /** Words before the server's command. */
  readonly serverCommand: readonly string[];
};

/**
 * Runs `use` with this process, and all that it starts, on the second core, and leaves the first one to the server. Where there is no `taskset`, or
 * only one core, the system places them as it likes.
 */
export async function withCores<T>(use: (cores: Cores) => Promise<T>): Promise<T> {
  const allowed = /^Cpus_allowed_list:\s*(\S+)/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1] ?? "";
  const [first, second] = coresIn(allowed);
  if (Bun.which("taskset") === null || first === undefined || second === undefined) return use({ serverCommand: [] });
  const place = (cores: string): unknown =>
    Bun.spawnSync(["taskset", "--all-tasks", "--cpu-list", "--pid", cores, String(process.pid)]);
  place(String(second));
  try {
    return await use({ serverCommand: ["taskset", "--cpu-list", String(first)] });
  } finally {
    place(allowed);
  }
}
