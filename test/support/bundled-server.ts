import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundleWebScript, webScripts } from "../../src/standalone/web-file.ts";
import { onceInRun, runFolder } from "../package/once-in-run.ts";

const root = join(import.meta.dir, "../..");
const source = join(root, "src/server.ts");
const isPlanted = process.env["ALTERATIONS"] !== undefined;
let bundled: Promise<string> | undefined;

/**
 * The standalone server as one file, made once for a run of all tests: a start then takes half of the processor time, and hundreds of servers start.
 * A test file that runs by itself starts the source, and so do tests with a planted bug: no bug may get into the bundle of the others.
 */
export const serverScript = (): Promise<string> =>
  (bundled ??= runFolder === undefined || isPlanted ? Promise.resolve(source) : onceInRun("server", bundle));

async function bundle(place: string): Promise<string> {
  for (const name of ["docs", "node_modules"]) symlinkSync(join(root, name), join(place, name));
  // The server finds the files of its page beside its own folder, as in the source.
  const [folder, web] = [join(place, "src/standalone"), join(place, "src/web")];
  mkdirSync(folder, { recursive: true });
  mkdirSync(web);
  for (const name of readdirSync(join(root, "src/web"))) symlinkSync(join(root, "src/web", name), join(web, name));
  await Promise.all(webScripts.map(async (name) => writeFileSync(join(web, name), await bundleWebScript(name))));
  const { outputs } = await Bun.build({
    entrypoints: [source],
    target: "bun",
    // A native addon.
    external: ["libsql"],
    outdir: folder,
    naming: "server.js",
  });
  if (outputs.length === 0) throw new Error("The server was not bundled");
  return join(folder, "server.js");
}
