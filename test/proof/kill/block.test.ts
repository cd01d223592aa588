import { describe, expect, test } from "bun:test";
import { ask, serverAt } from "../../http/ask.ts";
import { newId } from "../../support/store.ts";
import { plantedStart, type Start, startServer } from "../../support/server.ts";
import { testFolders } from "../../support/test-folders.ts";

const folder = testFolders();

/** A user's changes of relations, each with whether the named bob may write to them afterwards. */
const relationChanges = [
  ["PUT", "/contacts/bob", "/contacts", 201],
  ["PUT", "/blocks/bob", "/blocks", 403],
  ["DELETE", "/contacts/bob", "/contacts", 403],
  ["DELETE", "/blocks/bob", "/blocks", 201],
] as const;

/** Kills the server right after the answer to each of them; returns those that the next server does not know. */
async function lostRelations(start: Start): Promise<readonly string[]> {
  const dir = folder();
  const lost: string[] = [];
  let server = await start({ dir });
  const { port } = server;
  const api = serverAt(port);
  try {
    for (const [method, path, list, sent] of relationChanges) {
      const { status } = await ask(api, "alice", path, { method });
      await server.kill9();
      server = await start({ dir, port });
      const { body } = await ask<Record<string, unknown[]>>(api, "alice", list);
      const listed = body[list.slice(1)]?.length;
      const send = await ask(api, "bob", "/messages", { body: { id: newId(), to: "alice", text: "hi" } });
      const result = `${method} ${path} ${status}: ${listed} listed, a send ${send.status}`;
      if (status !== 204 || listed !== (method === "PUT" ? 1 : 0) || send.status !== sent) lost.push(result);
    }
    return lost;
  } finally {
    await server.dispose();
  }
}

describe("relations and kill -9", () => {
  test("B1 B2 a contact, a block and the end of each are there after a kill -9 right behind their answer", async () => {
    expect(await lostRelations(startServer)).toEqual([]);
  });

  test("control: B1 a server that answers before it commits loses them", async () => {
    expect((await lostRelations(plantedStart(import.meta.dir)("early"))).length).toBeGreaterThan(0);
  });
});
