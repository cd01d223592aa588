import { describe, expect, test } from "bun:test";
import { createClient } from "../../../src/client/client.ts";
import { createCache } from "../../../src/client/sync/cache.ts";
import { createDraft } from "../../../src/client/sync/draft.ts";
import { createReadMarker } from "../../../src/client/sync/read-marker.ts";
import { openTabs } from "../../../src/client/sync/tabs.ts";
import type { Rest } from "../../../src/client/vault/merge.ts";
import { createWorker } from "../../../src/client/sync/worker.ts";
import { type Storage, type Vault, VaultError } from "../../../src/client/vault/contract.ts";
import { memory } from "../../../src/client/vault/memory.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { keepNothing } from "./keeping.ts";
import { conversationRow, messageRow } from "./rows.ts";

/** A client without a server. */
function openClient(storage: Storage, onFault: (fault: unknown) => void = () => {}) {
  return createClient({ url: "http://127.0.0.1:1", user: "alice", storage, onFault, authenticate: async () => null });
}

/** Storage that counts its open vaults, and may wait or fail before a boot is answered. */
function watchedStorage(beforeBoot: () => Promise<void> = async () => {}) {
  const inner = memory();
  let open = 0;
  const storage: Storage = {
    ...inner,
    async open(scope, makeDevice) {
      const vault = await inner.open(scope, makeDevice);
      open++;
      const watched: Vault = {
        ...vault,
        async boot(count) {
          const boot = await vault.boot(count);
          await beforeBoot();
          return boot;
        },
        close() {
          open--;
          vault.close();
        },
      };
      return watched;
    },
  };
  return { storage, open: () => open };
}

describe("a client that is closed", () => {
  test("J1 answers those who wait for a message, also before its storage is open", async () => {
    const client = openClient({ ...memory(), open: () => new Promise(() => {}) });
    client.retain();
    const { kept, accepted } = client.thread({ with: "bob" }).send("hello");
    await client.close();
    await expect(kept).rejects.toMatchObject({ code: "storage_failed" });
    await expect(accepted).rejects.toMatchObject({ code: expect.any(String) });
  });

  test("J1 answers those who wait for the server", async () => {
    const client = openClient(memory());
    client.retain();
    const { kept, accepted } = client.thread({ with: "bob" }).send("hello");
    await kept;
    await client.close();
    await expect(accepted).rejects.toMatchObject({ code: "closed" });
  });

  test("J1 leaves no vault open, whatever it was waiting for", async () => {
    let go = (): void => {};
    const { storage, open } = watchedStorage(() => new Promise((resolve) => (go = resolve)));
    const client = openClient(storage);
    client.retain();
    await Bun.sleep(0);
    await client.close();
    go();
    await Bun.sleep(0);
    expect(open()).toBe(0);
  });

  test("J1 keeps the draft that was typed just before", async () => {
    const storage = memory();
    const client = openClient(storage);
    client.retain();
    const thread = client.thread({ with: "bob" });
    await Bun.sleep(0);
    thread.draft.set("half a sen");
    await client.close();
    const vault = await storage.open({ url: "http://127.0.0.1:1", tenant: "default", user: "alice" }, () => "d");
    expect(await vault.draft("with bob")).toBe("half a sen");
  });

  test("J1 gives other tabs no notice", () => {
    let isOpen = true;
    const tabs = openTabs({
      name: "n",
      onNotice() {},
      openChannel: () => ({
        post() {
          // As a `BroadcastChannel` does.
          if (!isOpen) throw new Error("closed");
        },
        close: () => void (isOpen = false),
      }),
    });
    tabs.close();
    tabs.tell({ outbox: true, drafts: [], wishes: false });
  });
});

test("J1 storage that opens but cannot be read is closed before the next try", async () => {
  const clock = fakeClock();
  const { storage, open } = watchedStorage(() => Promise.reject(new Error("unreadable")));
  const faults: unknown[] = [];
  const client = createClient({
    ...{ url: "http://127.0.0.1:1", user: "alice", storage, environment: { clock } },
    authenticate: async () => null,
    onFault: (fault) => void faults.push(fault),
  });
  client.retain();
  for (let i = 0; i < 5; i++) await clock.advance(5_000);
  expect(open()).toBeLessThanOrEqual(1);
  expect(faults.length).toBeGreaterThan(1);
  await client.close();
});

