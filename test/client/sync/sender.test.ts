import { expect, test } from "bun:test";
import { createSource } from "../../../src/client/readable.ts";
import { createCache } from "../../../src/client/sync/cache.ts";
import { createKeeper } from "../../../src/client/sync/keeper.ts";
import { createSender } from "../../../src/client/sync/sender.ts";
import type { OutboxRow } from "../../../src/client/vault/rows.ts";
import { memory } from "../../../src/client/vault/memory.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { until } from "../../support/fake-socket.ts";
import { keepWith, openVault } from "./keeping.ts";
import { messageRow } from "./rows.ts";

test("J91 a tab that finds the row gone which it was about to send says so, and sends nothing", async () => {
  const storage = memory();
  const scope = { url: "u", tenant: "t", user: "alice" };
  const [vault, other] = [await storage.open(scope, () => "d"), await storage.open(scope, () => "d")];
  const clock = fakeClock();
  const cache = createCache();
  const onFault = (fault: unknown): never => {
    throw fault;
  };
  const keeper = createKeeper({ clock, cache, state: createSource({ kind: "opening" }, { onFault }), onWritten() {} });
  keeper.use(vault);
  const sent: object[] = [];
  let gone = 0;
  const sender = createSender({
    ...{ clock, cache, keeper, onFault, onRefused: async () => {}, onGone: () => gone++ },
    link: { send: (frame) => sent.push(frame) > 0, probe() {} },
  });
  const row: OutboxRow = { id: "m1", kind: "send", target: { with: "bob" }, text: "hi", time: 1, isTried: false };
  await keeper.write({ outbox: [{ do: "add", row }] }, "strict");
  const message = { ...messageRow("c1", 1, "alice"), id: "m1", to: "bob" };
  const conversations = [{ kind: "message", message, self: "alice" }] as const;
  await other.write({ messages: [message], conversations, outbox: [{ do: "settle", id: "m1" }] }, "relaxed");
  sender.begin(8);
  await until(() => gone > 0);
  expect([gone, sent]).toEqual([1, []]);
});

test("J10 a refusal that cannot be stored is stored later, and the message is not sent again for it", async () => {
  const { clock, cache, keeper, faults, onFault } = keepWith(await openVault());
  const [sent, refused]: [object[], string[]] = [[], []];
  let failures = 2;
  const sender = createSender({
    ...{ clock, cache, keeper, onFault, onGone() {} },
    async onRefused(id) {
      if (failures-- > 0) throw new Error("The write failed");
      refused.push(id);
      await keeper.write({ outbox: [{ do: "fail", id, failed: { code: "blocked", message: "" } }] }, "relaxed");
    },
    link: { send: (frame) => sent.push(frame) > 0, probe() {} },
  });
  const row: OutboxRow = { id: "m1", kind: "send", target: { with: "bob" }, text: "hi", time: 1, isTried: true };
  await keeper.write({ outbox: [{ do: "add", row }] }, "strict");
  sender.begin(8);
  sender.rejected({ type: "rejected", id: "m1", code: "blocked", message: "", retry: "never" });
  for (let i = 0; i < 3; i++) await clock.advance(8_000);
  expect([refused, faults.length, sent.length, sender.isUnderWay("m1")]).toEqual([["m1"], 2, 1, false]);
});

test("J4 a message that went out while the storage hung is stored as tried once it is kept, and is not sent again", async () => {
  const vault = await openVault();
  const { clock, cache, keeper, onFault } = keepWith(vault);
  const sent: object[] = [];
  const sender = createSender({
    ...{ clock, cache, keeper, onFault, onGone() {}, onRefused: async () => {} },
    link: { send: (frame) => sent.push(frame) > 0, probe() {} },
  });
  const row: OutboxRow = { id: "m1", kind: "send", target: { with: "bob" }, text: "hi", time: 1, isTried: false };
  cache.setPending("m1", { row: { ...row, isTried: true }, stage: "stalled" });
  sender.begin(1);
  await keeper.write({ outbox: [{ do: "add", row }] }, "strict");
  sender.flush();
  await until(async () => (await vault.boot(0)).outbox[0]?.isTried === true);
  expect(sent).toHaveLength(1);
});
