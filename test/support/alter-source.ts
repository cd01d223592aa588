import { readFileSync } from "node:fs";
import { join } from "node:path";
import { plugin } from "bun";

/** A planted bug: one text of a file of src, which must be there exactly once, replaced by another. */
export type Alteration = { readonly file: string; readonly from: string; readonly to: string };

const source = join(import.meta.dir, "../../src");

/** The altered text of a file. Throws where an alteration no longer fits: the control would show nothing. */
export function alter(file: string, text: string, alterations: readonly Alteration[]): string {
  return alterations.reduce((altered, { from, to }) => {
    if (altered.split(from).length !== 2) throw new Error(`${file} does not hold exactly one ${JSON.stringify(from)}`);
    return altered.replace(from, () => to);
  }, text);
}

/** Plants alterations into everything that this process imports from now on. */
export function alterSource(alterations: readonly Alteration[]): void {
  const files = new Map(alterations.map(({ file }) => [join(source, file), file]));
  if (files.size === 0) return;
  const paths = [...files.keys()].map((path) => path.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  plugin({
    name: "altered source",
    setup(build) {
      build.onLoad({ filter: new RegExp(`^(${paths.join("|")})$`) }, ({ path }) => {
        const file = files.get(path) ?? path;
        const planted = alterations.filter((one) => one.file === file);
        return { contents: alter(file, readFileSync(path, "utf8"), planted), loader: "ts" };
      });
    },
  });
}
