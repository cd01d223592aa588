import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "../../scripts/build.ts";
import { type Start, startServer } from "../support/server.ts";
import { onceInRun, runFolder } from "./once-in-run.ts";

const root = join(import.meta.dir, "../..");

export type Built = {
  /** The folder to be published, beside the repository's packages. */
  readonly folder: string;
  /** The tarball that npm makes from it. */
  readonly tarball: string;
  /** The paths in the tarball, in order. */
  readonly files: readonly string[];
};

let built: Promise<Built> | null = null;

/** The package as it would be published; made once, until `removeBuiltPackage()`, which each file that uses it calls at its end. */
export function builtPackage(): Promise<Built> {
  built ??=
    runFolder === undefined ? make(mkdtempSync(join(tmpdir(), "tidings-package-"))) : onceInRun("package", make);
  return built;
}

export async function removeBuiltPackage(): Promise<void> {
  const folder = (await built?.catch(() => null))?.folder;
  built = null;
  if (folder !== undefined && runFolder === undefined) rmSync(dirname(folder), { recursive: true, force: true });
}

async function make(place: string): Promise<Built> {
  symlinkSync(join(root, "node_modules"), join(place, "node_modules"));
  const folder = join(place, "dist");
  await build(folder);
  return { folder, ...(await pack(folder, place)) };
}

/** The files of a folder that `npm publish` would send. */
export async function pack(folder: string, to: string): Promise<Pick<Built, "tarball" | "files">> {
  const said = await run(["npm", "pack", folder, "--json", "--pack-destination", to], to);
  const [packed] = JSON.parse(said) as { filename: string; files: { path: string }[] }[];
  if (packed === undefined) throw new Error("npm packed nothing");
  return { tarball: join(to, packed.filename), files: packed.files.map(({ path }) => path).sort() };
}

/** The same by Bun, which takes a tenth of the time: for a folder in which only other tools look for faults. */
export async function packQuickly(folder: string, to: string): Promise<Pick<Built, "tarball" | "files">> {
  const tarball = (await run([process.execPath, "pm", "pack", "--quiet", "--destination", to], folder)).trim();
  const list = (await run(["tar", "-tzf", tarball], to)).trim().split("\n");
  return { tarball, files: list.map((path) => path.replace(/^package\//, "")).sort() };
}

/** Runs a command to its end; returns its standard output, or rejects with all its output if it fails. */
export async function run(command: readonly string[], cwd: string): Promise<string> {
  const child = Bun.spawn([...command], { cwd, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (code !== 0) throw new Error(`${command.join(" ")} exited with code ${code}\n${stdout}${stderr}`);
  return stdout;
}

/** Starts the standalone server of the built package on Node, in place of the source's. */
export const startBuiltOnNode: Start = async (options = {}) => {
  const { folder } = await builtPackage();
  return await startServer({ ...options, runtime: ["node", join(folder, "cli.js")], script: "serve" });
};
