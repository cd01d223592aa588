/** The fields of the repository's package.json that the published one is made from. */
export type Manifest = {
  readonly name: string;
  readonly exports: Readonly<Record<string, string>>;
  readonly bin: Readonly<Record<string, string>>;
  readonly sideEffects: readonly string[];
} & Readonly<Record<string, unknown>>;

/** Fields that only the repository needs. */
const left = ["private", "scripts", "devDependencies"];

/** The files of the folder that are published; a database that was made there, for example, is not. */
const files = ["**/*.js", "**/*.js.map", "**/*.d.ts", "web/*", "docs/*.md", "docs/*.json", "docs/*.sql"];

/**
 * The package.json of the published package, which lies beside the JavaScript. The repository's own leads to the sources, so that
 * tests and examples need no build; this one has the same exports, and each leads to the file that was built from its source.
 *
 * @throws Error where a door is no source file, nor a script of the browser's.
 *
 * @example
 * publishedManifest({ exports: { ".": "./src/index.ts" }, … }).exports // { ".": { types: "./index.d.ts", default: "./index.js" } }
 */
export function publishedManifest(manifest: Manifest): object {
  const { exports, bin, sideEffects, ...rest } = manifest;
  const kept = Object.entries(rest).filter(([key]) => !left.includes(key));
  const doors = Object.entries(exports).map(([door, path]) => {
    if (path === "./package.json") return [door, path];
    if (isScript(path)) return [door, builtFrom(path)];
    const module = moduleOf(path);
    // In this order: the first condition that fits counts.
    return [door, { types: `${module}.d.ts`, default: `${module}.js` }];
  });
  return {
    ...Object.fromEntries(kept),
    exports: Object.fromEntries(doors) as object,
    // npm wants these without the leading "./".
    bin: Object.fromEntries(Object.entries(bin).map(([name, path]) => [name, builtFrom(path).slice(2)])),
    sideEffects: sideEffects.map(builtFrom),
    files,
  };
}

/** A script of the browser's: it is served as it is, has no types, and opens in no other runtime. */
export const isScript = (path: string): boolean => /^\.\/src\/web\/[^/]+\.js$/.test(path);

/** Where the build puts what runs of a source file. */
const builtFrom = (path: string): string => (isScript(path) ? path.replace("/src/", "/") : `${moduleOf(path)}.js`);

/** Where the build puts a source file, without an ending. */
function moduleOf(path: string): string {
  const [, module] = /^\.\/src\/(.+)\.ts$/.exec(path) ?? [];
  if (module === undefined)
    throw new Error(`A door of the package leads to ./src/….ts, or to ./src/web/….js, got ${path}`);
  return `./${module}`;
}
