import { existsSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Sqld } from "./sqld.ts";

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

/**
 * Migrates a database as that release does. Not by its command: that one needs packages which are no longer installed.
 *
 * @throws Error with the output of the process.
 */
export async function migrateAsRelease(
  dir: string,
  { url, authToken }: Pick<Sqld, "url" | "authToken">,
): Promise<void> {
  const script = `
    import { openEngine } from "./src/store/engine/open.ts";
    import { bundledMigrations } from "./src/store/migration/bundled.ts";
    import { migrate } from "./src/store/migration/migrate.ts";
    const engine = openEngine(${JSON.stringify({ url, authToken })});
    await migrate(engine, bundledMigrations);
    await engine.close();`;
  const child = Bun.spawn([process.execPath, "-e", script], { cwd: dir, stderr: "pipe" });
  const [output] = await Promise.all([child.stderr.text(), child.exited]);
  if (child.exitCode !== 0) throw new Error(`The migration of ${dir} failed: ${output}`);
}
