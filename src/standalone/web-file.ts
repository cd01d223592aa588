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

/** The scripts of the browser, each with its source: of the page, its first requests, and of the element `<tidings-chat>`. */
const scriptSources = { "page.js": "page.tsx", "early.js": "early.ts", "tidings-chat.js": "tidings-chat.ts" } as const;
export type WebScript = keyof typeof scriptSources;
export const webScripts = Object.keys(scriptSources) as readonly WebScript[];

const scripts = new Map<WebScript, Promise<string>>();

/** A script of the browser: the published package carries it; from the source it is made at the first request, and kept. */
export function webScript(name: WebScript): Promise<string> {
  const made = scripts.get(name) ?? (existsSync(webPath(name)) ? webFile(name) : bundleWebScript(name));
  scripts.set(name, made);
  made.catch(() => scripts.delete(name));
  return made;
}

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
export async function bundleScript(
  entry: string,
  { react = {}, mode = "production", format = "esm", external = [] }: BundleOptions = {},
): Promise<string> {
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    minify: true,
    format,
    external: [...external],
    define: { "process.env.NODE_ENV": JSON.stringify(mode) },
    plugins: [replacing(react)],
  });
  const [output] = outputs;
  if (output === undefined) throw new Error(`No script was made of ${entry}`);
  return await output.text();
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

/** Makes a script of the browser from its source. */
export const bundleWebScript = (name: WebScript): Promise<string> =>
  bundleScript(webPath(scriptSources[name]), { react: pageReact, format: name === "early.js" ? "iife" : "esm" });
