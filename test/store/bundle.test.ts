import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startSqld } from "../support/sqld.ts";

const root = join(import.meta.dir, "../..");

test("E46 a bundle holds nothing native, and serves a remote database on Node with no package beside it", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tidings-bundle-"));
  const sqld = await startSqld();
  try {
    writeFileSync(
      join(folder, "entry.ts"),
      `import { createChat } from ${JSON.stringify(join(root, "src/index.ts"))};
       const chat = createChat({ database: { url: ${JSON.stringify(sqld.url)}, migrate: true }, authenticate: () => null });
       const { seq } = await chat.send({ from: "shop", to: "alice", text: "hi" });
       await chat.close();
       const file = createChat({ database: { url: "file:chat.db" }, authenticate: () => null, });
       // No further try can mend it: it is said at once, not after the time for a start.
       const { code, message } = await file.ready().then(() => ({}), (error) => error);
       console.log(JSON.stringify({ seq, code, message }));
       process.exit(0);`,
    );
    const { outputs, success } = await Bun.build({
      entrypoints: [join(folder, "entry.ts")],
      target: "node",
      outdir: folder,
      naming: "bundle.mjs",
    });
    expect([success, outputs.length]).toEqual([true, 1]);
    expect(await outputs[0]?.text()).not.toMatch(/@libsql\/(linux|darwin|win32)|\.node["']/);
    const child = Bun.spawn(["node", "bundle.mjs"], { cwd: folder, stdout: "pipe", stderr: "ignore" });
    const message = expect.stringMatching(/needs the package libsql .*Cannot find module 'libsql'/) as unknown;
    expect(await child.stdout.json()).toEqual({ seq: 1, code: "config_invalid", message });
  } finally {
    await sqld.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});
