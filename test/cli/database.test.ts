import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { withEngine, withExisting, withReader } from "../../src/cli/database.ts";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import type { Engine } from "../../src/store/engine/engine.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-"));
afterAll(() => rmSync(folder, { recursive: true }));
const at = (name: string) => ({ database: `file:${join(folder, name)}` });
const count = async (engine: Engine) =>
  (await engine.read([{ sql: "SELECT count(*) AS count FROM item" }]))[0]?.[0]?.["count"];
const messageOf = async (work: Promise<unknown>): Promise<string> =>
  await work.then(
    () => "done",
    (error: Error) => error.message,
  );

test("M44 a task may create its file; one that needs a database refuses a missing file and makes none", async () => {
  await withEngine(at("a.db"), (engine) => engine.write([{ sql: "CREATE TABLE item (id)" }]));
  expect(await withExisting(at("a.db"), count)).toBe(0);
  for (const use of [withExisting, withReader]) {
    expect(await messageOf(use(at("none.db"), count))).toContain(
      `There is no database file ${join(folder, "none.db")}`,
    );
    expect(existsSync(join(folder, "none.db"))).toBe(false);
  }
});

test("M17 a task gives its file back, also after it has failed", async () => {
  const failed = withEngine(at("a.db"), async () => {
    throw new Error("planted");
  });
  expect(await messageOf(failed)).toBe("planted");
  expect(await withEngine(at("a.db"), count)).toBe(0);
});

test("M44 a file that a server has open can be read, and not be changed", async () => {
  const server = createEmbeddedEngine({ path: join(folder, "a.db") });
  try {
    await server.write([{ sql: "INSERT INTO item VALUES (1)" }]);
    const both = await withReader(at("a.db"), async (engine) => [
      await count(engine),
      await messageOf(engine.write([{ sql: "DELETE FROM item" }])),
    ]);
    expect([both[0], both[1] === "done"]).toEqual([1, false]);
  } finally {
    await server.close();
  }
});
