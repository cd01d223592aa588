import { labelOf, type Migration, migrationRefused } from "./migration.ts";
import { ChatError } from "../../error.ts";
import type { Statement } from "../engine/engine.ts";
import { type Divided, dividedOf } from "./pieces.ts";
import { split } from "./split.ts";

/** The target: everything, a number of steps up or down, or one version (0: before the first). */
export type Target = "latest" | { readonly up: number } | { readonly down: number } | { readonly version: number };

/** One migration, one way; `after` is the version of the database once it is done. */
export type Step = { readonly direction: "up" | "down"; readonly migration: Migration; readonly after: number };

/** The steps from a version to a target, in order. Pure. */
export function plan(
  migrations: readonly Migration[],
  { version, target }: { readonly version: number; readonly target: Target },
): Step[] {
  const ups = migrations
    .filter((migration) => migration.version > version)
    .map((migration): Step => ({ direction: "up", migration, after: migration.version }));
  const downs = migrations
    .filter((migration) => migration.version <= version)
    .map((migration, i): Step => ({ direction: "down", migration, after: migrations[i - 1]?.version ?? 0 }))
    .reverse();
  if (target === "latest") return ups;
  if ("up" in target) return ups.slice(0, target.up);
  if ("down" in target) return downs.slice(0, target.down);
  requireKnown(migrations, target.version);
  return target.version >= version
    ? ups.filter(({ migration }) => migration.version <= target.version)
    : downs.filter(({ migration }) => migration.version > target.version);
}

export function requireKnown(migrations: readonly Migration[], version: number): void {
  if (version === 0 || migrations.some((migration) => migration.version === version)) return;
  throw migrationRefused(`There is no migration ${version}. Run \`status\` to see those that there are`);
}

/** Statements that cannot be part of a transaction, or would end it half way. */
const outside =
  /^(?:BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|VACUUM|ATTACH|DETACH|PRAGMA(?!\s+defer_foreign_keys\b))\b/i;

/** What a step runs: first its divided statements, in pieces, then all others in one transaction. */
export type Script = { readonly divided: readonly Divided[]; readonly statements: readonly Statement[] };

/** The statements of one step, fit to run in transactions. */
export function scriptOf({ direction, migration }: Step): Script {
  try {
    const statements = split(direction === "up" ? migration.up : migration.down);
    for (const sql of statements) {
      const found = outside.exec(sql)?.[0];
      if (found === undefined) continue;
      throw migrationRefused(
        `${found.toUpperCase()} cannot run: each migration is one transaction already. Take it out`,
      );
    }
    const divided = statements.flatMap((sql) => dividedOf(sql) ?? []);
    const rest = statements.slice(divided.length);
    if (rest.some((sql) => dividedOf(sql) !== null))
      throw migrationRefused(
        "A statement that runs in pieces stands behind one that does not. Put it first, or into a migration of its own",
      );
    return { divided, statements: rest.map((sql) => ({ sql })) };
  } catch (cause) {
    if (!(cause instanceof ChatError)) throw cause;
    throw migrationRefused(`${labelOf(migration)}.${direction}.sql: ${cause.message}`, { cause });
  }
}
