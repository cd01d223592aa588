import { Database } from "bun:sqlite";
import type { ExpoDatabase } from "../../src/react-native/expo-sqlite.ts";

/**
 * A database as `expo-sqlite` gives it, on Bun's SQLite: each exclusive transaction has a connection of its own, begins with a plain BEGIN, and is rolled
 * back if its task fails (expo-sqlite 57, `SQLiteDatabase.ts`).
 */
export function openExpoDatabase(file: string): ExpoDatabase {
  return {
    async withExclusiveTransactionAsync(task) {
      const connection = new Database(file);
      try {
        connection.run("PRAGMA busy_timeout = 0");
        connection.run("BEGIN");
        try {
          await task({
            // One parameter for each question mark.
            getAllAsync: <Row>(sql: string, parameters: (string | number | null)[]) =>
              Promise.resolve(connection.prepare(sql).all(...parameters) as Row[]),
          });
          connection.run("COMMIT");
        } catch (error) {
          connection.run("ROLLBACK");
          throw error;
        }
      } finally {
        connection.close();
      }
    },
  };
}
