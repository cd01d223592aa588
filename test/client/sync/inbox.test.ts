import { expect, test } from "bun:test";
import type { ClientFrame } from "../../../src/protocol/frame.ts";
import { createSource } from "../../../src/client/readable.ts";
import { createCache } from "../../../src/client/sync/cache.ts";
import { createInbox } from "../../../src/client/sync/inbox.ts";
import { collectWrite } from "../../../src/client/sync/inbox-write.ts";
import { createKeeper } from "../../../src/client/sync/keeper.ts";
import type { Vault } from "../../../src/client/vault/contract.ts";
import { memory } from "../../../src/client/vault/memory.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { messageRow } from "./rows.ts";

/** A tab over a vault, with the frames that it sends, and the messages that it tells its page. */
async function openTab(vault: Vault) {
  const clock = fakeClock();
  const onFault = (fault: unknown): never => {
    throw fault;
  };
  const cache = createCache();
  cache.boot(await vault.boot(50));
  const keeper = createKeeper({ clock, cache, state: createSource({ kind: "opening" }, { onFault }), onWritten() {} });
  keeper.use(vault);
  const acks: string[] = [];
  const told: number[] = [];
  let reconnects = 0;
  const inbox = createInbox({
    ...{ self: "alice", clock, cache, keeper, onFault, handle: () => null, onAccepted() {}, onReset() {} },
    onLive: (messages) => void told.push(...messages.map(({ seq }) => seq)),
    link: {
      send: (frame: ClientFrame) => frame.type === "ack" && acks.push(frame.cursor) > 0,
      reconnect: () => void reconnects++,
      caughtUp() {},
    },
  });
  inbox.begin({ device: "d", cursor: null, level: 2 }, { level: 2 });
  let frames = 0;
  return {
    ...{ clock, acks, told, reconnects: () => reconnects },
    /** The server's next cursor differs as text from that of each other connection. */
    async take(name: string, seq: number): Promise<void> {
      const changes = seq === 0 ? [] : [{ kind: "message", ...messageRow("c1", seq), to: "alice" } as const];
      inbox.take({ type: "changes", cursor: `${name}${frames++}`, more: false, changes });
      await Bun.sleep(0);
    },
    async relate(name: string, blocked: boolean): Promise<void> {
      const change = { kind: "relation", user: "bob", contact: false, blocked } as const;
      inbox.take({ type: "changes", cursor: `${name}${frames++}`, more: false, changes: [change] });
      await Bun.sleep(0);
    },
    async reset(name: string): Promise<void> {
      inbox.take({ type: "reset", reason: "epoch", cursor: `${name}${frames++}` });
      await Bun.sleep(0);
    },
  };
}

async function openTwo() {
  const storage = memory();
  const scope = { url: "u", tenant: "t", user: "alice" };
  const vault = await storage.open(scope, () => "d");
  const [a, b] = [await openTab(vault), await openTab(await storage.open(scope, () => "d"))];
  const stored = async (): Promise<string | null> => (await vault.boot(0)).meta.cursor;
  return { vault, a, b, stored };
}

test("J56 J90 a tab beside another one goes on from its cursor, on the same connection, and is told of every message", async () => {
  const { a, b, stored } = await openTwo();
  for (const seq of [0, 1, 2]) {
    await a.take("a", seq);
    await b.take("b", seq);
  }
  expect([await stored(), b.acks, b.told]).toEqual(["a2", [], [1, 2]]);
  // The first tab has died. The second one takes over its cursor, and acks what it has stored.
  await b.clock.advance(5_000);
  await Bun.sleep(0);
  expect([await stored(), b.acks]).toEqual(["b2", ["b2"]]);
  await b.take("b", 3);
  expect([await stored(), b.acks, b.told, b.reconnects()]).toEqual(["b3", ["b2", "b3"], [1, 2, 3], 0]);
});

test("J9 J56 of two tabs the one that is behind stores no older relation, and the one that goes on alone stores its own", async () => {
  const { vault, a, b, stored } = await openTwo();
  const isBlocked = async () => (await vault.relations()).map(({ blocked }) => blocked);
  for (const tab of [a, b]) await tab.take(tab === a ? "a" : "b", 0);
  await a.relate("a", true);
  await a.relate("a", false);
  // It dies before the second one.
  await b.relate("b", true);
  expect([await stored(), await isBlocked()]).toEqual(["a2", [false]]);
  await b.relate("b", false);
  await b.relate("b", true);
  expect([await stored(), await isBlocked()]).toEqual(["a2", [false]]);
  // The first tab has died.
  await b.clock.advance(5_000);
  await Bun.sleep(0);
  expect([await stored(), await isBlocked()]).toEqual(["b3", [true]]);
});

test("J94 a tab of a history that another tab has seen end writes nothing of it, and connects anew", async () => {
  const { vault, a, b, stored } = await openTwo();
  await a.take("a", 1);
  await b.take("b", 1);
  await a.reset("a");
  await b.take("b", 2);
  expect([await stored(), b.told, b.reconnects(), (await vault.boot(9)).conversations]).toEqual(["a1", [], 1, []]);
});

test("J60 a message that went out without its row takes its draft along when it is accepted", () => {
  const cache = createCache();
  const row = { id: "m1", kind: "send", target: { with: "bob" }, text: "hi", time: 1, isTried: true } as const;
  const draft = ["with bob", null, ["hi"]] as const;
  cache.setPending("m1", { row, stage: "stalled", draft });
  const accepted = { type: "accepted", id: "m1", conversation: "c1", seq: 1, time: 1, duplicate: false } as const;
  const { write } = collectWrite([accepted], { cursor: null, level: 2, self: "alice", cache });
  expect([write.drafts, write.outbox]).toEqual([[draft], [{ do: "settle", id: "m1" }]]);
});
