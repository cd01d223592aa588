import type { Engine } from "../engine/engine.ts";
import { bundledMigrations } from "./bundled.ts";
import { migrate, pending } from "./migrate.ts";
import { isContraction, migrationRefused } from "./migration.ts";

/**
 * Brings a database to the schema that this version needs: a file at once; a remote one only where that was asked for, for others may be
 * using it. It serves one that lacks contractions alone: they wait for the last node of an older release.
 *
 * @throws ChatError `migration_refused`: the remote database has pending migrations, which are named.
 */
export async function applyMigrations(
  engine: Engine,
  options: { readonly url: string; readonly migrate?: boolean; readonly pause?: () => Promise<void> },
): Promise<void> {
  const { url, migrate: wanted, pause } = options;
  if (wanted ?? url.startsWith("file:")) {
    await migrate(engine, bundledMigrations, { ...(pause && { pause }) });
    return;
  }
  const waiting = (await pending(engine, bundledMigrations)).filter((migration) => !isContraction(migration));
  if (waiting.length === 0) return;
  const names = waiting.map(({ version, name }) => `${version}_${name}`).join(", ");
  throw migrationRefused(
    `The database has pending migrations (${names}): run "tidings migrate up" against it, then start again`,
  );
}
