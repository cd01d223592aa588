import { join } from "node:path";
import { connect } from "../../support/client.ts";
import { startOutsider } from "../../support/outsider.ts";
import type { Start } from "../../support/server.ts";

/** D4: how many of the messages that were just accepted another process does not see in the database's file. */
export async function countUnseen(options: { start: Start; dir: string; messages: number }): Promise<number> {
  const { start, dir, messages } = options;
  const server = await start({ dir });
  const witness = startOutsider(join(dir, "tidings.db"));
  try {
    const alice = await connect(server.url, { user: "alice" });
    let unseen = 0;
    for (let i = 0; i < messages; i++) {
      const { id } = await alice.sendOk({ to: "bob" }, `m${i}`);
      if ((await witness.count(id)) !== 1) unseen++;
    }
    alice.terminate();
    return unseen;
  } finally {
    await witness.kill9();
    await server.dispose();
  }
}
