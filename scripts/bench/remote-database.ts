import { createRemoteEngine } from "../../src/store/engine/remote.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { migrate } from "../../src/store/migration/migrate.ts";

/** Makes the tables of an empty database on a server. */
export async function prepareDatabase(url: string): Promise<void> {
  const engine = createRemoteEngine({ url });
  await migrate(engine, bundledMigrations);
  await engine.close();
}
