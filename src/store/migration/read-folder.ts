import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { ChatError } from "../../error.ts";
import { inOrder, type Migration, migrationRefused } from "./migration.ts";

/** `000001_messages.up.sql`, as golang-migrate names them. */
const fileName = /^(\d+)_(.+)\.(up|down)\.sql$/;

/** Reads the migrations of a folder: pairs of an `.up.sql` and a `.down.sql`. Files that do not end in `.sql` are left alone. */
export function readFolder(folder: string): Migration[] {
  const found = new Map<string, { version: number; name: string; up?: string; down?: string }>();
  for (const file of namesIn(folder)) {
    if (!file.endsWith(".sql")) continue;
    const [, version, name, direction] = fileName.exec(file) ?? [];
    if (version === undefined || name === undefined) {
      throw migrationRefused(`Name it like 000001_messages.up.sql or 000001_messages.down.sql, got ${file}`);
    }
    const key = `${version}_${name}`;
    const text = readFileSync(join(folder, file), "utf8").replace(/^\uFEFF/, "");
    const pair = found.get(key) ?? { version: Number(version), name };
    found.set(key, direction === "up" ? { ...pair, up: text } : { ...pair, down: text });
  }
  const migrations = [...found].map(([key, { version, name, up, down }]): Migration => {
    if (up !== undefined && down !== undefined) return { version, name, up, down };
    const lacking = up === undefined ? "up" : "down";
    throw migrationRefused(`${key}.${lacking}.sql is missing. Write it; it may be empty`);
  });
  return inOrder(migrations);
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (cause) {
    throw new ChatError("config_invalid", `The folder of migrations cannot be read, got ${folder}`, { cause });
  }
}
