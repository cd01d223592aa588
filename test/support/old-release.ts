import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

/** The newest release with unprefixed tables and readable cursors. */
export const unprefixedRelease = "20d3b0a";

const git = (...args: readonly string[]) => Bun.spawnSync(["git", ...args], { cwd: root, stderr: "ignore" });

/** Whether this clone has a commit: a shallow one has not. */
export const hasCommit = (commit: string): boolean =>
  existsSync(join(root, ".git")) && git("cat-file", "-e", `${commit}^{commit}`).exitCode === 0;

/** The tree of a commit in a folder of its own; it uses the packages that are installed here. */
export function checkOut(commit: string): { readonly dir: string; readonly dispose: () => void } {
  const dir = mkdtempSync(join(tmpdir(), "tidings-release-"));
  const { stdout } = git("archive", "--format=tar", commit);
  const { exitCode } = Bun.spawnSync(["tar", "-x", "-C", dir], { stdin: stdout });
  if (exitCode !== 0) throw new Error(`The tree of ${commit} cannot be unpacked`);
  symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
  return { dir, dispose: () => rmSync(dir, { recursive: true, force: true }) };
}
