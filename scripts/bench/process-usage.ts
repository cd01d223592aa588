import { readFileSync, writeFileSync } from "node:fs";

/** The kernel's clock ticks per second; 100 on every usual Linux. */
const ticksPerSecond = 100;

/** Processor time that a process has used, in seconds (proc(5), `stat`). */
export function cpuSeconds(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  // The name may hold spaces: fields count from behind its closing bracket.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Memory that a process holds now, in bytes. */
export const rssBytes = (pid: number): number => statusBytes(pid, "VmRSS");

/** Its largest memory since `forgetPeak`, in bytes. */
export const peakRssBytes = (pid: number): number => statusBytes(pid, "VmHWM");

export function forgetPeak(pid: number): void {
  writeFileSync(`/proc/${pid}/clear_refs`, "5");
}

/** Memory once it has stopped moving: within 1 % over two seconds, or after `timeoutMs`. */
export async function settledRssBytes(pid: number, timeoutMs = 20_000): Promise<number> {
  const end = performance.now() + timeoutMs;
  let before = rssBytes(pid);
  for (;;) {
    await Bun.sleep(Math.min(2_000, timeoutMs));
    const now = rssBytes(pid);
    if (Math.abs(now - before) < before / 100 || performance.now() > end) return now;
    before = now;
  }
}

function statusBytes(pid: number, name: string): number {
  const line = readFileSync(`/proc/${pid}/status`, "utf8")
    .split("\n")
    .find((one) => one.startsWith(`${name}:`));
  return Number(/\d+/.exec(line ?? "")?.[0] ?? Number.NaN) * 1024;
}
