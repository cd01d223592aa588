import type { SqlClient } from "../client/vault/libsql.ts";

type Rows = Awaited<ReturnType<SqlClient["batch"]>>[number]["rows"][number];

/** The part of a database of `expo-sqlite` that is used. */
export type ExpoDatabase = {
  withExclusiveTransactionAsync(
    task: (transaction: {
      getAllAsync<Row>(sql: string, parameters: (string | number | null)[]): Promise<Row[]>;
    }) => Promise<void>,
  ): Promise<void>;
};

/**
 * A database of `expo-sqlite`, for `libsql()` of `tidings/client/libsql`.
 *
 * @example
 * const sql = expoSqlite({ withExclusiveTransactionAsync: async (task) => await task({ getAllAsync: async () => [] }) });
 */
export const expoSqlite = (database: ExpoDatabase): SqlClient => ({
  async batch(statements) {
    const results: { readonly rows: readonly Rows[] }[] = [];
    await database.withExclusiveTransactionAsync(async (transaction) => {
      for (const { sql, args } of statements) results.push({ rows: await transaction.getAllAsync<Rows>(sql, args) });
    });
    return results;
  },
});
