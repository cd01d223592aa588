import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { migrate } from "../../src/store/migration/migrate.ts";
import { namedStatements } from "./statements.ts";

const argumentsMax = 12;

const folder = mkdtempSync(join(tmpdir(), "tidings-plan-"));
let engine: Engine;
beforeAll(async () => {
  engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
  await migrate(engine, bundledMigrations);
});
afterAll(async () => {
  await engine.close();
  rmSync(folder, { recursive: true, force: true });
});

const tables = [
  ...["user", "device", "conversation", "member", "message", "relation", "seen"],
  ...["push_address", "push_notice", "push_log", "mute", "quiet_hours", "revocation"],
].flatMap((name) => [name, `tidings_${name}`]);
/** What each table may be called inside the statements. */
const aliases = ["a", "b", "c", "d", "e", "f", "i", "m", "l", "o", "p", "q", "r", "rb", "s", "t", "u", "w"];

/** Subqueries that a batch, or a limit, keeps small. */
const smallScans: Readonly<Record<string, readonly string[]>> = {
  deliverByAcks: ["SCAN x"],
  readMarks: ["SCAN x"],
  selectBadges: ["SCAN c"],
  selectDue: ["SCAN p"],
};

async function scansOf(sql: string): Promise<string[]> {
  // A statement that names ?9 has nine arguments, whether or not it names ?8.
  const count = Array.from({ length: argumentsMax }, (_, i) => i + 1).findLast((i) => sql.includes(`?${i}`)) ?? 0;
  const args = Array.from({ length: count }, () => "[]");
  const [plan = []] = await engine.read([{ sql: `EXPLAIN QUERY PLAN ${sql}`, args }]);
  return plan
    .map((row) => String(row["detail"]))
    .filter((detail) => {
      const [, name = ""] = /^SCAN (\w+)(?! VIRTUAL)/.exec(detail) ?? [];
      return tables.includes(name) || (aliases.includes(name) && !detail.includes("VIRTUAL TABLE"));
    });
}

describe("query plans", () => {
  for (const [name, sql] of namedStatements)
    test(`S11 ${name} looks up by key or range and scans no table`, async () => {
      // Materialized subqueries have names of their own, and are as small as the batch.
      const scans = await scansOf(sql);
      const allowed = smallScans[name] ?? [];
      expect(scans.filter((scan) => !allowed.includes(scan))).toEqual([]);
    });

  test("S11 a statement that does scan is seen", async () => {
    expect(await scansOf("SELECT count(*) FROM tidings_message WHERE text = 'x'")).not.toEqual([]);
  });
});
