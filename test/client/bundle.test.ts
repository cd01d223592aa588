import { afterAll, describe, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { startServer, temporaryFolder } from "../support/server.ts";

const root = join(import.meta.dir, "../..");
const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The client as an app bundles it: all that it exports, or these names. */
async function bundle(names = "*"): Promise<string> {
  const entry = join(folder, "entry.ts");
  await Bun.write(entry, `export ${names} from ${JSON.stringify(join(root, "src/client/index.ts"))};`);
  const { outputs } = await Bun.build({
    entrypoints: [entry],
    target: "browser",
    minify: true,
    packages: "external",
  });
  return (await outputs[0]?.text()) ?? "";
}

test("J17 the client imports no package, and is at most 30.9 KB, with the storage of a browser alone 30.1 KB", async () => {
  const [whole, browser] = [await bundle(), await bundle("{ createClient, indexedDb }")];
  expect(new Bun.Transpiler({ loader: "js" }).scanImports(whole)).toEqual([]);
  const kilobytes = (script: string): number => Bun.gzipSync(script, { level: 9 }).length / 1_024;
  expect(kilobytes(whole)).toBeLessThanOrEqual(30.9);
  expect(kilobytes(browser)).toBeLessThanOrEqual(30.1);
});

/** Sends one message and ends by itself, which it does only if nothing of the client is left. */
const program = (port: number, user: string): string => `
import { createClient, memory } from "./client.mjs";
const client = createClient({
  url: "http://127.0.0.1:${port}",
  user: "${user}",
  storage: memory(),
  authenticate: async () => ({ parameters: { user: "${user}" } }),
  onFault: (fault) => console.error(fault),
});
client.retain();
const { accepted } = client.thread({ with: "bob" }).send("from ${user}");
console.log((await accepted).text);
await client.close();
`;

describe("on other runtimes", () => {
  const runtimes = {
    bun: [process.execPath, "run"],
    deno: [join(root, "node_modules/.bin/deno"), "run", "--allow-net=127.0.0.1", "--no-config"],
    // Node 20 has no WebSocket of its own.
    node: ["node", "--import", "./socket.mjs"],
  };
  for (const [name, command] of Object.entries(runtimes))
    test(`J18 ${name}: a program sends, and ends when it has closed its client`, async () => {
      const server = await startServer();
      try {
        await Bun.write(join(folder, "client.mjs"), await bundle());
        await Bun.write(
          join(folder, "socket.mjs"),
          `import ws from "${join(root, "node_modules/ws/wrapper.mjs")}"; globalThis.WebSocket ??= ws;`,
        );
        await Bun.write(join(folder, "program.mjs"), program(server.port, name));
        const child = Bun.spawn([...command, "program.mjs"], { cwd: folder, stdout: "pipe", stderr: "pipe" });
        const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
        expect({ code: await child.exited, output, errors }).toEqual({ code: 0, output: `from ${name}\n`, errors: "" });
      } finally {
        await server.dispose();
      }
    });
});
