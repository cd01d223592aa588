import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Start, startServer } from "./server.ts";

const root = join(import.meta.dir, "../..");

/** The last commit before messages knew the one before them: its server knows the migrations up to 12. */
export const releaseBefore = "6da91def4d9ce071b6f2af48e9d320ffa88ffb7a";
const file = join(import.meta.dir, "releases/6da91def.js.gz");

/** Its server as one script; `bun scripts/bundle-release.ts COMMIT FILE` has made it. */
export const scriptOfReleaseBefore = (): string => Buffer.from(Bun.gunzipSync(readFileSync(file))).toString("utf8");

/** Starts its server as a real process; it uses the packages that are installed here. */
export function createStartOfReleaseBefore(): { readonly start: Start; readonly dispose: () => void } {
  const dir = mkdtempSync(join(tmpdir(), "tidings-release-"));
  // The server looks for the files of its page from its own folder.
  const folder = join(dir, "src/standalone");
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(root, "node_modules"), join(dir, "node_modules"));
  const script = join(folder, "server.js");
  writeFileSync(script, scriptOfReleaseBefore());
  return {
    start: (options = {}) => startServer({ ...options, script }),
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  };
}
