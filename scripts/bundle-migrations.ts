/**
 * Writes src/store/migration/bundled.ts from migrations/*.sql, so that a bundled host carries them as data.
 *
 *   bun scripts/bundle-migrations.ts           writes it
 *   bun scripts/bundle-migrations.ts --check   fails when it is stale
 */
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import type { Migration } from "../src/store/migration/migration.ts";
import { readFolder } from "../src/store/migration/read-folder.ts";

const folder = fileURLToPath(new URL("../migrations", import.meta.url));
const file = fileURLToPath(new URL("../src/store/migration/bundled.ts", import.meta.url));

/** The file's text. Line ends are LF, as in the hash of a migration. */
function render(migrations: readonly Migration[]): string {
  const entries = migrations.map(
    ({ version, name, up, down }) =>
      `  {\n    version: ${version},\n    name: ${JSON.stringify(name)},\n    up: ${literal(up)},\n    down: ${literal(down)},\n  },\n`,
  );
  return (
    "// Written by scripts/bundle-migrations.ts from migrations/*.sql. Do not edit.\n" +
    'import type { Migration } from "./migration.ts";\n\n' +
    "/** Tidings' own migrations, as data. */\n" +
    `export const bundledMigrations: readonly Migration[] = [\n${entries.join("")}];\n`
  );
}

function literal(text: string): string {
  return `\`${text
    .replaceAll("\r\n", "\n")
    .replace(/[\\`]|\$\{/g, "\\$&")
    .replaceAll("\r", "\\r")}\``;
}

const wanted = render(readFolder(folder));
const isStale = readFileSync(file, "utf8").replaceAll("\r\n", "\n") !== wanted;
if (!process.argv.includes("--check")) {
  writeFileSync(file, wanted);
} else if (isStale) {
  console.error("src/store/migration/bundled.ts is stale. Run bun scripts/bundle-migrations.ts");
  process.exitCode = 1;
}
