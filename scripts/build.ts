/**
 * Builds the package as it is published: JavaScript, declarations, the chat page, the documentation, and a package.json that leads to them.
 *
 *   bun run build             into dist
 *   bun run build FOLDER      into another folder, which is emptied first
 */
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { bundleWebScript, webScripts } from "../src/standalone/web-file.ts";
import { packagedDocs, packagedPage } from "./packaged-docs.ts";
import { type Manifest, publishedManifest } from "./published-manifest.ts";
import { repositoryOf } from "./repository.ts";
import { specifiersOf } from "./specifiers.ts";

const root = join(import.meta.dir, "..");
/** The files that the server serves unchanged. */
const webFiles = ["page.html", "chat.css", "page.css", "favicon.svg", "push-worker.js"];

/** @throws Error with what the compiler said. */
export async function build(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  await compile(folder);
  mkdirSync(join(folder, "web"));
  // Types and nothing else, so that the text is a declaration as it is.
  copyFileSync(join(root, "src/web/tidings-chat-types.ts"), join(folder, "web/tidings-chat.d.ts"));
  for (const file of new Bun.Glob("**/*.d.ts").scanSync({ cwd: folder, absolute: true })) rewriteSpecifiers(file);
  for (const name of webFiles) copyFileSync(join(root, "src/web", name), join(folder, "web", name));
  for (const name of webScripts) writeFileSync(join(folder, "web", name), await bundleWebScript(name));
  copyFileSync(join(root, "LICENSE"), join(folder, "LICENSE"));
  const docs = packagedDocs();
  for (const [from, to] of docs) {
    mkdirSync(dirname(join(folder, to)), { recursive: true });
    writeFileSync(join(folder, to), packagedPage(from, docs));
  }
  const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Manifest;
  const repository = await repositoryOf(root);
  const published = publishedManifest({ ...(repository && { repository }), ...manifest });
  writeFileSync(join(folder, "package.json"), `${JSON.stringify(published, null, 2)}\n`);
  chmodSync(join(folder, "cli.js"), 0o755);
}

async function compile(folder: string): Promise<void> {
  const tsc = join(root, "node_modules/typescript/bin/tsc");
  // Each further thread would read and check the same declarations again: together they need twice the processor time.
  const project = ["-p", join(root, "tsconfig.build.json"), "--singleThreaded"];
  const command = [process.execPath, tsc, ...project, "--outDir", folder];
  const child = Bun.spawn(command, { cwd: root, stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, exitCode] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  if (exitCode !== 0) throw new Error(`tsc exited with code ${exitCode}\n${stdout}${stderr}`);
}

/** tsc rewrites `./chat.ts` to `./chat.js` in what runs, but not in declarations, where editors and other tools stumble over it. */
function rewriteSpecifiers(file: string): void {
  let text = readFileSync(file, "utf8");
  for (const { at, value } of specifiersOf(text).toReversed())
    if (/^\.{1,2}\/.*\.ts$/.test(value))
      text = `${text.slice(0, at + 1)}${value.slice(0, -3)}.js${text.slice(at + 1 + value.length)}`;
  writeFileSync(file, text);
}

if (import.meta.main) {
  const [, , given = join(root, "dist")] = process.argv;
  // The folder is emptied: a name by mistake, such as that of an option, must not be.
  if (given.startsWith("-")) throw new Error(`bun run build [FOLDER]: ${given} is no folder`);
  const folder = resolve(given);
  await build(folder);
  console.log(`Built ${folder}`);
  const { repository } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as { repository?: unknown };
  if (repository === undefined)
    console.error("The package names no repository: add a git remote named origin, or repository to package.json");
}
