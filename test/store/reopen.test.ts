import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-reopen-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A checkpoint syncs the log, and then moves it into the file, which shows it. */
test("D2 D4 a connection that is opened after an error syncs the log before a read shows it", async () => {
  const path = join(folder, "chat.db");
  const engine = createEmbeddedEngine({ path });
  await engine.write([{ sql: "CREATE TABLE t (a INTEGER PRIMARY KEY, text TEXT)" }]);
  const size = (): number => statSync(path).size;
  for (let i = 0; i < 20; i++)
    await engine.write([{ sql: "INSERT INTO t (text) VALUES (?)", args: ["x".repeat(10_000)] }]);
  const before = size();
  await expect(engine.write([{ sql: "INSERT INTO nothing VALUES (1)" }])).rejects.toMatchObject({
    code: "unavailable",
  });
  expect(size()).toBe(before);
  expect(await engine.read([{ sql: "SELECT count(*) AS count FROM t" }])).toEqual([[{ count: 20 }]]);
  expect(size()).toBeGreaterThan(before);
  await engine.close();
});
