import { createRequire } from "node:module";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type Alteration, alter } from "../support/alter-source.ts";
import { type Start, startServer } from "../support/server.ts";

export const exampleNames = ["bun", "node", "hono-bun", "hono-node", "deno", "hono-deno"] as const;
export type ExampleName = (typeof exampleNames)[number];

const root = join(import.meta.dir, "../..");
/** The packages that are not bundled: one is native, the other must not be Bun's own replacement of it. */
const external = ["libsql", "ws"];

/** A built example in a folder of its own, there as long as a server runs it. */
type Program = { readonly folder: string; readonly file: Promise<string>; users: number };

const programs = new Map<string, Program>();

/** Starts an example of docs/examples on the runtime that it is for, in place of the standalone server. */
export function startExample(name: ExampleName, alterations: readonly Alteration[] = []): Start {
  const key = `${name} ${JSON.stringify(alterations)}`;

  function take(): Program {
    const program = programs.get(key) ?? build(name, alterations);
    programs.set(key, program);
    program.users++;
    return program;
  }

  function leave(program: Program): void {
    if (--program.users > 0) return;
    programs.delete(key);
    rmSync(program.folder, { recursive: true, force: true });
  }

  return async (options = {}) => {
    const program = take();
    let isLeft = false;
    const leaveOnce = (): void => {
      if (!isLeft) leave(program);
      isLeft = true;
    };
    try {
      const script = await program.file;
      const server = await startServer({
        ...options,
        runtime: options.runtime ?? runtimeOf(name),
        script,
        base: baseOf(name),
      });
      return {
        ...server,
        async dispose() {
          await server.dispose();
          leaveOnce();
        },
      };
    } catch (error) {
      leaveOnce();
      throw error;
    }
  };
}

/** One file that runs where no TypeScript does, with planted bugs where a control asks for them. */
function build(name: ExampleName, alterations: readonly Alteration[]): Program {
  const folder = mkdtempSync(join(tmpdir(), "tidings-example-"));
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  // Deno looks into node_modules for the packages of a package.json.
  const dependencies = Object.fromEntries(external.map((name) => [name, "*"]));
  writeFileSync(join(folder, "package.json"), JSON.stringify({ type: "module", dependencies }));
  return { folder, file: bundle(name, alterations, folder), users: 0 };
}

async function bundle(name: ExampleName, alterations: readonly Alteration[], folder: string): Promise<string> {
  const naming = `${name}.mjs`;
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
  return denoWith(["--allow-all"]);
}

/** The command that runs a program on Deno with these permissions. */
export const denoWith = (permissions: readonly string[]): readonly string[] => [
  ...[denoProgram(), "run", "--no-check", "--no-prompt", ...permissions, "--node-modules-dir=manual"],
];

/** Deno's binary comes inside a package of its own for each platform, as the package `deno` finds it. */
export function denoProgram(): string {
  const near = createRequire(createRequire(import.meta.url).resolve("deno/package.json"));
  const libc = process.platform === "linux" ? "-glibc" : "";
  return join(dirname(near.resolve(`@deno/${process.platform}-${process.arch}${libc}/package.json`)), "deno");
}
