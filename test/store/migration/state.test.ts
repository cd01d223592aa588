import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import {
  forgetAbove,
  readState,
  remember,
  requireVersion,
  setVersion,
  tableStatements,
} from "../../../src/store/migration/state.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-"));
let engine: Engine;
beforeAll(() => void (engine = createEmbeddedEngine({ path: join(folder, "chat.db") })));
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true });
});
const codeOf = async (version: number): Promise<string> =>
  await engine.write([requireVersion(version)]).then(
    () => "fits",
    (error: { code?: string }) => error.code ?? "",
  );

test("M2 M9 the state of a database is read as it is kept, and without its tables nothing is applied", async () => {
  expect(await readState(engine)).toEqual({ version: 0, isDirty: false, applied: [] });
  await engine.write([...tableStatements, ...tableStatements]);
  expect(await readState(engine)).toEqual({ version: 0, isDirty: false, applied: [] });
  const rows = [1, 2, 3].map((version) => ({ version, name: `m${version}`, hash: `h${version}` }));
  await engine.write([...rows.map(remember), ...setVersion(2), ...setVersion(3)]);
  expect(await readState(engine)).toEqual({ version: 3, isDirty: false, applied: rows });
  await engine.write([forgetAbove(1), ...setVersion(1)]);
  expect(await readState(engine)).toEqual({ version: 1, isDirty: false, applied: rows.slice(0, 1) });
});

test("M12 a write that needs a version fails as a whole where the database has another, or is dirty", async () => {
  await engine.write(setVersion(1));
  expect([await codeOf(1), await codeOf(0), await codeOf(2)]).toEqual(["fits", "unavailable", "unavailable"]);
  await engine.write(setVersion(0));
  expect([await codeOf(0), await codeOf(1)]).toEqual(["fits", "unavailable"]);
  await engine.write([{ sql: "INSERT INTO tidings_schema_migrations VALUES (1, 1)" }]);
  expect([await codeOf(1), await codeOf(0), (await readState(engine)).isDirty]).toEqual([
    "unavailable",
    "unavailable",
    true,
  ]);
  await engine.write([{ sql: "UPDATE tidings_schema_migrations SET version = 0" }]);
  expect(await codeOf(0)).toBe("unavailable");
});

test("M9 golang-migrate's version of no migration counts as 0, and two versions are refused", async () => {
  const put = (...versions: number[]) =>
    engine.write([
      { sql: "DELETE FROM tidings_schema_migrations" },
      ...versions.map((version) => ({ sql: "INSERT INTO tidings_schema_migrations VALUES (?, 0)", args: [version] })),
    ]);
  await put(-1);
  expect((await readState(engine)).version).toBe(0);
  await put(1, 2);
  const refused: unknown = await readState(engine).catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "migration_refused", message: expect.stringContaining("holds 2 rows") });
});
