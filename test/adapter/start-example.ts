import { createRequire } from "node:module";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Alteration, alter } from "../support/alter-source.ts";
import { type Start, startServer } from "../support/server.ts";

export const exampleNames = ["bun", "node", "hono-bun", "hono-node", "deno", "hono-deno"] as const;
export type ExampleName = (typeof exampleNames)[number];

const root = join(import.meta.dir, "../..");
/** The packages that stay what they are: one is native, the other must not be Bun's own stand-in for it. */
const external = ["libsql", "ws"];

const programs = new Map<string, Promise<string>>();
const folder = mkdtempSync(join(tmpdir(), "tidings-examples-"));
// Deno looks into node_modules for what a package.json names.
writeFileSync(
  join(folder, "package.json"),
  JSON.stringify({ type: "module", dependencies: Object.fromEntries(external.map((name) => [name, "*"])) }),
);
process.on("exit", () => rmSync(folder, { recursive: true, force: true }));

/** Starts an example of docs/examples on the runtime that it is for, in place of the standalone server. */
export function startExample(name: ExampleName, alterations: readonly Alteration[] = []): Start {
  return async (options = {}) => {
    const key = `${name} ${JSON.stringify(alterations)}`;
    const program = programs.get(key) ?? build(name, alterations, programs.size);
    programs.set(key, program);
    return await startServer({ ...options, runtime: runtimeOf(name), script: await program, base: baseOf(name) });
  };
}

/** One file that runs where no TypeScript does, with planted bugs where a control asks for them. */
async function build(name: ExampleName, alterations: readonly Alteration[], number: number): Promise<string> {
  const naming = `${name}-${number}.mjs`;
  if (number === 0) symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  const files = new Map(alterations.map(({ file }) => [join(root, "src", file), file]));
  const { outputs } = await Bun.build({
    entrypoints: [join(root, `docs/examples/${name}.ts`)],
    target: name.endsWith("bun") ? "bun" : "node",
    external,
    outdir: folder,
    naming,
    plugins: [
      {
        name: "altered source",
        setup(builder) {
          builder.onLoad({ filter: /\/src\/.*\.ts$/ }, async ({ path }) => {
            const file = files.get(path);
            const text = await Bun.file(path).text();
            const planted = alterations.filter((one) => one.file === file);
            return { contents: file === undefined ? text : alter(file, text, planted), loader: "ts" };
          });
        },
      },
    ],
  });
  if (outputs.length === 0) throw new Error(`The example ${name} was not built`);
  return join(folder, naming);
}

/** The examples in an app mount the chat under a path of it. */
const baseOf = (name: ExampleName): string => (name.startsWith("hono") ? "/chat" : "");

function runtimeOf(name: ExampleName): readonly string[] {
  if (name.endsWith("bun")) return [process.execPath];
  if (name.endsWith("node")) return ["node"];
  return [denoProgram(), "run", "--no-check", "--allow-all", "--node-modules-dir=manual"];
}

/** Deno's binary comes inside a package of its own for each platform, as the package `deno` finds it. */
function denoProgram(): string {
  const near = createRequire(createRequire(import.meta.url).resolve("deno/package.json"));
  const libc = process.platform === "linux" ? "-glibc" : "";
  return join(dirname(near.resolve(`@deno/${process.platform}-${process.arch}${libc}/package.json`)), "deno");
}
