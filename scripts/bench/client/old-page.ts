import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { repositoryRoot } from "../../violations.ts";

/** The last commit with the page that was there before the client: its first message is the baseline. */
const oldCommit = "7f5836b4cd58fe83c0ce58d537393066fa537586";

/** The entry of the old server, taken out of the repository's history into a folder. Null: this copy has no such history. */
export async function oldServer(folder: string): Promise<string | null> {
  mkdirSync(folder);
  const tree = join(folder, "old.tar");
  const archive = Bun.spawn(["git", "archive", "--output", tree, oldCommit, "src", "migrations", "package.json"], {
    cwd: repositoryRoot,
    stdout: "ignore",
    stderr: "ignore",
  });
  if ((await archive.exited) !== 0) return null;
  const unpack = Bun.spawn(["tar", "-xf", tree], { cwd: folder, stdout: "ignore", stderr: "inherit" });
  if ((await unpack.exited) !== 0) throw new Error("The old page could not be unpacked");
  symlinkSync(join(repositoryRoot, "node_modules"), join(folder, "node_modules"));
  return join(folder, "src/server.ts");
}
