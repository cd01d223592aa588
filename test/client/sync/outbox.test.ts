import { expect, test } from "bun:test";
import { createClient } from "../../../src/client/client.ts";
import { createSource } from "../../../src/client/readable.ts";
import { createCache } from "../../../src/client/sync/cache.ts";
import { createDraft } from "../../../src/client/sync/draft.ts";
import { createIds } from "../../../src/client/sync/ids.ts";
import { createKeeper } from "../../../src/client/sync/keeper.ts";
import { createOutbox } from "../../../src/client/sync/outbox.ts";
import { type Vault, VaultError } from "../../../src/client/vault/contract.ts";
import { memory } from "../../../src/client/vault/memory.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { until } from "../../support/fake-socket.ts";
import { keepNothing } from "./keeping.ts";
import { messageRow } from "./rows.ts";

const onFault = (fault: unknown): never => {
  throw fault;
};

/** The outbox of a tab over `vault`. */
function openOutbox(vault: Vault, { isConnected = true } = {}) {
  const clock = fakeClock();
  const cache = createCache();
  const keeper = createKeeper({ clock, cache, state: createSource({ kind: "opening" }, { onFault }), onWritten() {} });
  keeper.use(vault);
  const outbox = createOutbox({
    ...{ clock, cache, keeper, onFault, ids: createIds({ clock, randomBytes: (count) => new Uint8Array(count) }) },
    ...{ sender: { flush() {}, isConnected: () => isConnected }, onFailed: (row) => onFault(row.id) },
  });
  return { clock, cache, outbox, keeper };
}

const scope = { url: "u", tenant: "t", user: "alice" };

test("J91 a message that was refused here, and that another tab has had accepted, counts as accepted", async () => {
  const storage = memory();
  const [vault, other] = [await storage.open(scope, () => "d"), await storage.open(scope, () => "d")];
  const { outbox } = openOutbox(vault);
  const { id, kept, accepted } = outbox.send({ with: "bob" }, { text: "hi", drafts: [] });
  await kept;
  const message = { ...messageRow("c1", 1, "alice"), id, to: "bob" };
  const conversations = [{ kind: "message", message, self: "alice" }] as const;
  await other.write({ messages: [message], conversations, outbox: [{ do: "settle", id }] }, "relaxed");
  await outbox.refused(id, { code: "blocked", message: "Blocked" });
  expect(await accepted).toEqual(message);
});

test("J2 J91 a message that went out while the storage hung, and was not kept, is accepted nevertheless", async () => {
  let fail = (): void => {};
  const write = () => new Promise<never>((_, reject) => (fail = () => reject(new VaultError("failed", "It hung"))));
  const { clock, outbox } = openOutbox({ ...(await memory().open(scope, () => "d")), write });
  const { id, kept, accepted } = outbox.send({ with: "bob" }, { text: "hi", drafts: [] });
  await clock.advance(2_000);
  fail();
  await expect(kept).rejects.toMatchObject({ code: "storage_failed" });
  outbox.settled({ ...messageRow("c1", 1, "alice"), id });
  expect(await accepted).toMatchObject({ id, seq: 1 });
});

test("J2 a page that was frozen hears first whether its storage has kept a message, and waits two seconds more for it", async () => {
  const vault = await memory().open(scope, () => "d");
  let fail = (): void => {};
  const write = () => new Promise<never>((_, reject) => (fail = () => reject(new VaultError("full", "No room"))));
  const { clock, cache, outbox } = openOutbox({ ...vault, write, evict: async () => 0 });
  const send = () => outbox.send({ with: "bob" }, { text: "hi", drafts: [] });
  const { id, kept } = send();
  clock.freeze(2_500);
  await clock.advance(1_999);
  expect(cache.pending.get(id)?.stage).toBe("keeping");
  fail();
  await expect(kept).rejects.toMatchObject({ code: "storage_full" });
  expect(cache.pending.has(id)).toBe(false);
  await clock.advance(60_000);
  const again = send();
  clock.freeze(60_000);
  await clock.advance(0);
  await clock.advance(2_000);
  expect(cache.pending.get(again.id)?.stage).toBe("stalled");
});

test("J91 J94 a message that another tab has had accepted, and that a reset has dropped, is found once the log has brought it again", async () => {
  const storage = memory();
  const [vault, other] = [await storage.open(scope, () => "d"), await storage.open(scope, () => "d")];
  const { clock, outbox } = openOutbox(vault);
  const { id, kept, accepted } = outbox.send({ with: "bob" }, { text: "hi", drafts: [] });
  await kept;
  const message = { ...messageRow("c1", 1, "alice"), id, to: "bob" };
  const arrival = { messages: [message], conversations: [{ kind: "message", message, self: "alice" }] } as const;
  await other.write({ ...arrival, outbox: [{ do: "settle", id }] }, "relaxed");
  await other.write({ reset: true }, "relaxed");
  outbox.changedElsewhere();
  await clock.advance(100);
  await Bun.sleep(0);
  await other.write(arrival, "relaxed");
  outbox.caughtUp();
  expect(await accepted).toEqual(message);
});

