import { afterAll, expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { join } from "node:path";
import { startServer, temporaryFolder } from "../support/server.ts";

const folder = temporaryFolder();
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test("J79 an app without what Hermes lacks sends, sleeps in the background, and has everything when it is back", async () => {
  const server = await startServer();
  try {
    const command = [process.execPath, "program.ts", `http://127.0.0.1:${server.port}`, join(folder, "app.db")];
    const child = Bun.spawn(command, { cwd: import.meta.dir, stdout: "pipe", stderr: "pipe" });
    const [output, errors] = await Promise.all([child.stdout.text(), child.stderr.text()]);
    expect(errors).toBe("");
    expect(JSON.parse(output)).toEqual({
      ...{ left: [], faults: [], away: 2, kind: "durable" },
      texts: ["from the app", "to the app", "while it was away"],
    });
  } finally {
    await server.dispose();
  }
});
