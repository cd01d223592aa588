import { readFileSync } from "node:fs";

/** Descriptors that are no connections: the database and its log, the sources, and requests that are being refused. */
const spareFilesMin = 64;
const spareShare = 0.1;

/** How many files, sockets included, this process may hold open; null where the system does not tell. */
export function openFilesMax(): number | null {
  try {
    return openFilesIn(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    return null;
  }
}

/** Reads it from a text such as /proc/self/limits has (proc(5)); null: unlimited, or not told. */
export function openFilesIn(limits: string): number | null {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  return soft === undefined ? null : Number(soft);
}

/**
 * How many connections fit under a limit of open files, at most `wanted`. A process that reaches that limit can accept
 * nobody, not even to refuse them, and its event loop spins over those who wait.
 */
export function connectionsWithin(openFiles: number | null, wanted: number): number {
  if (openFiles === null) return wanted;
  const spare = Math.max(spareFilesMin, Math.ceil(openFiles * spareShare));
  return Math.max(1, Math.min(wanted, openFiles - spare));
}
