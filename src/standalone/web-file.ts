import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const pathFromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const webPath = (name: string): string => pathFromHere(`../web/${name}`);

/** The text of a file of the chat page. */
export const webFile = (name: string): Promise<string> => readFile(webPath(name), "utf8");

/** The OpenAPI document: the published package has it beside the page, the repository in docs. */
export const openApiFile = (): Promise<string> =>
  existsSync(webPath("openapi.json"))
    ? webFile("openapi.json")
    : readFile(pathFromHere("../../docs/openapi.json"), "utf8");

/** The scripts of the browser: of the page its first requests, its first messages, and the rest of it; and of the element `<tidings-chat>`. */
export const webScripts = ["early.js", "page.js", "page-rest.js", "tidings-chat.js"] as const;
export type WebScript = (typeof webScripts)[number];

const scripts = new Map<WebScript, Promise<string>>();

/** A script of the browser: the published package carries it; from the source it is made at the first request, and kept. */
export function webScript(name: WebScript): Promise<string> {
  const made = scripts.get(name) ?? (existsSync(webPath(name)) ? webFile(name) : bundleWebScript(name));
  scripts.set(name, made);
  made.catch(() => scripts.delete(name));
  return made;
}

/** The address of the rest of the page in its script. It has a version, so that a page of one release never gets the rest of another. */
export async function pageRestAddress(): Promise<string> {
  const [address] = restAddress.exec(await webScript("page.js")) ?? [];
  if (address === undefined) throw new Error("The script of the page does not load the rest of it");
  return address.slice(1);
}

const restAddress = /\.\/page-rest\.js\?v=\w+/;

const compressed = new Map<string, Uint8Array<ArrayBuffer>>();

/** A file of the site, compressed once. */
export function gzipped(text: string): Uint8Array<ArrayBuffer> {
  const bytes = compressed.get(text) ?? new Uint8Array(gzipSync(text, { level: 9 }));
  compressed.set(text, bytes);
  return bytes;
}

/** What takes the place of a package in a bundle: names of packages, or paths. */
export type Replacements = Readonly<Record<string, string>>;

/** The page is written for React, and runs on a part of Preact that is a tenth of it. */
export const pageReact: Replacements = {
  react: webPath("react-on-preact.ts"),
  "react-dom/client": webPath("react-on-preact.ts"),
  "react/jsx-runtime": "preact/jsx-runtime",
};

export type BundleOptions = {
  readonly react?: Replacements;
  /** `development`: React checks its rules, and renders twice under StrictMode. */
  readonly mode?: "production" | "development";
  /** `iife`: a script that is no module, and leaves no names behind. */
  readonly format?: "esm" | "iife";
  /** Packages that the script imports when it runs. */
  readonly external?: readonly string[];
};

/** Makes one script of what `entry` imports; runs on Bun alone. */
export async function bundleScript(entry: string, options: BundleOptions = {}): Promise<string> {
  const { outputs } = await Bun.build({ ...configOf(entry, options), external: [...(options.external ?? [])] });
  const [output] = outputs;
  if (output === undefined) throw new Error(`No script was made of ${entry}`);
  return await output.text();
}

function configOf(entry: string, { react = {}, mode = "production", format = "esm" }: BundleOptions): Bun.BuildConfig {
  return {
    entrypoints: [entry],
    target: "browser",
    minify: true,
    format,
    define: { "process.env.NODE_ENV": JSON.stringify(mode) },
    plugins: [replacing(react)],
  };
}

/** Makes the script of the page, and of what it imports later a second one, which takes from the first what both need. */
async function bundlePage(): Promise<Readonly<Record<"page.js" | "page-rest.js", string>>> {
  const { outputs } = await Bun.build({
    ...configOf(webPath("page.tsx"), { react: pageReact }),
    splitting: true,
    modulePreload: false,
    // What both need is in the first one, so that there are no more than two.
    minChunkSize: Number.MAX_SAFE_INTEGER,
    naming: { entry: "[name]-[hash].js", chunk: "[name]-[hash].js" },
  });
  const [page, rest, ...others] = outputs;
  if (page?.kind !== "entry-point" || rest?.kind !== "chunk" || others.length > 0)
    throw new Error("The page was not made of two scripts");
  const [pageName, restName] = [page, rest].map(({ path }) => path.replace("./", "")) as [string, string];
  const restText = await shortened((await rest.text()).replaceAll(pageName, "page.js"));
  const version = createHash("sha256").update(restText).digest("hex").slice(0, 12);
  return {
    "page.js": await shortened((await page.text()).replaceAll(restName, `page-rest.js?v=${version}`)),
    "page-rest.js": restText,
  };
}

const replacing = (names: Replacements): Bun.BunPlugin => ({
  name: "replacing",
  setup(build) {
    build.onResolve({ filter: /^react(-dom)?(\/|$)/ }, ({ path }) => {
      const name = names[path];
      return name === undefined ? undefined : { path: fileURLToPath(import.meta.resolve(name)) };
    });
  },
});

/** Scripts that are made together share no names, and get long ones: each by itself has short ones. */
async function shortened(script: string): Promise<string> {
  const [entry, target] = ["/script.js", "browser"] as const;
  const { outputs } = await Bun.build({
    ...{ entrypoints: [entry], files: { [entry]: script } },
    ...{ target, minify: true, external: ["*"] },
  });
  return (await outputs[0]?.text()) ?? script;
}

let page: ReturnType<typeof bundlePage> | null = null;

/** Makes a script of the browser from its source. */
export async function bundleWebScript(name: WebScript): Promise<string> {
  if (name === "early.js") return await bundleScript(webPath("early.ts"), { react: pageReact, format: "iife" });
  if (name === "tidings-chat.js") return await bundleScript(webPath("tidings-chat.ts"), { react: pageReact });
  page ??= bundlePage();
  page.catch(() => (page = null));
  return (await page)[name];
}
