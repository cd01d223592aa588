import { copyFileSync, existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { migrate } from "../../src/store/migration/migrate.ts";

let template: Promise<string> | undefined;

/** An empty database with its schema in place, at a path that is free: a copy of one that was migrated once, which takes half of the time. */
export async function putMigratedFile(path: string): Promise<void> {
  if (existsSync(path)) return;
  template ??= makeTemplate();
  copyFileSync(await template, path);
}

async function makeTemplate(): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "tidings-template-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, "chat.db");
  const engine = createEmbeddedEngine({ path });
  await migrate(engine, bundledMigrations);
  await engine.close();
  return path;
}
