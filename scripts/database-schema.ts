import { Database } from "bun:sqlite";
import type { Migration } from "../src/store/migration/migration.ts";

type Entry = { readonly type: string; readonly name: string; readonly table: string; readonly sql: string };

/**
 * The schema that the migrations make, for people to read: each table with its columns, its indexes, and the comments of the migrations.
 * The statements are SQLite's own, so they cannot differ from a real database.
 */
export function databaseSchema(migrations: readonly Migration[]): string {
  const comments = commentsOf(migrations);
  const last = migrations.at(-1);
  const tables = entriesAfter(migrations);
  const parts = tables.map((entries) =>
    entries
      .map(({ type, name, table, sql }) => {
        const above = comments.get(name) ?? [];
        return [...above, `${type === "table" ? tableText(sql, table, comments) : sql};`].join("\n");
      })
      .join("\n"),
  );
  return `${[
    `-- The database after migration ${String(last?.version).padStart(6, "0")}_${last?.name}. Written by scripts/describe.ts from migrations/*.sql. Do not edit.`,
    "-- For reading: migrations alone make and change a database (docs/database.md).",
    ...parts,
  ].join("\n\n")}\n`;
}

/** Tables in the order of their creation, each followed by its indexes. */
function entriesAfter(migrations: readonly Migration[]): readonly (readonly Entry[])[] {
  using database = new Database(":memory:");
  for (const { up } of migrations) database.run(up);
  const select = 'SELECT type, name, tbl_name AS "table", sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid';
  const all = database.query<Entry, []>(select).all();
  return all
    .filter(({ type }) => type === "table")
    .map((table) => [table, ...all.filter((one) => one.type !== "table" && one.table === table.name)]);
}

/** A column a line, also those that were added later, which SQLite appends to the last line. */
function tableText(sql: string, table: string, comments: ReadonlyMap<string, readonly string[]>): string {
  const [from, to] = [sql.indexOf("(") + 1, sql.lastIndexOf(")")];
  const items = splitItems(sql.slice(from, to)).map((item) => {
    const column = /^\w+(?= |$)/.exec(item.split("\n").at(-1)?.trim() ?? "")?.[0] ?? "";
    const lines = [...(comments.get(`${table}.${column}`) ?? []), ...item.split("\n").map((line) => line.trim())];
    return lines.map((line) => `  ${line}`).join("\n");
  });
  return `${sql.slice(0, from)}\n${items.join(",\n")}\n${sql.slice(to)}`;
}

/** The definitions of columns and constraints: commas in brackets, texts and comments part nothing. */
function splitItems(body: string): readonly string[] {
  const items: string[] = [];
  let item = "";
  let depth = 0;
  for (const [token] of body.matchAll(/--[^\n]*\n?|'(?:[^']|'')*'|[\s\S]/g)) {
    if (token === "(") depth++;
    if (token === ")") depth--;
    if (token === "," && depth === 0) {
      items.push(item.trim());
      item = "";
    } else item += token;
  }
  return [...items, item.trim()];
}

/** The comments right above the statement that made a table or an index, or added a column (as `table.column`). */
function commentsOf(migrations: readonly Migration[]): ReadonlyMap<string, readonly string[]> {
  const comments = new Map<string, readonly string[]>();
  let above: string[] = [];
  for (const line of migrations.flatMap(({ up }) => up.split("\n"))) {
    if (line.startsWith("--")) {
      above.push(line);
      continue;
    }
    const [, created] = /^CREATE (?:UNIQUE )?(?:TABLE|INDEX) (\w+)/.exec(line) ?? [];
    const [, table, column] = /^ALTER TABLE (\w+) ADD COLUMN (\w+)/.exec(line) ?? [];
    const name = created ?? (table === undefined ? undefined : `${table}.${column}`);
    if (name !== undefined) comments.set(name, above);
    above = [];
  }
  return comments;
}
