import { readFileSync } from "node:fs";

/** File descriptors kept free for other uses than connections: the database and its log, the sources, and requests that are refused. */
const spareFilesMin = 64;
const spareShare = 0.1;

/** The number of files, sockets included, that this process may have open; null if the system does not report it. */
export function openFilesMax(): number | null {
  try {
    return openFilesIn(readFileSync("/proc/self/limits", "utf8"));
  } catch {
    return null;
  }
}

/** Reads the number from a text in the form of /proc/self/limits (proc(5)); null: unlimited, or not reported. */
export function openFilesIn(limits: string): number | null {
  const [, soft] = /^Max open files\s+(\d+)/m.exec(limits) ?? [];
  return soft === undefined ? null : Number(soft);
}

/**
 * The number of connections that fit under a limit of open files, at most `wanted`. At that limit a process can accept no connection,
 * not even to refuse it, and its event loop spins over the waiting ones.
 */
export function connectionsWithin(openFiles: number | null, wanted: number): number {
  if (openFiles === null) return wanted;
  const spare = Math.max(spareFilesMin, Math.ceil(openFiles * spareShare));
  return Math.max(1, Math.min(wanted, openFiles - spare));
}
