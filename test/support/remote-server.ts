import { openEngine } from "../../src/store/engine/open.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { migrate } from "../../src/store/migration/migrate.ts";
import { type RunningServer, type Start, startServer } from "./server.ts";
import { type Sqld, startSqld } from "./sqld.ts";

/** Migrates the database of a libSQL server to the current schema, as `tidings migrate up` does. */
export async function migrateSqld({ url, authToken }: Pick<Sqld, "url" | "authToken">): Promise<void> {
  const engine = openEngine({ url, ...(authToken !== undefined && { authToken }) });
  try {
    await migrate(engine, bundledMigrations);
  } finally {
    await engine.close();
  }
}

/** A server's environment for its database. */
export const databaseEnv = ({ url, authToken }: Pick<Sqld, "url" | "authToken">): Record<string, string> => ({
  DATABASE_URL: url,
  ...(authToken !== undefined && { DATABASE_AUTH_TOKEN: authToken }),
});

/**
 * Starts servers on libSQL servers that want a token: each has its own, and servers in the same folder
 * share one, as they would share a file.
 */
export function createRemoteStart(): { readonly start: Start; readonly end: () => Promise<void> } {
  const byFolder = new Map<string, Promise<Sqld>>();

  async function open(): Promise<Sqld> {
    const sqld = await startSqld({ isGuarded: true });
    await migrateSqld(sqld);
    return sqld;
  }

  async function start(options: Parameters<Start>[0] = {}): Promise<RunningServer> {
    const { dir } = options;
    const opening = (dir === undefined ? undefined : byFolder.get(dir)) ?? open();
    if (dir !== undefined) byFolder.set(dir, opening);
    const sqld = await opening;
    const stopOwn = async (): Promise<void> => (dir === undefined ? await sqld.stop() : undefined);
    try {
      const server = await startServer({ ...options, env: { ...databaseEnv(sqld), ...options.env } });
      const dispose = async (): Promise<void> => {
        await server.dispose();
        await stopOwn();
      };
      return { ...server, dispose };
    } catch (error) {
      await stopOwn();
      throw error;
    }
  }

  return {
    start,
    /** Ends the database servers that folders shared. */
    async end() {
      for (const opening of byFolder.values()) await (await opening).stop();
      byFolder.clear();
    },
  };
}
