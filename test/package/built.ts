import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { build } from "../../scripts/build.ts";
import { type Start, startServer } from "../support/server.ts";

const root = join(import.meta.dir, "../..");

export type Built = {
  /** The folder to be published, beside the repository's packages. */
  readonly folder: string;
  /** The tarball that npm makes from it. */
  readonly tarball: string;
  /** The paths in the tarball, in order. */
  readonly files: readonly string[];
};

/** A folder for one run of all tests, in which its processes share the package; absent if a test file runs by itself. */
const shared = process.env["TIDINGS_RUN_FOLDER"];
const lookMs = 50;

let built: Promise<Built> | null = null;

/** The package as it would be published; made once, until `removeBuiltPackage()`, which each file that uses it calls at its end. */
export function builtPackage(): Promise<Built> {
  built ??=
    shared === undefined ? make(mkdtempSync(join(tmpdir(), "tidings-package-"))) : share(join(shared, "package"));
  return built;
}

export async function removeBuiltPackage(): Promise<void> {
  const folder = (await built?.catch(() => null))?.folder;
  built = null;
  if (folder !== undefined && shared === undefined) rmSync(dirname(folder), { recursive: true, force: true });
}

/** The first process makes it; the others wait until it exists, or has failed. */
async function share(place: string): Promise<Built> {
  const [done, failed] = [join(place, "built.json"), join(place, "failed")];
  if (isFirstAt(place))
    try {
      const made = await make(place);
      writeFileSync(`${done}.part`, JSON.stringify(made));
      renameSync(`${done}.part`, done);
    } catch (error) {
      writeFileSync(failed, String(error));
      throw error;
    }
  while (!existsSync(done)) {
    if (existsSync(failed)) throw new Error(`The package could not be built: ${readFileSync(failed, "utf8")}`);
    await Bun.sleep(lookMs);
  }
  return JSON.parse(readFileSync(done, "utf8")) as Built;
}

function isFirstAt(place: string): boolean {
  try {
    mkdirSync(place);
    return true;
  } catch (error) {
    if (Reflect.get(Object(error), "code") === "EEXIST") return false;
    throw error;
  }
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
