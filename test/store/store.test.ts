import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import { createRemoteEngine } from "../../src/store/engine/remote.ts";
import { startSqld } from "../support/sqld.ts";
import { describeStore } from "./store.contract.ts";

describeStore(
  "store on an embedded file",
  async () => {
    const folder = mkdtempSync(join(tmpdir(), "tidings-store-"));
    const engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
    return { engine, close: async () => rmSync(folder, { recursive: true, force: true }) };
  },
  { runs: 25 },
);

describeStore(
  "store on a libSQL server",
  async () => {
    const server = await startSqld();
    return { engine: createRemoteEngine({ url: server.url }), close: () => server.stop() };
  },
  { runs: 4 },
);
