import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";

const pathFromHere = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const webPath = (name: string): string => pathFromHere(`../web/${name}`);

/** The text of a file of the chat page. */
export const webFile = (name: string): Promise<string> => readFile(webPath(name), "utf8");

/** The OpenAPI document: the published package has it beside the page, the repository in docs. */
export const openApiFile = (): Promise<string> =>
  existsSync(webPath("openapi.json"))
    ? webFile("openapi.json")
    : readFile(pathFromHere("../../docs/openapi.json"), "utf8");

let script: Promise<string> | null = null;

/** The page's script: the published package carries it; from the source it is made at the first request, and kept. */
export function webScript(): Promise<string> {
  script ??= (existsSync(webPath("page.js")) ? webFile("page.js") : bundleWebScript()).catch((error: unknown) => {
    script = null;
    throw error;
  });
  return script;
}

/** Makes the page's script from its source; runs on Bun alone. */
export async function bundleWebScript(): Promise<string> {
  const { outputs } = await Bun.build({ entrypoints: [webPath("page.ts")], target: "browser", minify: true });
  const [output] = outputs;
  if (output === undefined) throw new Error("The page's script was not built");
  return await output.text();
}
