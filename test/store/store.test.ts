import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import { createRemoteEngine } from "../../src/store/engine/remote.ts";
import { startSqld } from "../support/sqld.ts";
import { describeBounds } from "./bounds.contract.ts";
import { describePeople } from "./people.contract.ts";
import { describePushStore } from "./push.contract.ts";
import { describeStore } from "./store.contract.ts";

async function embedded() {
  const folder = mkdtempSync(join(tmpdir(), "tidings-store-"));
  const engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
  return { engine, close: async () => rmSync(folder, { recursive: true, force: true }) };
}

async function remote() {
  const { url, authToken = "", stop } = await startSqld({ isGuarded: true });
  return { engine: createRemoteEngine({ url, authToken }), close: stop };
}

describeStore("store on an embedded file", embedded, { runs: 25 });
describeStore("store on a libSQL server", remote, { runs: 4 });

describePeople("people on an embedded file", embedded, { runs: 40 });
describePeople("people on a libSQL server", remote, { runs: 5 });

describePushStore("pushes on an embedded file", embedded);
describePushStore("pushes on a libSQL server", remote);

describeBounds("bounds on an embedded file", embedded, { runs: 30 });
describeBounds("bounds on a libSQL server", remote, { runs: 4 });
