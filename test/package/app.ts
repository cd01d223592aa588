import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blocksOf } from "../docs/block.ts";
import { builtPackage, run } from "./built.ts";

const root = join(import.meta.dir, "../..");
const tsc = join(root, "node_modules/typescript/bin/tsc");

/** A host's app in a separate folder, with the installed package and nothing else of this repository. */
export type App = {
  readonly folder: string;
  /** The command that runs a JavaScript file there. */
  readonly runtime: readonly string[];
  /** The example as JavaScript, with the file ending. */
  readonly example: (name: string) => string;
  /** The command line of the installed package, called as users of the runtime do. */
  readonly tidings: readonly string[];
  /** The command line's file, for a run without a package manager. */
  readonly program: readonly string[];
  remove(): void;
};

type Manifest = Readonly<Record<"name" | "version" | "peerDependencies" | "peerDependenciesMeta", unknown>>;

/** A package in this repository's version: an app chooses its own versions of peers and types. */
export function installed(name: string): string {
  const { version } = JSON.parse(readFileSync(join(root, "node_modules", name, "package.json"), "utf8")) as {
    version: string;
  };
  return `${name}@${version}`;
}

/** The optional peers and types with which the repository itself is tested. */
export const peersOfNode = ["@hono/node-server", "@nats-io/transport-node", "react", "ws", "@types/node"].map(
  installed,
);

const npmInstall = ["npm", "install", "--prefer-offline", "--no-audit", "--no-fund"];

/** An app on Node, made by npm, with these packages beside: each as `name@version`. */
export async function installOnNode(packages: readonly string[]): Promise<App> {
  const folder = newApp();
  const { tarball } = await builtPackage();
  await run([...npmInstall, tarball, ...packages], folder);
  return nodeAppIn(folder);
}

/** Lets npm choose the versions of an app with the package's peers and these packages; rejects if npm refuses them. Installs nothing. */
export async function resolveOnNode(packages: readonly string[]): Promise<void> {
  const folder = newApp();
  try {
    const { folder: dist } = await builtPackage();
    const { name, version, ...manifest } = JSON.parse(readFileSync(join(dist, "package.json"), "utf8")) as Manifest;
    const { peerDependencies, peerDependenciesMeta } = manifest;
    mkdirSync(join(folder, "tidings"));
    // Without its dependencies, about which npm would ask the registry one by one.
    const peersOnly = JSON.stringify({ name, version, peerDependencies, peerDependenciesMeta });
    writeFileSync(join(folder, "tidings/package.json"), peersOnly);
    await run([...npmInstall, "--package-lock-only", "--install-links", "./tidings", ...packages], folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The same, made by Bun's installer, which takes a tenth of the time. */
export async function installQuickly(packages: readonly string[]): Promise<App> {
  const folder = newApp();
  const { tarball } = await builtPackage();
  await run([process.execPath, "add", tarball, ...packages], folder);
  return nodeAppIn(folder);
}

export async function installOnBun(): Promise<App> {
  const folder = newApp();
  const { tarball } = await builtPackage();
  await run(
    [process.execPath, "add", tarball, ...["@nats-io/transport-node", "react", "bun-types"].map(installed)],
    folder,
  );
  return {
    ...appIn(folder),
    runtime: [process.execPath],
    tidings: [process.execPath, "x", "--bun", "--no-install", "tidings"],
    program: [process.execPath, join(folder, "node_modules/.bin/tidings")],
  };
}

const nodeAppIn = (folder: string): App => ({
  ...appIn(folder),
  runtime: ["node"],
  tidings: ["npx", "--no-install", "tidings"],
  program: [join(folder, "node_modules/.bin/tidings")],
});

const appIn = (folder: string) => ({
  folder,
  example: (name: string): string => join(folder, "built", `${name}.js`),
  remove: (): void => rmSync(folder, { recursive: true, force: true }),
});

function newApp(): string {
  const folder = mkdtempSync(join(tmpdir(), "tidings-app-"));
  writeFileSync(join(folder, "package.json"), `${JSON.stringify({ private: true, type: "module" })}\n`);
  return folder;
}

/**
 * Compiles the examples that `isMeant`, and the README's snippets, against the declarations of the installed package, which are
 * checked like the app's own. Rejects with the compiler's findings in both; faults in other packages are ignored.
 */
export async function compileExamples(
  { folder }: App,
  types: string,
  isMeant: (name: string) => boolean,
): Promise<readonly string[]> {
  const examples = readdirSync(join(root, "docs/examples"))
    .filter((file) => file.endsWith(".ts") && !file.endsWith(".d.ts"))
    .map((file) => file.slice(0, -".ts".length))
    .filter(isMeant);
  const blocks = blocksOf("README.md").filter(({ language }) => language === "ts");
  mkdirSync(join(folder, "app"), { recursive: true });
  for (const name of examples) copyFileSync(join(root, `docs/examples/${name}.ts`), join(folder, `app/${name}.ts`));
  const shown = blocks.flatMap(({ info, text }) => {
    const name = info.replace(/^file=|\.ts$/g, "");
    if (text.includes("Bun.serve(") && types !== "bun-types") return [];
    writeFileSync(join(folder, `app/${name}.ts`), text);
    return [name];
  });
  await compileWith(folder, types, ["app"]);
  return [...examples, ...shown];
}

/** Compiles an import of a package, alone, as `compileExamples` compiles all: a control needs no more. */
export async function compileImport({ folder }: App, name: string): Promise<void> {
  mkdirSync(join(folder, "app/alone"), { recursive: true });
  writeFileSync(join(folder, "app/alone/import.ts"), `import ${JSON.stringify(name)};\n`);
  await compileWith(folder, "node", ["app/alone"]);
}

async function compileWith(folder: string, types: string, include: readonly string[]): Promise<void> {
  const compilerOptions = {
    ...{ target: "ES2023", lib: ["ES2023"], types: [types], module: "NodeNext", strict: true },
    // The declarations of packages are checked, those of the compiler itself are not.
    ...{ skipLibCheck: false, skipDefaultLibCheck: true },
    ...{ rootDir: "app", outDir: "built", rewriteRelativeImportExtensions: true },
  };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include }));
  await compile(folder);
}

/** Compiles the files of a folder's tsconfig.json; rejects as `compileExamples` does. */
export async function compile(folder: string): Promise<void> {
  // Other tests use the other cores, and each thread would read the same declarations again.
  const command = [process.execPath, tsc, "-p", folder, "--singleThreaded"];
  const child = Bun.spawn(command, { cwd: folder, stdout: "pipe", stderr: "pipe" });
  const [stdout, stderr, code] = await Promise.all([child.stdout.text(), child.stderr.text(), child.exited]);
  const said = `${stdout}${stderr}`.split("\n").filter((line) => line !== "");
  const faults = said.filter((line) => !/^node_modules\/(?!tidings\/).*: error TS\d+/.test(line));
  if (faults.length > 0 || (code !== 0 && said.length === 0))
    throw new Error(`tsc exited with code ${code}\n${faults.join("\n")}`);
}
