import type { Statement } from "../../src/store/engine/engine.ts";
import type { Alteration } from "./alter-source.ts";

/**
 * Statements with a planted fault, as the database gets them: a fault in SQL that the source contains as it is needs no process of
 * its own.
 */
export const rewrite = (statements: readonly Statement[], alterations: readonly Alteration[]): Statement[] =>
  statements.map((one) => ({
    ...one,
    sql: alterations.reduce((sql, { from, to }) => sql.replaceAll(from, () => to), one.sql),
  }));
