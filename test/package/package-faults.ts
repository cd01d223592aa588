import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { publint } from "publint";
import { formatMessage } from "publint/utils";
import { packagedDocs } from "../../scripts/packaged-docs.ts";
import { specifiersOf } from "../../scripts/specifiers.ts";
import { linkFaults } from "../docs/links.ts";
import type { Built } from "./built.ts";

const root = join(import.meta.dir, "../..");
const attw = join(root, "node_modules/@arethetypeswrong/cli/dist/index.js");

type Manifest = {
  readonly exports: Readonly<Record<string, unknown>>;
  readonly dependencies: Readonly<Record<string, string>>;
  readonly peerDependencies: Readonly<Record<string, string>>;
};

/** The files that the package must contain, and no others. */
export function wantedFiles(): readonly string[] {
  const modules = [...new Bun.Glob("**/*.ts").scanSync({ cwd: join(root, "src") })]
    .filter((path) => !path.startsWith("web/"))
    .map((path) => path.slice(0, -".ts".length));
  const page = readdirSync(join(root, "src/web")).filter((name) => /\.(html|css|svg|js)$/.test(name));
  return [
    ...new Set([
      "LICENSE",
      "package.json",
      ...["web/early.js", "web/page.js", "web/page-rest.js", "web/tidings-chat.js", "web/tidings-chat.d.ts"],
      ...page.map((name) => `web/${name}`),
      ...packagedDocs().values(),
    ]),
    ...modules.flatMap((module) => [`${module}.js`, `${module}.js.map`, `${module}.d.ts`]),
  ].sort();
}

/** The faults of the package for its users; the slow tools check only a complete one. `door`: the only entry whose types are checked; default: all. */
export async function packageFaults({ folder, tarball, files }: Built, door?: string): Promise<readonly string[]> {
  const wanted = wantedFiles();
  const faults = [
    ...wanted.filter((path) => !files.includes(path)).map((path) => `${path} is missing`),
    ...files.filter((path) => !wanted.includes(path)).map((path) => `${path} does not belong there`),
    ...files.filter((path) => /\.(d\.ts|js)$/.test(path)).flatMap((path) => importFaults(folder, path)),
    ...files.filter((path) => path.endsWith(".md")).flatMap((path) => linkFaults(folder, path)),
  ];
  if (faults.length > 0) return faults;
  return (await Promise.all([publintFaults(folder, tarball), attwFaults(tarball, door)])).flat();
}

async function publintFaults(folder: string, tarball: string): Promise<readonly string[]> {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Record<string, unknown>;
  const bytes = await Bun.file(tarball).arrayBuffer();
  const { messages } = await publint({ pack: { tarball: bytes }, strict: true });
  return messages.map((message) => `publint: ${formatMessage(message, manifest, { color: false }) ?? message.code}`);
}

async function attwFaults(tarball: string, door: string | undefined): Promise<readonly string[]> {
  const command = [process.execPath, attw, tarball, "--profile", "esm-only", "--no-color", "--no-emoji"];
  // A script for browsers has no types to check.
  const doors = door === undefined ? ["--exclude-entrypoints", "./push/service-worker.js"] : ["--entrypoints", door];
  const options = ["--format", "ascii", ...doors];
  const child = Bun.spawn([...command, ...options], { stdin: "ignore", stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  return code === 0 ? [] : [`attw: ${stdout}${stderr}`];
}

/** Imports that lead to no file of the package, and to none of its declared dependencies. */
function importFaults(folder: string, path: string): readonly string[] {
  const manifest = JSON.parse(readFileSync(join(folder, "package.json"), "utf8")) as Manifest;
  const declared = Object.keys({ ...manifest.dependencies, ...manifest.peerDependencies });
  const isDeclaration = path.endsWith(".d.ts");
  return specifiersOf(readFileSync(join(folder, path), "utf8")).flatMap(({ value: named }) => {
    // The scripts of the page are addresses, with a version.
    const value = path.startsWith("web/") ? named.replace(/\?v=\w+$/, "") : named;
    if (value.startsWith(".")) {
      const target = join(folder, dirname(path), isDeclaration ? value.replace(/\.js$/, ".d.ts") : value);
      return value.endsWith(".js") && existsSync(target) ? [] : [`${path} imports ${value}, which is not there`];
    }
    // The runtime's own modules: hosts on Bun install the types of Bun.
    if (value.startsWith("node:") || (value === "bun" && isDeclaration)) return [];
    const isDeclared = declared.some((name) => value === name || value.startsWith(`${name}/`));
    return isDeclared ? [] : [`${path} imports ${value}, which is no dependency`];
  });
}