describe("storage that cannot be opened now", () => {
  /** A client that knows no network, so that it says what it waits for first. */
  function setup(open: (tries: number, inner: Storage["open"]) => Storage["open"]) {
    const clock = fakeClock();
    const inner = memory();
    let tries = 0;
    const client = createClient({
      ...{ url: "http://127.0.0.1:1", user: "alice", environment: { clock } },
      storage: { ...inner, open: (...args) => open(++tries, inner.open)(...args) },
      authenticate: async () => ({}),
      onFault() {},
    });
    const states: string[] = [];
    client.status.subscribe(() => {
      const status = client.status.get();
      states.push(status.state === "waiting" ? status.reason : status.state);
    });
    const release = client.retain();
    return { clock, client, states, release, tries: () => tries };
  }
  const fails: Storage["open"] = () => Promise.reject(new VaultError("unavailable", "Another tab keeps the database"));

  test("J99 says so, tries again, and connects once it is open", async () => {
    const { clock, client, states, tries } = setup((count, open) => (count <= 3 ? fails : open));
    await clock.advance(100);
    expect(states).toEqual(["connecting", "storage"]);
    expect(client.storage.get().kind).toBe("opening");
    await clock.advance(20_000);
    expect(client.storage.get().kind).toBe("memory");
    expect(tries()).toBe(4);
    // It has asked the network since, and there is none.
    expect(states).toContain("network");
    const kept = client.thread({ with: "bob" }).send("hello").kept;
    await kept;
    await client.close();
  });

  test("J99 is tried at once when its user asks for it", async () => {
    const { clock, client, tries } = setup((count, open) => (count <= 2 ? fails : open));
    await clock.advance(100);
    expect(tries()).toBe(2);
    client.retry();
    await clock.advance(0);
    expect([tries(), client.storage.get().kind]).toEqual([3, "memory"]);
    await client.close();
  });

  test("J99 is tried no oftener the longer it lasts", async () => {
    const { clock, client, tries } = setup(() => fails);
    await clock.advance(600_000);
    const before = tries();
    await clock.advance(60_000);
    expect(tries() - before).toBeLessThanOrEqual(30);
    await client.close();
  });

  test("J99 says so where its opening does not end, and tries it once", async () => {
    const { clock, client, states, tries } = setup(() => () => new Promise(() => {}));
    await clock.advance(30_000);
    expect([states.at(-1), tries()]).toEqual(["storage", 1]);
    await client.close();
  });

  test("J99 waits no longer when nobody uses the client", async () => {
    const { clock, client, tries, release } = setup(() => fails);
    await clock.advance(100);
    release();
    await clock.advance(10_000);
    const before = tries();
    await clock.advance(60_000);
    expect([tries(), client.status.get().state]).toEqual([before, "idle"]);
    await client.close();
  });
});

test("J1 an `onFault` that throws stops nothing", async () => {
  const client = openClient(memory(), () => {
    throw new Error("mine");
  });
  let calls = 0;
  client.outbox.subscribe(() => {
    throw new Error("also mine");
  });
  client.outbox.subscribe(() => void calls++);
  client.retain();
  await client.thread({ with: "bob" }).send("hello").kept;
  expect(calls).toBeGreaterThan(0);
  await client.close();
});

describe("read marks", () => {
  function setup(read: (mark: { readonly seq: number; readonly rest?: Rest }) => Promise<void>) {
    let row = conversationRow(1);
    const faults: unknown[] = [];
    const messages = [messageRow("c1", 1), messageRow("c1", 2), messageRow("c1", 3), messageRow("c1", 4, "alice")];
    const marker = createReadMarker({
      self: "alice",
      window: () => ({ row, messages, before: "end", after: "end", isPast: false }),
      wishes: { read },
      onFault: (fault) => void faults.push(fault),
    });
    const reset = (): void => void (row = conversationRow(1));
    return { marker, faults, reset };
  }

  test("J1 one that cannot be stored is tried again with the next one, and not without end", async () => {
    let tries = 0;
    const { marker, faults } = setup(async () => {
      if (++tries > 10) await new Promise(() => {});
      throw new Error("full");
    });
    marker.mark(4);
    await Bun.sleep(0);
    expect([tries, faults.length]).toEqual([1, 1]);
    marker.mark(4);
    await Bun.sleep(0);
    expect(tries).toBe(2);
  });

  test("J9 one of an earlier history marks nothing of the next one", async () => {
    const seqs: number[] = [];
    const { marker, reset } = setup(async ({ seq }) => void seqs.push(seq));
    marker.mark(400);
    await Bun.sleep(0);
    reset();
    marker.mark(1);
    await Bun.sleep(0);
    expect(seqs.at(-1)).toBe(1);
  });
});

