import { ChatError } from "../../error.ts";
import { sha256 } from "../../internal/sha256.ts";

/** One step of the schema, both ways, as data: it may come from a folder or out of a bundle. */
export type Migration = {
  readonly version: number;
  readonly name: string;
  readonly up: string;
  readonly down: string;
};

/** The schema and the migrations do not fit together: `text` says why, and what to do. */
export const migrationRefused = (text: string, options?: { readonly cause?: unknown }): ChatError =>
  new ChatError("migration_refused", text, options);

/** How people and files call it: `000001_messages`. */
export function labelOf({ version, name }: { readonly version: number; readonly name: string }): string {
  return `${String(version).padStart(6, "0")}_${name}`;
}

/**
 * Whether a migration only takes away what nodes of older releases need. Its name ends in `_contract`. Nodes of this release serve a database before
 * and after it.
 */
export const isContraction = ({ name }: Pick<Migration, "name">): boolean => name.endsWith("_contract");

/** The migrations in the order of their versions, each version once. */
export function inOrder(migrations: readonly Migration[]): Migration[] {
  const sorted = [...migrations].sort((a, b) => a.version - b.version);
  for (const [i, migration] of sorted.entries()) {
    if (!Number.isSafeInteger(migration.version) || migration.version < 1) {
      throw migrationRefused(`The version of a migration is an integer from 1 up, got ${migration.version}`);
    }
    const next = sorted[i + 1];
    if (next?.version === migration.version) {
      throw migrationRefused(
        `${labelOf(migration)} and ${labelOf(next)} have the same version. Give the newer one the next free number`,
      );
    }
  }
  return sorted;
}

const known = new WeakMap<Migration, Promise<string>>();

/**
 * SHA-256 of a migration's `.up.sql`, in hex, as `sha256sum` prints it. The way down is left out, so that a wrong one can
 * still be corrected. Line ends count as LF, even if a checkout has changed them.
 */
export function hashOf(migration: Migration): Promise<string> {
  const hash = known.get(migration) ?? sha256(migration.up.replaceAll("\r\n", "\n"));
  known.set(migration, hash);
  return hash;
}
