import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { alter, type Alteration } from "../support/alter-source.ts";

const source = join(import.meta.dir, "../../src");

/** Bundles an entry for any runtime, with planted bugs, and passes the bundle's path to `use`. */
export async function withBundle<Result>(
  entry: string,
  planted: readonly Alteration[],
  use: (path: string) => Promise<Result>,
): Promise<Result> {
  const outdir = mkdtempSync(join(tmpdir(), "tidings-planted-"));
  const rooted = new Set<string>();
  try {
    const { success, logs } = await Bun.build({
      entrypoints: [entry],
      outdir,
      naming: "bundle.mjs",
      target: "node",
      plugins: [
        {
          name: "planted",
          setup(build) {
            build.onLoad({ filter: /\/src\/push\/.*\.ts$/ }, ({ path }) => {
              const file = path.slice(source.length + 1);
              const own = planted.filter((one) => one.file === file);
              if (own.length > 0) rooted.add(file);
              return { contents: alter(file, readFileSync(path, "utf8"), own), loader: "ts" };
            });
          },
        },
      ],
    });
    if (!success) throw new Error(logs.map(({ message }) => message).join("\n"));
    for (const { file } of planted) if (!rooted.has(file)) throw new Error(`${file} is not in the bundle`);
    return await use(join(outdir, "bundle.mjs"));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}

/** A module of src with a bug in it. */
export function plantedModule<Module>(file: string, planted: readonly Alteration[]): Promise<Module> {
  return withBundle(join(source, file), planted, (path) => import(path) as Promise<Module>);
}
