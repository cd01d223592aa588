import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleWebScript, webScripts } from "../../src/standalone/web-file.ts";
import { onceInRun, runFolder } from "../package/once-in-run.ts";

const root = join(import.meta.dir, "../..");
const source = join(root, "src/server.ts");
const cliSource = join(root, "src/cli.ts");
const isPlanted = process.env["ALTERATIONS"] !== undefined;
const isBundled = runFolder !== undefined && !isPlanted;
let bundled: Promise<string> | undefined;
let bundledCli: Promise<string> | undefined;

/**
 * The standalone server as one file, made once for a run of all tests: a start then takes half of the processor time, and hundreds of servers start.
 * A test file that runs by itself starts the source, and so do tests with a planted bug: no bug may get into the bundle of the others.
 */
export const serverScript = (): Promise<string> =>
  (bundled ??= isBundled ? onceInRun("server", bundle) : Promise.resolve(source));

/** The same for the command `tidings`, without `serve`. */
export const cliScript = (): Promise<string> =>
  (bundledCli ??= isBundled ? onceInRun("cli", bundleCli) : Promise.resolve(cliSource));

async function bundleCli(place: string): Promise<string> {
  symlinkSync(join(root, "node_modules"), join(place, "node_modules"));
  return await bundleTo(place, cliSource, "cli.js");
}

async function bundle(place: string): Promise<string> {
  for (const name of ["docs", "node_modules"]) symlinkSync(join(root, name), join(place, name));
  // The server finds the files of its page beside its own folder, as in the source.
  const [folder, web] = [join(place, "src/standalone"), join(place, "src/web")];
  mkdirSync(folder, { recursive: true });
  mkdirSync(web);
  for (const name of readdirSync(join(root, "src/web"))) symlinkSync(join(root, "src/web", name), join(web, name));
  await Promise.all(webScripts.map(async (name) => writeFileSync(join(web, name), await bundleWebScript(name))));
  return await bundleTo(folder, source, "server.js");
}

async function bundleTo(folder: string, entry: string, name: string): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    target: "bun",
    // A native addon.
    external: ["libsql"],
    outdir: folder,
    naming: name,
  });
  if (outputs.length === 0) throw new Error(`${entry} was not bundled`);
  return join(folder, name);
}
