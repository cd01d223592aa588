import { expect, test } from "bun:test";
import { createSource } from "../../../src/client/readable.ts";
import { createCache } from "../../../src/client/sync/cache.ts";
import { createIds } from "../../../src/client/sync/ids.ts";
import { createKeeper } from "../../../src/client/sync/keeper.ts";
import { createOutbox } from "../../../src/client/sync/outbox.ts";
import { memory } from "../../../src/client/vault/memory.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { messageRow } from "./rows.ts";

test("J91 a message that was refused here, and that another tab has had accepted, counts as accepted", async () => {
  const clock = fakeClock();
  const onFault = (fault: unknown): never => {
    throw fault;
  };
  const storage = memory();
  const scope = { url: "u", tenant: "t", user: "alice" };
  const [vault, other] = [await storage.open(scope, () => "d"), await storage.open(scope, () => "d")];
  const cache = createCache();
  const keeper = createKeeper({ clock, cache, state: createSource({ kind: "opening" }, { onFault }), onWritten() {} });
  keeper.use(vault);
  const outbox = createOutbox({
    ...{ clock, cache, keeper, onFault, ids: createIds({ clock, randomBytes: (count) => new Uint8Array(count) }) },
    ...{ sender: { flush() {}, isConnected: () => true }, onFailed: (row) => onFault(row.id) },
  });
  const { id, kept, accepted } = outbox.send({ with: "bob" }, { text: "hi", drafts: [] });
  await kept;
  const message = { ...messageRow("c1", 1, "alice"), id, to: "bob" };
  const conversations = [{ kind: "message", message, self: "alice" }] as const;
  await other.write({ messages: [message], conversations, outbox: [{ do: "settle", id }] }, "relaxed");
  await outbox.refused(id, { code: "blocked", message: "Blocked" });
  expect(await accepted).toEqual(message);
});
