import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** A separate file system that is soon full; removed when the `using` block ends. */
export type SmallDisk = { readonly path: string } & Disposable;

/** Mounts one in memory. Throws where this process may not mount. */
export function mountSmallDisk(bytes: number): SmallDisk {
  const path = mkdtempSync(join(tmpdir(), "tidings-disk-"));
  const owner = `uid=${process.getuid?.() ?? 0},gid=${process.getgid?.() ?? 0}`;
  const mounted = run(["mount", "-t", "tmpfs", "-o", `size=${bytes},${owner}`, "tmpfs", path]);
  if (mounted !== null) {
    rmSync(path, { recursive: true, force: true });
    throw new Error(`A small disk could not be mounted: ${mounted}`);
  }
  return {
    path,
    [Symbol.dispose]() {
      // Lazily: a process that was just killed may hold a file for a moment longer.
      const left = run(["umount", "--lazy", path]);
      if (left !== null) throw new Error(`${path} could not be unmounted: ${left}`);
      rmSync(path, { recursive: true, force: true });
    },
  };
}

/** Whether this process may mount; tried once. */
export function mayMount(): boolean {
  try {
    using _ = mountSmallDisk(65_536);
    return true;
  } catch {
    return false;
  }
}

/** The error output of a failed command; null: it succeeded. */
function run(command: readonly string[]): string | null {
  // A CI's runner may do this without a password; a person's machine is left alone.
  const isRoot = process.getuid?.() === 0;
  const prefix = isRoot || process.env["CI"] !== "true" ? [] : ["sudo", "-n"];
  try {
    const { exitCode, stderr } = Bun.spawnSync([...prefix, ...command], { stdin: "ignore", stdout: "ignore" });
    return exitCode === 0 ? null : new TextDecoder().decode(stderr).trim();
  } catch (error) {
    return String(error);
  }
}