describe("a bot", () => {
  const clock = fakeClock();
  const setup = () => createWorker({ self: "bot", clock, reply: async () => {}, onFault() {} });

  test("J12 that is ended in the middle says so of the messages that it has not handled", async () => {
    const worker = setup();
    const abort = new AbortController();
    const seen: number[] = [];
    const ended = worker.run(({ seq }) => {
      seen.push(seq);
      if (seq === 2) abort.abort();
    }, abort.signal);
    const handled = worker.handle([1, 2, 3].map((seq) => messageRow("c1", seq)));
    await expect(handled).rejects.toThrow();
    await ended;
    expect(seen).toEqual([1, 2]);
    void worker.run(({ seq }) => void seen.push(seq));
    await worker.handle([1, 2, 3].map((seq) => messageRow("c1", seq)));
    expect(seen).toEqual([1, 2, 3]);
  });

  test("J12 that works a second time goes on with the new handler, and the first call ends", async () => {
    const worker = setup();
    const seen: string[] = [];
    const first = worker.run(() => void seen.push("first"));
    const second = worker.run(() => void seen.push("second"));
    await first;
    await worker.handle([messageRow("c1", 1)]);
    expect([seen, worker.isWorking()]).toEqual([["second"], true]);
    worker.close();
    await second;
    expect(worker.isWorking()).toBe(false);
  });

  test("J12 that is ended while a handler that threw rests has not handled its message", async () => {
    const worker = setup();
    const abort = new AbortController();
    void worker.run(() => {
      abort.abort();
      throw new Error("mine");
    }, abort.signal);
    const handled = worker.handle([messageRow("c1", 1)]);
    handled.catch(() => {});
    await Bun.sleep(0);
    await clock.advance(1_000);
    await expect(handled).rejects.toThrow();
  });
});

describe("a draft", () => {
  test("J93 does not come back for a message that went out while the storage hung, and was not kept", async () => {
    const clock = fakeClock();
    const inner = memory();
    let fail = (): void => {};
    const storage: Storage = {
      ...inner,
      async open(scope, makeDevice) {
        const vault = await inner.open(scope, makeDevice);
        const hang = () => new Promise<never>((_, reject) => (fail = () => reject(new Error("It hung"))));
        return { ...vault, write: (write, kind) => (write.outbox === undefined ? vault.write(write, kind) : hang()) };
      },
    };
    const client = createClient({
      ...{ url: "http://127.0.0.1:1", user: "alice", storage, environment: { clock } },
      authenticate: async () => null,
    });
    client.retain();
    await Bun.sleep(0);
    const thread = client.thread({ with: "bob" });
    thread.draft.set("hi");
    const { kept } = thread.send("hi");
    await clock.advance(2_000);
    fail();
    await expect(kept).rejects.toMatchObject({ code: "storage_failed" });
    expect([thread.draft.get(), thread.state.get().rows.map(({ text }) => text)]).toEqual(["", ["hi"]]);
    await client.close();
  });

  test("J60 that another tab has typed stays when this one sends its own", async () => {
    const storage = memory();
    const clock = fakeClock();
    const [a, b] = [0, 1].map(() => {
      const client = createClient({
        ...{ url: "http://127.0.0.1:1", user: "alice", storage, authenticate: async () => null },
        environment: { clock, openChannel: () => null },
      });
      client.retain();
      return client.thread({ with: "bob" });
    });
    await Bun.sleep(0);
    const vault = await storage.open({ url: "http://127.0.0.1:1", tenant: "default", user: "alice" }, () => "d");
    for (const [thread, text] of [[a, "of a"] as const, [b, "of b"] as const]) {
      thread?.draft.set(text);
      await clock.advance(400);
    }
    await a?.send("of a").kept;
    expect(await vault.draft("with bob")).toBe("of b");
    await b?.send("of b, and more").kept;
    expect(await vault.draft("with bob")).toBeNull();
  });

  test("J60 a read that comes late puts no text back that was sent or replaced meanwhile", async () => {
    const clock = fakeClock();
    const reads: ((text: string | null) => void)[] = [];
    const vault = { draft: () => new Promise<string | null>((resolve) => void reads.push(resolve)) };
    const draft = createDraft({
      ...{ key: "with bob", clock, cache: createCache() },
      keeper: keepNothing({ vault: () => vault as Partial<Vault> as Vault }),
      onFault(fault) {
        throw fault;
      },
    });
    draft.load();
    draft.set("new");
    draft.taken();
    reads[0]?.("new");
    await Bun.sleep(0);
    expect(draft.get()).toBe("");
    draft.load();
    draft.set("typed");
    await clock.advance(400);
    reads[1]?.("");
    await Bun.sleep(0);
    expect(draft.get()).toBe("typed");
  });
});

test("J98 a message that is written while the storage is being opened is noted when the page is left, and no more once it failed", async () => {
  let leave = (): void => {};
  const opening = Promise.withResolvers<Vault>();
  const noted: unknown[] = [];
  const storage: Storage = {
    ...memory(),
    open: () => opening.promise,
    leave: (_scope, { write }) =>
      void noted.push(write?.outbox?.map((change) => "row" in change && change.row.text) ?? null),
  };
  const client = createClient({
    ...{ url: "http://127.0.0.1:1", user: "alice", storage, onFault() {} },
    environment: {
      surroundings: {
        isVisible: () => true,
        isOnline: () => false,
        on: (listener) => ((leave = () => listener("leaving")), () => {}),
      },
    },
  });
  client.retain();
  const { kept } = client.thread({ with: "bob" }).send("in the first moment");
  leave();
  expect(noted).toEqual([["in the first moment"]]);
  opening.reject(new Error("It fails"));
  await expect(kept).rejects.toMatchObject({ code: "storage_failed" });
  expect(noted.at(-1)).toBeNull();
  await client.close();
});
