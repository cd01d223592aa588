import { Database } from "bun:sqlite";
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bodyOf, membersOf } from "../../scripts/doc-comments.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";

const root = join(import.meta.dir, "../..");
const pageOf = (name: string): string => readFileSync(join(root, "docs", name), "utf8");

test("N37 the generated pages and documents are fresh", async () => {
  const command = [process.execPath, "scripts/describe.ts", "--check"];
  const child = Bun.spawn(command, { cwd: root, stdout: "ignore", stderr: "pipe" });
  expect(await child.stderr.text()).toBe("");
  expect(await child.exited).toBe(0);
});

test("N37 the page of options has every option and every limit with its default", () => {
  const page = pageOf("options.md");
  const source = readFileSync(join(root, "src/chat-options.ts"), "utf8");
  const options = [...source.matchAll(/^  readonly (\w+)\??:/gm)].map(([, name = ""]) => name);
  expect(options.length).toBeGreaterThan(15);
  for (const name of options) expect(page).toContain(`\`${name}\``);
  const api = readFileSync(join(root, "src/chat-api.ts"), "utf8");
  const members = [...api.matchAll(/^ {2}readonly \w+\??: .*$/gm)].map(([line]) => line);
  expect(members.length).toBeGreaterThan(30);
  for (const line of members) expect(page).toContain(line);
  for (const [name, value] of Object.entries(defaultLimits)) {
    const row = page.split("\n").find((line) => line.startsWith("| ") && line.split("|")[1]?.includes(`\`${name}\``));
    expect(row?.split("|")[2]?.replaceAll(" ", "")).toContain(String(value));
  }
});

test("N37 an option without a comment, or in an unknown form, is an error and is not left out", () => {
  const linesOf = (text: string): readonly string[] =>
    bodyOf(`export type Options = {\n${text}\n};\n`, "export type Options");
  expect(
    membersOf(
      linesOf(
        "  /** One. */\n  readonly one?: string;\n  /**\n   * Two,\n   * or more.\n   */\n  readonly two: number;",
      ),
    ),
  ).toEqual([
    { names: ["one"], values: ["string"], isOptional: true, about: "One." },
    { names: ["two"], values: ["number"], isOptional: false, about: "Two, or more." },
  ]);
  expect(() => membersOf(linesOf("  readonly one?: string;"))).toThrow("one has no comment");
  expect(() => membersOf(linesOf("  /** One. */\n  readonly one?:\n    string;"))).toThrow("not understood");
});

/** The structure of a database as SQLite reports it, without the text of its statements. */
function structureOf(script: string): unknown {
  using database = new Database(":memory:");
  database.run(script);
  const all = (text: string): readonly Record<string, unknown>[] =>
    database.query<Record<string, unknown>, []>(text).all();
  return all("SELECT * FROM pragma_table_list WHERE schema = 'main' ORDER BY name").map((table) => ({
    table,
    columns: all(`SELECT * FROM pragma_table_xinfo('${String(table["name"])}')`),
    indexes: all(`SELECT * FROM pragma_index_list('${String(table["name"])}') ORDER BY name`).map((index) => ({
      ...index,
      seq: 0,
      columns: all(`SELECT * FROM pragma_index_xinfo('${String(index["name"])}')`),
      where: all(`SELECT sql FROM sqlite_schema WHERE name = '${String(index["name"])}'`)[0]?.["sql"],
    })),
  }));
}

test("N37 the schema for reading makes the same tables, columns and indexes as the migrations", () => {
  const migrated = bundledMigrations.map(({ up }) => up).join("\n");
  const schema = pageOf("schema.sql");
  expect(structureOf(schema)).toEqual(structureOf(migrated));
  // The comparison sees a column that is missing.
  expect(structureOf(schema.replace(/^ {2}secret TEXT,\n/m, ""))).not.toEqual(structureOf(migrated));
  const dropped = new Set(
    [...migrated.matchAll(/^DROP (?:TABLE|INDEX) (?:IF EXISTS )?(\w+)/gm)].map(([, name]) => name),
  );
  for (const [, name = ""] of migrated.matchAll(/^CREATE (?:UNIQUE )?(?:TABLE|INDEX) (\w+)/gm))
    if (dropped.has(name)) expect(schema).not.toMatch(new RegExp(`${name}\\b`));
    else expect(schema).toContain(name);
});