test("J93 a message whose storage was made anew meanwhile is kept there, and its text does not come back", async () => {
  const storage = memory();
  const [old, next] = [await storage.open(scope, () => "d"), await storage.open(scope, () => "d")];
  let answer = (): void => {};
  const write: Vault["write"] = async (change, durability) => {
    const written = await old.write(change, durability);
    await new Promise<void>((resolve) => (answer = resolve));
    return written;
  };
  const { outbox, keeper } = openOutbox({ ...old, write });
  const { id, kept } = outbox.send({ with: "bob" }, { text: "hi", drafts: [] });
  await Bun.sleep(0);
  keeper.use(null);
  answer();
  await Bun.sleep(0);
  keeper.use(next);
  await kept;
  expect((await next.boot(0)).outbox).toMatchObject([{ id, text: "hi" }]);
});

test("J4 a message that was cancelled while its storage was made anew is not kept there", async () => {
  const [old, next] = [await memory().open(scope, () => "d"), await memory().open(scope, () => "d")];
  let answer = (): void => {};
  const hangs = new Promise<void>((resolve) => (answer = resolve));
  const write: Vault["write"] = async (change, durability) => {
    await hangs;
    return old.write(change, durability);
  };
  const { outbox, keeper } = openOutbox({ ...old, write }, { isConnected: false });
  const { id, kept } = outbox.send({ with: "bob" }, { text: "hi", drafts: [] });
  keeper.use(null);
  const cancelled = outbox.cancel(id);
  keeper.use(next);
  answer();
  expect(await cancelled).toBe("cancelled");
  await kept;
  expect((await next.boot(0)).outbox).toEqual([]);
});

test("J98 a message that goes out while the storage hangs is noted before that, so that it is there if its page dies", async () => {
  const [clock, cache] = [fakeClock(), createCache()];
  const order: unknown[] = [];
  const keeper = keepNothing({
    write: () => new Promise(() => {}),
    leave: (_key, write) => void order.push(write),
  });
  const outbox = createOutbox({
    ...{ clock, cache, keeper, onFault, ids: createIds({ clock, randomBytes: (count) => new Uint8Array(count) }) },
    ...{ sender: { flush: () => void order.push("flush"), isConnected: () => false }, onFailed() {} },
  });
  const { id } = outbox.send({ with: "bob" }, { text: "hi", drafts: [""] });
  await clock.advance(1_999);
  expect(order).toEqual([]);
  await clock.advance(1);
  const row = { id, kind: "send", target: { with: "bob" }, text: "hi", time: 1_780_000_000_000, isTried: true };
  const write = { outbox: [{ do: "add", row }], drafts: [["with bob", null, ["hi", ""]]] };
  expect(order).toEqual([write, "flush"]);
});

test("J93 a draft that another tab has sent, without a notice, is gone once its message is found", async () => {
  const storage = memory();
  const environment = { openChannel: () => null };
  const open = () => createClient({ url: "http://127.0.0.1:1", user: "alice", storage, environment, onFault() {} });
  const [tab, other] = [open(), open()];
  tab.retain();
  tab.thread({ with: "bob" }).draft.set("hi");
  const vault = await storage.open(tab.scope, () => "d");
  await until(async () => (await vault.draft("with bob")) === "hi");
  other.retain();
  const { draft, cancel } = other.thread({ with: "bob" });
  await until(() => draft.get() === "hi");
  await tab.thread({ with: "bob" }).send("hi").kept;
  // It finds that it does not know everything, and reads the outbox again.
  await cancel("a message that is not there");
  await until(() => draft.get() === "");
  await Promise.all([tab.close(), other.close()]);
});

test("J93 a text whose row its note has kept is not given back where its own write fails", async () => {
  const vault = await memory().open(scope, () => "d");
  let fail = (): void => {};
  const write = () => new Promise<never>((_, reject) => (fail = () => reject(new VaultError("failed", "It hung"))));
  const { clock, cache, outbox } = openOutbox({ ...vault, write });
  const { id, kept } = outbox.send({ with: "bob" }, { text: "hi", drafts: [] });
  await clock.advance(2_000);
  const row = cache.pending.get(id)?.row;
  if (row === undefined) throw new Error("It is not shown");
  // Another tab has opened the storage, and has written what was noted beside it.
  await vault.write({ outbox: [{ do: "add", row }] }, "strict");
  cache.sync(await vault.boot(0));
  fail();
  await kept;
  expect(cache.pending.get(id)).toMatchObject({ stage: "kept", row: { text: "hi" } });
});

