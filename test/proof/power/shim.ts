import { join } from "node:path";
import { programPath } from "../../support/prerequisite.ts";

/** Compiles the shim into a folder; returns the library's path, for LD_PRELOAD. */
export async function compileShim(folder: string): Promise<string> {
  const library = join(folder, "shim.so");
  const source = join(import.meta.dir, "shim.c");
  const words = ["-O2", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC", "-o", library, source, "-ldl"];
  const child = Bun.spawn([programPath("gcc"), ...words], { stdin: "ignore", stdout: "ignore", stderr: "pipe" });
  const [complaint, exitCode] = await Promise.all([child.stderr.text(), child.exited]);
  if (exitCode !== 0) throw new Error(`gcc could not compile shim.c:\n${complaint}`);
  return library;
}
