/**
 * Installs the packages of bun.lock when node_modules does not hold them: missing, or installed from another lock.
 * Imports nothing but what the runtime carries, since node_modules may be absent when it runs.
 */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const root = join(import.meta.dir, "..");
const marker = join(root, "node_modules", ".tidings-lock");

/** The origin of node_modules: the lock, and the machine that its native addons fit. */
function wantedMark(): string {
  const lock = readFileSync(join(root, "bun.lock"));
  return `${new Bun.CryptoHasher("sha256").update(lock).digest("hex")} ${process.platform}-${process.arch}\n`;
}

/** Resolves to false when the install failed; the installer has said why. */
export async function setup(): Promise<boolean> {
  const wanted = wantedMark();
  if (existsSync(marker) && readFileSync(marker, "utf8") === wanted) return true;
  console.error("Installing packages (bun install --frozen-lockfile)");
  const installer = Bun.spawn([process.execPath, "install", "--frozen-lockfile"], {
    cwd: root,
    stdin: "ignore",
    stdout: 2,
    stderr: 2,
  });
  if ((await installer.exited) !== 0) return false;
  writeFileSync(marker, wanted);
  return true;
}

if (import.meta.main && !(await setup())) process.exitCode = 1;
