import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pageReact } from "../../src/standalone/web-file.ts";
import { alter, type Alteration } from "./alter-source.ts";

const source = join(import.meta.dir, "../../src");

/** The script of the chat page, or of another entry, with texts of its source replaced, for negative controls. */
export async function bundleAlteredPage(
  alterations: readonly Alteration[],
  { entry = "web/page.tsx" }: { readonly entry?: string } = {},
): Promise<string> {
  const planted = new Set<string>();
  const { outputs } = await Bun.build({
    entrypoints: [join(source, entry)],
    target: "browser",
    minify: true,
    define: { "process.env.NODE_ENV": JSON.stringify("production") },
    plugins: [
      {
        name: "altered page",
        setup(build) {
          build.onResolve({ filter: /^react(-dom)?(\/|$)/ }, ({ path }) => {
            const name = pageReact[path];
            return name === undefined ? undefined : { path: fileURLToPath(import.meta.resolve(name)) };
          });
          build.onLoad({ filter: /\/src\/(client|react|web)\/.*\.tsx?$/ }, ({ path }) => {
            const ours = alterations.filter(({ file }) => join(source, file) === path);
            for (const { file } of ours) planted.add(file);
            const loader = path.endsWith("x") ? "tsx" : "ts";
            return { contents: alter(path, readFileSync(path, "utf8"), ours), loader };
          });
        },
      },
    ],
  });
  for (const { file } of alterations) if (!planted.has(file)) throw new Error(`${entry} does not import ${file}`);
  const [output] = outputs;
  if (output === undefined) throw new Error("The page was not bundled");
  return await output.text();
}
