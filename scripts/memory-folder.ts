import { mkdtempSync, readFileSync, statfsSync } from "node:fs";
import { join } from "node:path";

const place = "/dev/shm";
/** All that the tests keep at one moment is a tenth of it. */
const freeBytesMin = 4 * 2 ** 30;

/**
 * A new folder in memory for what the tests write; null where the machine has none with enough room, or none from which a program may be run.
 * No test cuts the power of the machine: to wait for its disk shows nothing.
 */
export function memoryFolder(): string | null {
  try {
    const [, , type, options = ""] =
      readFileSync("/proc/mounts", "utf8")
        .split("\n")
        .map((line) => line.split(" "))
        .findLast(([, mounted]) => mounted === place) ?? [];
    if (type !== "tmpfs" || options.split(",").includes("noexec")) return null;
    const { bavail, bsize } = statfsSync(place);
    return bavail * bsize < freeBytesMin ? null : mkdtempSync(join(place, "tidings-tests-"));
  } catch {
    return null;
  }
}
