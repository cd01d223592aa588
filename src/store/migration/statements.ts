import { ChatError } from "../../error.ts";
import type { Statement } from "../engine/engine.ts";
import { labelOf, migrationRefused } from "./migration.ts";
import type { Step } from "./plan.ts";
import { split } from "./split.ts";

/** Statements that cannot be part of a transaction, or would end it half way. */
const outside =
  /^(?:BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE|VACUUM|ATTACH|DETACH|PRAGMA(?!\s+defer_foreign_keys\b))\b/i;

/** The statements of one step, fit to run in one transaction. */
export function statementsOf({ direction, migration }: Step): Statement[] {
  try {
    const statements = split(direction === "up" ? migration.up : migration.down);
    for (const sql of statements) {
      const found = outside.exec(sql)?.[0];
      if (found === undefined) continue;
      throw migrationRefused(
        `${found.toUpperCase()} cannot run: each migration is one transaction already. Take it out`,
      );
    }
    return statements.map((sql) => ({ sql }));
  } catch (cause) {
    if (!(cause instanceof ChatError)) throw cause;
    throw migrationRefused(`${labelOf(migration)}.${direction}.sql: ${cause.message}`, { cause });
  }
}