test("J93 the draft of a message that went out, and was not kept, is not shown again", async () => {
  const [clock, cache] = [fakeClock(), createCache()];
  const vault = { draft: async () => "hi" } as Partial<Vault> as Vault;
  const draft = createDraft({ key: "with bob", clock, cache, keeper: keepNothing({ vault: () => vault }), onFault });
  const row = { id: "m1", kind: "send", target: { with: "bob" }, text: "hi", time: 1, isTried: true } as const;
  cache.setPending("m1", { row, stage: "stalled", draft: ["with bob", null, ["hi"]] });
  draft.load();
  await Bun.sleep(0);
  expect(draft.get()).toBe("");
  // Once it is neither on its way nor stored, the draft is what the vault says.
  cache.setPending("m1", null);
  draft.load();
  await Bun.sleep(0);
  expect(draft.get()).toBe("hi");
});

test("J3 a message that could not be kept is given back, also where its user was editing it", async () => {
  const vault = await memory().open(scope, () => "d");
  let fail = (): void => {};
  const write: Vault["write"] = (change, durability) =>
    change.outbox?.[0]?.do === "add"
      ? new Promise((_, reject) => (fail = () => reject(new VaultError("failed", "It failed"))))
      : vault.write(change, durability);
  const { cache, outbox } = openOutbox({ ...vault, write });
  const { id, kept, accepted } = outbox.send({ with: "bob" }, { text: "hi", drafts: [] });
  const edited = outbox.edit(id, "ho");
  await Bun.sleep(0);
  fail();
  await expect(kept).rejects.toMatchObject({ code: "storage_failed" });
  await expect(accepted).rejects.toMatchObject({ code: "storage_failed" });
  expect(await edited).toBe("too-late");
  expect(cache.pending.has(id)).toBe(false);
});

test("J3 a message whose storage is made anew while its user edits it is kept there, with the new text", async () => {
  const [old, next] = [await memory().open(scope, () => "d"), await memory().open(scope, () => "d")];
  let answer = (): void => {};
  const hangs = new Promise<void>((resolve) => (answer = resolve));
  const write: Vault["write"] = async (change, durability) => {
    await hangs;
    return old.write(change, durability);
  };
  const { outbox, keeper } = openOutbox({ ...old, write }, { isConnected: false });
  const { id, kept } = outbox.send({ with: "bob" }, { text: "hi", drafts: [] });
  await Bun.sleep(0);
  keeper.use(next);
  const edited = outbox.edit(id, "ho");
  await Bun.sleep(0);
  answer();
  expect(await edited).toBe("edited");
  await kept;
  expect((await next.boot(0)).outbox).toMatchObject([{ id, text: "ho" }]);
});

test("J6 a message that must wait for room is not overtaken by the next one, which other tabs would send first", async () => {
  const vault = await memory().open(scope, () => "d");
  let calls = 0;
  const added: string[] = [];
  const write: Vault["write"] = (change, durability) => {
    // Another tab makes room after the first call.
    if (calls++ === 0) return Promise.reject(new VaultError("full", "No room is left"));
    for (const one of change.outbox ?? []) if (one.do === "add") added.push(one.row.text);
    return vault.write(change, durability);
  };
  const evict: Vault["evict"] = async () => 1;
  const { outbox } = openOutbox({ ...vault, write, evict });
  const sent = ["1", "2", "3"].map((text) => outbox.send({ with: "bob" }, { text, drafts: [] }).kept);
  await Promise.all(sent);
  expect(added).toEqual(["1", "2", "3"]);
});

test("J69 J91 what is read comes after the writes that were asked for before, also where these wait for their turn", async () => {
  const vault = await memory().open(scope, () => "d");
  let answer = (): void => {};
  const hangs = new Promise<void>((resolve) => (answer = resolve));
  const write: Vault["write"] = async (change, durability) => {
    await hangs;
    return vault.write(change, durability);
  };
  const { outbox, keeper } = openOutbox({ ...vault, write });
  for (const text of ["1", "2"]) outbox.send({ with: "bob" }, { text, drafts: [] });
  // A connection that begins now must not send what is being refused, cancelled or edited.
  const found = keeper.vault().boot(9);
  answer();
  expect((await found).outbox.map(({ text }) => text)).toEqual(["1", "2"]);
});
