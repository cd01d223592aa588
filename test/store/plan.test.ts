import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import { plant } from "../plants/index.ts";
import { alteredTests } from "../support/failing-tests.ts";
import { expansionsOf } from "../support/expansions.ts";
import { scansOf } from "../support/plans.ts";

const folder = join(import.meta.dir, "../../src/store");
/** Every file of statements that there is, also one that is added later. */
const files = [...new Bun.Glob("**/*sql.ts").scanSync({ cwd: folder })].toSorted();

const statements: (readonly [string, string])[] = [];
for (const file of files) {
  const exported = (await import(join(folder, file))) as Record<string, unknown>;
  for (const [name, sql] of Object.entries(exported)) if (typeof sql === "string") statements.push([name, sql]);
}

describe("query plans", () => {
  for (const [name, sql] of statements)
    test(`S11 ${name} looks up by key or range and scans no table`, async () => {
      expect(await scansOf(sql)).toEqual([]);
    });

  test("R30 no statement takes long to prepare: a server does so for each call", () => {
    const counts = statements.map(([name, sql]) => [expansionsOf(sql), name] as const);
    expect(counts.filter(([count]) => count > 200)).toEqual([]);
    expect(Math.max(...counts.map(([count]) => count))).toBeGreaterThan(50);
  });

  test("control: R30 common table expressions that mention each other several times are counted", () => {
    const doubled = (count: number): string =>
      Array.from({ length: count }, (_, i) => `c${i + 1} AS (SELECT * FROM c${i} a JOIN c${i} b)`).join(", ");
    expect(
      expansionsOf(
        `WITH RECURSIVE c0(x) AS MATERIALIZED (SELECT (1) UNION SELECT x FROM c0), ${doubled(3)} SELECT * FROM c3`,
      ),
    ).toBe(15);
    expect(expansionsOf("SELECT * FROM c0")).toBe(0);
  });

  test("S11 all the files of statements are found", () => {
    expect(files).toContain("push/unacked-sql.ts");
    expect(files).toContain("read/history-sql.ts");
    expect(files).toContain("sql.ts");
    expect(statements.length).toBeGreaterThan(90);
  });

  const scanning: readonly (readonly [string, readonly string[]])[] = [
    ["SELECT count(*) FROM tidings_message WHERE text = 'x'", ["tidings_message"]],
    ["SELECT count(*) FROM tidings_message", ["tidings_message"]],
    ["SELECT me.n FROM tidings_message AS me WHERE me.text = ?1", ["tidings_message"]],
    [
      "SELECT m.n FROM tidings_user whoever CROSS JOIN tidings_message m ON m.sender = whoever.key WHERE m.n > ?1",
      ["tidings_user"],
    ],
    ["SELECT x.n FROM (SELECT max(me.n) AS n FROM tidings_member me GROUP BY me.delivered) x", ["tidings_member"]],
    [
      "SELECT j.value FROM json_each(?1) j WHERE j.value NOT IN (SELECT t.session_expires FROM tidings_ticket t)",
      ["tidings_ticket"],
    ],
    ["UPDATE tidings_device SET acked = 0", ["tidings_device"]],
    ["DELETE FROM tidings_seen", ["tidings_seen"]],
    ["DELETE FROM tidings_relation WHERE contact = 0", ["tidings_relation"]],
  ];
  for (const [sql, tables] of scanning)
    test(`control: S11 a scan is seen in ${sql}`, async () => expect(await scansOf(sql)).toEqual(tables));

  const bounded = [
    "SELECT max(n) FROM tidings_message",
    "SELECT l.key FROM tidings_push_log l WHERE l.time < ?1 ORDER BY l.time LIMIT ?2",
    "UPDATE tidings_head SET n = n + 1",
    "SELECT x.i FROM (SELECT j.key AS i FROM json_each(?1) j LIMIT 5) x",
  ];
  for (const sql of bounded) test(`S11 it is no scan to ${sql}`, async () => expect(await scansOf(sql)).toEqual([]));

  const hidden = [
    {
      what: "a statement that is in no list",
      test: "test/store/ticket.test.ts",
      pattern: "embedded file T6",
      alterations: plant("expired tickets are found by a scan"),
    },
    {
      what: "a statement that is put together as it is asked",
      test: "test/hub/hub.test.ts",
      pattern: "H10",
      alterations: plant("a device is found by a scan"),
    },
  ];
  for (const { what, ...altered } of hidden)
    test(`control: S11 a scan in ${what} is seen by the tests that run it`, async () => {
      const { output } = await alteredTests(altered);
      expect(output).toMatch(/S11 a statement scans tidings_(ticket|device)/);
    });
});
