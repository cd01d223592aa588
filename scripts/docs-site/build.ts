/**
 * Builds the documentation as a site with search: every page of `docs`, the README, the protocol and the rules.
 *
 *   bun run docs             into dist-docs
 *   bun run docs FOLDER      into another folder, which is emptied first
 *   bun run docs --check     into a temporary folder, and reads it in Chromium
 *
 * The generator is a package of this folder alone: who only runs or tests the server does not install it.
 */
import { join, resolve } from "node:path";
import { writePages } from "./pages.ts";

const here = import.meta.dir;

/** @throws Error with what the installer or the generator said. */
export async function buildSite(folder: string): Promise<void> {
  await run(["install", "--frozen-lockfile"]);
  writePages(join(here, "pages"));
  await run(["--bun", "node_modules/vitepress/bin/vitepress.js", "build", ".", "--outDir", folder]);
}

async function run(args: readonly string[]): Promise<void> {
  const child = Bun.spawn([process.execPath, ...args], {
    cwd: here,
    // Files with these endings are files, where the generator would look for a page of that name.
    env: { ...process.env, VITE_EXTRA_EXTENSIONS: "sql,jsonl" },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (exitCode !== 0) throw new Error(`${args.join(" ")} ended with code ${exitCode}\n${stdout}${stderr}`);
}

if (import.meta.main) {
  const [argument = join(here, "../../dist-docs")] = process.argv.slice(2);
  if (argument === "--check") {
    // What drives the browser is needed for this alone.
    const { checkSite } = await import("./check.ts");
    await checkSite();
    console.log("Every page of the documentation opens, and the search finds");
  } else {
    const folder = resolve(argument);
    await buildSite(folder);
    console.log(`The documentation is in ${folder}. With DOCS_FOLDER=${folder} the server has it at /docs/`);
  }
}
