import { join } from "node:path";
import { bundleScript, bundleWebScript, webFile } from "../../../src/standalone/web-file.ts";
import { type Measure, measure } from "../benchmark.ts";
import { repositoryRoot } from "../../violations.ts";
import { withScratch } from "../scratch.ts";

/** Other clients for messages, and for connections alone, as an app bundles them whole. */
const anchors = {
  "stream-chat": "9.53.0",
  "matrix-js-sdk": "43.0.0",
  "socket.io-client": "4.8.4",
  centrifuge: "5.8.0",
  partysocket: "1.3.0",
} as const;

const bytesOf = (text: string): number => Bun.gzipSync(text, { level: 9 }).length;
const size = (name: string, bytes: number): Measure => measure(`size of ${name}`, "KiB", bytes / 1_024);

let measured: Promise<readonly Measure[]> | null = null;

/** Sizes, minified and compressed by gzip -9: the same in each run, so they are measured once. */
export const sizes = (): Promise<readonly Measure[]> => (measured ??= withScratch(measureSizes));

/** The size of a script that an app may write. */
async function bundledBytes(entry: string, script: string, external: readonly string[] = []): Promise<number> {
  await Bun.write(entry, script);
  return bytesOf(await bundleScript(entry, { external }));
}

async function measureSizes(folder: string): Promise<readonly Measure[]> {
  const source = (path: string): string => JSON.stringify(join(repositoryRoot, "src", path));
  const entry = (name: string): string => join(folder, `${name}.ts`);
  const whole = `export * from ${source("client/index.ts")};`;
  const browser = `export { createClient, indexedDb } from ${source("client/index.ts")};`;
  const hooks = `export * from ${source("react/index.ts")};`;
  return [
    size("the client", await bundledBytes(entry("client"), whole)),
    size("the client of a browser", await bundledBytes(entry("browser"), browser)),
    size("the hooks", await bundledBytes(entry("hooks"), hooks, ["react"])),
    size("the page's script before the first message", bytesOf(await bundleWebScript("page.js"))),
    size("the rest of the page's script", bytesOf(await bundleWebScript("page-rest.js"))),
    size("the page's style", bytesOf(await webFile("page.css"))),
    ...(await measureAnchors(join(folder, "anchors"))),
  ];
}

/** Installs the anchors, which are no part of the project, and bundles each as the client is bundled. */
async function measureAnchors(folder: string): Promise<readonly Measure[]> {
  const packages = Object.entries(anchors).map(([name, version]) => `${name}@${version}`);
  await Bun.write(join(folder, "package.json"), '{"private":true}');
  const install = Bun.spawn(["npm", "install", "--no-audit", "--no-fund", "--ignore-scripts", ...packages], {
    cwd: folder,
    stdout: "ignore",
    stderr: "ignore",
    timeout: 180_000,
  });
  if ((await install.exited) !== 0) throw new Error("npm could not install the clients to compare with");
  const all: Measure[] = [];
  for (const name of Object.keys(anchors))
    all.push(
      size(name, await bundledBytes(join(folder, `bundle-${name}.ts`), `export * from ${JSON.stringify(name)};`)),
    );
  return all;
}
