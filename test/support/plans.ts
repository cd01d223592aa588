import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import type { Engine, Row, Statement } from "../../src/store/engine/engine.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { forgetTickets } from "../../src/store/sql.ts";
import { migrate } from "../../src/store/migration/migrate.ts";

/** Tables that have one row, or grow with the schema alone: scanning them costs nothing. */
const smallTables = ["head", "push_worker", "sqlite_schema", "sqlite_master", "schema_migrations", "migrations"];
/** Tables may carry our prefix. */
const isSmall = (table: string): boolean => smallTables.includes(table.replace(/^tidings_/, ""));

/** All tickets go with their history, and only a restore starts a new history. */
const meantToEmpty: readonly string[] = [forgetTickets];

type Planner = {
  readonly engine: Engine;
  readonly tables: readonly string[];
  readonly tableOf: ReadonlyMap<number, string>;
};

async function openPlanner(): Promise<Planner> {
  const folder = mkdtempSync(join(tmpdir(), "tidings-plan-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
  await migrate(engine, bundledMigrations);
  const [schema = []] = await engine.read([{ sql: "SELECT rootpage, tbl_name FROM sqlite_schema WHERE rootpage > 0" }]);
  const tableOf = new Map(schema.map((row) => [Number(row["rootpage"]), String(row["tbl_name"])]));
  const tables = [...new Set(tableOf.values())].filter((name) => !isSmall(name));
  return { engine, tables, tableOf };
}

/** A database of its own: its queries disturb no test, and no fault that a test plants reaches it. */
let planner: Promise<Planner> | undefined;

/** Tables that the compiled statement goes through from one end, and does not leave after one row. */
function walkedTables(program: readonly Row[], tableOf: ReadonlyMap<number, string>): readonly string[] {
  const cursors = new Map<number, string>();
  const cleared: string[] = [];
  for (const { opcode, p1, p2, p3 } of program) {
    if ((opcode === "OpenRead" || opcode === "OpenWrite") && p3 === 0)
      cursors.set(Number(p1), tableOf.get(Number(p2)) ?? "");
    if (opcode === "Clear") cleared.push(tableOf.get(Number(p1)) ?? "");
  }
  const moved = new Set(program.filter(({ opcode }) => opcode === "Next" || opcode === "Prev").map(({ p1 }) => p1));
  const walked = program.filter(
    ({ opcode, p1 = null }) => opcode === "Count" || ((opcode === "Rewind" || opcode === "Last") && moved.has(p1)),
  );
  return [...cleared, ...walked.map(({ p1 }) => cursors.get(Number(p1)) ?? "")];
}

/** The tables that a plan scans, by their names or aliases, without subqueries and virtual tables. */
function scannedTables(plan: readonly Row[], { sql, tables }: { sql: string; tables: readonly string[] }): string[] {
  return plan.flatMap(({ detail }) => {
    const [, name = ""] = /^SCAN (\w+)(?! VIRTUAL)/.exec(String(detail)) ?? [];
    if (name === "" || String(detail).includes("VIRTUAL TABLE")) return [];
    return tables.filter((table) => table === name || new RegExp(`\\b${table}\\s+(AS\\s+)?${name}\\b`, "i").test(sql));
  });
}

/**
 * Tables of any size that a statement scans. Two witnesses must agree: the planner says SCAN also for a subquery that a batch keeps small, and
 * the compiled program starts at one end also where a range stops it soon. An emptied table counts as well.
 */
export async function scansOf(sql: string): Promise<readonly string[]> {
  if (meantToEmpty.includes(sql)) return [];
  planner ??= openPlanner();
  const { engine, tables, tableOf } = await planner;
  // One by one: in a transaction the driver takes an explained write for a write under way.
  const [program = []] = await engine.read([{ sql: `EXPLAIN ${sql}` }]);
  const [plan = []] = await engine.read([{ sql: `EXPLAIN QUERY PLAN ${sql}` }]);
  const walked = walkedTables(program, tableOf);
  const cleared = program.some(({ opcode }) => opcode === "Clear");
  const scanned = scannedTables(plan, { sql, tables });
  return [...new Set(walked)]
    .filter((table) => tables.includes(table) && (cleared || scanned.includes(table)))
    .toSorted();
}

/** Everything else is of the schema. */
const isOfRows = /^\s*(SELECT|INSERT|REPLACE|UPDATE|DELETE|WITH)\b/i;

/** Statements that were already checked. */
const found = new Map<string, Promise<readonly string[]>>();

/**
 * An engine that checks all its statements, also those that are put together as the program runs. Its `close()` rejects where one of them
 * scans a table: so every test that closes its store is a test of the plans.
 */
export function watchPlans(engine: Engine): Engine {
  const asked = new Set<string>();
  const note = (statements: readonly Statement[]): void => {
    for (const { sql } of statements) if (isOfRows.test(sql)) asked.add(sql);
  };
  return {
    ...engine,
    read(statements) {
      note(statements);
      return engine.read(statements);
    },
    write(statements) {
      note(statements);
      return engine.write(statements);
    },
    async close() {
      await engine.close();
      const bad: string[] = [];
      for (const sql of asked) {
        const scans = found.get(sql) ?? scansOf(sql);
        found.set(sql, scans);
        const tables = await scans;
        if (tables.length > 0) bad.push(`S11 a statement scans ${tables.join(", ")}: ${sql}`);
      }
      if (bad.length > 0) throw new Error(bad.join("\n"));
    },
  };
}
