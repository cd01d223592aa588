import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { plugin } from "bun";
import { type Alteration, alter } from "./alter-source.ts";

const source = join(import.meta.dir, "../../src");

/**
 * Plants one set of alterations after another into one process: `loadWith(alterations)` forgets the modules that the alterations of this call and of the
 * call before reach, and a dynamic `import()` then loads those again. All others stay as they are, compiled and warm: a new process would spend
 * most of its time on them. Modules are followed from `entries`, which are absolute paths; only `files` of src can be altered.
 */
export function createReloader(options: { readonly entries: readonly string[]; readonly files: readonly string[] }) {
  const importers = importersFrom(options.entries);
  const files = new Map(options.files.map((file) => [join(source, file), file]));
  let planted: readonly Alteration[] = [];
  const paths = [...files.keys()].map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  plugin({
    name: "source altered again and again",
    setup(build) {
      build.onLoad({ filter: new RegExp(`^(${paths.join("|")})$`) }, ({ path }) => {
        const file = files.get(path) ?? path;
        const own = planted.filter((one) => one.file === file);
        return { contents: alter(file, readFileSync(path, "utf8"), own), loader: "ts" };
      });
    },
  });

  return {
    loadWith(alterations: readonly Alteration[]): void {
      const stale = new Set([...planted, ...alterations].map(({ file }) => join(source, file)));
      for (const path of stale) if (!files.has(path)) throw new Error(`${path} is not one of the files to alter`);
      for (const path of stale) for (const importer of importers.get(path) ?? []) stale.add(importer);
      planted = alterations;
      for (const path of stale) delete require.cache[path];
    },
  };
}

/** The modules that import each module, without imports of types. */
function importersFrom(entries: readonly string[]): ReadonlyMap<string, ReadonlySet<string>> {
  const transpiler = new Bun.Transpiler({ loader: "ts" });
  const importers = new Map<string, Set<string>>();
  const seen = new Set(entries);
  for (const importer of seen)
    for (const { path } of transpiler.scanImports(readFileSync(importer, "utf8"))) {
      if (!path.startsWith(".") || !path.endsWith(".ts")) continue;
      const imported = join(dirname(importer), path);
      importers.set(imported, (importers.get(imported) ?? new Set()).add(importer));
      seen.add(imported);
    }
  return importers;
}
