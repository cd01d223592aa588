import { join } from "node:path";
import type { SourceFile } from "typescript/unstable/ast";
import { API, type Project } from "typescript/unstable/async";

export type ProjectOptions = {
  /** The folder of the project, as an absolute path. */
  readonly root: string;
  /** The tsconfig of the project. It need not be on disk. */
  readonly config: object;
  /** Texts in place of those on disk, by their path from the root. */
  readonly texts?: ReadonlyMap<string, string>;
};

/** Opens a project in the TypeScript compiler, and closes the compiler afterwards. */
export async function withProject<T>(
  { root, config, texts = new Map() }: ProjectOptions,
  use: (project: Project) => Promise<T>,
): Promise<T> {
  const configPath = join(root, "tsconfig.virtual.json");
  const virtual = new Map([[configPath, JSON.stringify(config)]]);
  for (const [file, text] of texts) virtual.set(join(root, file), text);
  const api = new API({
    cwd: root,
    fs: { readFile: (path) => virtual.get(path), fileExists: (path) => (virtual.has(path) ? true : undefined) },
  });
  try {
    const [project] = (await api.updateSnapshot({ openProjects: [configPath] })).getProjects();
    if (project === undefined) throw new Error(`TypeScript does not open ${configPath}`);
    return await use(project);
  } finally {
    await api.close();
  }
}

/** A file of src with its syntax tree, named from the root. */
export type Module = { readonly file: string; readonly tree: SourceFile };

/** The files of `root`/src in the order of their paths. Nothing in them is resolved or type-checked. */
export function parseSource(root: string): Promise<readonly Module[]> {
  const config = { compilerOptions: { noResolve: true, noLib: true, types: [] }, include: ["src"] };
  return withProject({ root, config }, async ({ program }) => {
    const files = [...new Bun.Glob("src/**/*.{ts,tsx}").scanSync({ cwd: root })].sort();
    const trees = await Promise.all(files.map((file) => program.getSourceFile(join(root, file))));
    return files.flatMap((file, i) => (trees[i] === undefined ? [] : [{ file, tree: trees[i] }]));
  });
}
