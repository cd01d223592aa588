import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const root = join(import.meta.dir, "../..");

test("G7 the standalone server on Node keeps an idle connection for longer than a proxy does", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tidings-keep-alive-"));
  try {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    writeFileSync(
      join(folder, "entry.ts"),
      `import { get } from "node:http";
       import { listenOnNode } from ${JSON.stringify(join(root, "src/server/listen-node.ts"))};
       const fetch = () => new Response("hi");
       const server = await listenOnNode({ fetch, limits: { frameBytesMax: 1 } }, { port: 0, hostname: "127.0.0.1", fetch });
       get({ port: server.port, agent: false, headers: { connection: "keep-alive" } }, ({ headers }) => {
         console.log(headers["keep-alive"]);
         process.exit(0);
       });`,
    );
    await Bun.build({
      entrypoints: [join(folder, "entry.ts")],
      target: "node",
      external: ["ws"],
      outdir: folder,
      naming: "entry.mjs",
    });
    const child = Bun.spawn(["node", "entry.mjs"], { cwd: folder, stdout: "pipe", stderr: "inherit" });
    expect(await child.stdout.text()).toBe("timeout=75\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
