import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import { createRemoteEngine } from "../../src/store/engine/remote.ts";
import { startSqld } from "../support/sqld.ts";

/** A new database file, for a contract suite. */
export async function embedded() {
  const folder = mkdtempSync(join(tmpdir(), "tidings-store-"));
  const engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
  return { engine, close: async () => rmSync(folder, { recursive: true, force: true }) };
}

/** A new database on a server of its own, for a contract suite. */
export async function remote() {
  const { url, authToken = "", stop } = await startSqld({ isGuarded: true });
  return { engine: createRemoteEngine({ url, authToken }), close: stop };
}
