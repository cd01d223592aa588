import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import { putMigratedFile } from "./migrated-file.ts";
import { storeOn, type StoreOverrides } from "./store.ts";

/** A store on a new file of its own, for a test file that needs real SQL. */
export async function openSmallStore(overrides: StoreOverrides = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tidings-small-"));
  const path = join(folder, "chat.db");
  await putMigratedFile(path);
  const engine = createEmbeddedEngine({ path });
  const { store } = await storeOn(engine, overrides);
  await store.head();
  return {
    ...{ path, engine, store },
    async close(): Promise<void> {
      await store.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
