/**
 * Writes the documentation that a program makes: docs/openapi.json and docs/frames.schema.json from the server's own schemas, docs/options.md from
 * the comments of the options, docs/schema.sql from the migrations.
 *
 *   bun scripts/describe.ts           writes them
 *   bun scripts/describe.ts --check   fails when one is stale
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { bundledMigrations } from "../src/store/migration/bundled.ts";
import { databaseSchema } from "./database-schema.ts";
import { frameSchema } from "./json-schema.ts";
import { openApi } from "./openapi.ts";
import { referencePage } from "./reference.ts";

const root = join(import.meta.dir, "..");
const text = (document: object): string => `${JSON.stringify(document, null, 2)}\n`;
const files = {
  "docs/openapi.json": text(openApi()),
  "docs/frames.schema.json": text(frameSchema()),
  "docs/options.md": referencePage(),
  "docs/schema.sql": databaseSchema(bundledMigrations),
};

/** How it is laid out is the formatter's business. */
function isFresh(name: string, wanted: string): boolean {
  const plain = (content: string): string =>
    name.endsWith(".json") ? JSON.stringify(JSON.parse(content)) : content.replaceAll(/[\s-]+/g, " ");
  try {
    return plain(readFileSync(join(root, name), "utf8")) === plain(wanted);
  } catch {
    return false;
  }
}

if (process.argv.includes("--check")) {
  const stale = Object.entries(files).flatMap(([name, wanted]) => (isFresh(name, wanted) ? [] : [name]));
  if (stale.length > 0) {
    console.error(`${stale.join(", ")} are stale: run "bun scripts/describe.ts" and "bun fmt --no-script"`);
    process.exit(1);
  }
} else for (const [name, wanted] of Object.entries(files)) writeFileSync(join(root, name), wanted);
