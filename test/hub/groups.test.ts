import { afterEach, describe, expect, test } from "bun:test";
import { createLocalBus } from "../../src/bus/local-bus.ts";
import type { Transport } from "../../src/bus/transport.ts";
import { deferred } from "../../src/internal/deferred.ts";
import type { Identity } from "../../src/model.ts";
import type { Presence } from "../../src/store/group/group-store.ts";
import type { Store } from "../../src/store/store.ts";
import { createChance } from "../proof/sim/chance.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { type HubOverrides, startHub, type TestHub } from "../support/hub.ts";
import { append, newId, person } from "../support/store.ts";

let running: TestHub[] = [];
afterEach(async () => {
  for (const chat of running) await chat.stop();
  running = [];
});

async function start(overrides: HubOverrides = {}) {
  const chat = await startHub(overrides);
  running.push(chat);
  const { store } = chat;
  const made = { name: "g", data: {}, visibility: "open", history: "joined", members: ["bob"] } as const;
  const { view } = await store.groups.create(person("ann"), { ...made, id: newId() }, 1);
  const group = view.conversation;
  return {
    ...{ chat, store, group },
    send: (from: string, text: string) => append(store, { from, conversation: group, text, id: newId() }),
    connect: (user: string, device = "d", level = 3) => chat.connect(user, { device, level }),
  };
}

const wordsOf = (socket: FakeSocket): readonly string[] =>
  socket.changes().flatMap((change) => (change.kind === "message" && change.text !== "" ? [change.text] : []));
const eventsOf = (socket: FakeSocket): readonly string[] =>
  socket.changes().flatMap((change) => (change.kind === "message" && change.event ? [change.event.type] : []));
const statusOf = (socket: FakeSocket): string | undefined =>
  socket.changes().findLast((change) => change.kind === "membership")?.status;

/** A store with answers about a user's groups that wait until they are let go, and are as old as the question. */
function withLatePresences() {
  const waiting: (() => void)[] = [];
  const wrapStore = (store: Store): Store => ({
    ...store,
    groups: {
      ...store.groups,
      async presences(user: Identity): Promise<readonly Presence[]> {
        const found = await store.groups.presences(user);
        const { promise, resolve } = deferred<void>();
        waiting.push(resolve);
        await promise;
        return found;
      },
    },
  });
  return {
    wrapStore,
    isAsked: () => waiting.length > 0,
    let: () => {
      for (const go of waiting.splice(0)) go();
    },
  };
}

describe("groups on a node", () => {
  test("GR40 what happens in a group is sent to its members who are connected, to each device once, and to no others", async () => {
    const { store, group, connect, send } = await start();
    const [ann, phone, laptop, cid] = [connect("ann"), connect("bob"), connect("bob", "laptop"), connect("cid")];
    await until(() => [ann, phone, laptop].every((socket) => eventsOf(socket).length === 1));
    await send("bob", "one");
    await store.groups.add(person("ann"), group, ["cid"], 1);
    await send("ann", "two");
    await until(
      () => [ann, phone, laptop].every((socket) => wordsOf(socket).length === 2) && wordsOf(cid).length === 1,
    );
    for (const socket of [ann, phone, laptop]) expect(wordsOf(socket)).toEqual(["one", "two"]);
    expect([wordsOf(cid), eventsOf(cid), statusOf(cid)]).toEqual([["two"], ["added"], "member"]);
    await store.groups.update(person("ann"), group, { name: "new" }, 1);
    await until(() => cid.changes().some((change) => change.kind === "group" && change.name === "new"));
  });

  test("GR40 a device of a lower level is sent nothing of groups, live or from the log", async () => {
    const { chat, connect, send } = await start();
    const old = connect("bob", "old", 2);
    const next = connect("bob", "new");
    await until(() => eventsOf(next).length === 1);
    await send("ann", "one");
    await append(chat.store, { from: "eve", to: "bob", text: "two" });
    await until(() => wordsOf(next).length === 2 && wordsOf(old).length === 1);
    const late = connect("bob", "late", 2);
    await append(chat.store, { from: "eve", to: "bob", text: "three" });
    await until(() => wordsOf(late).includes("three"));
    for (const socket of [old, late])
      expect(socket.changes().map(({ kind }) => kind)).toEqual(socket.changes().map(() => "message"));
    expect(wordsOf(old).includes("one") || wordsOf(late).includes("one")).toBe(false);
  });

  test("GR41 a socket that opens misses nothing, whatever happens before its user's groups are known", async () => {
    const late = withLatePresences();
    const { store, group, connect, send } = await start({ wrapStore: late.wrapStore });
    const [bob, cid] = [connect("bob"), connect("cid")];
    await until(late.isAsked);
    await send("ann", "one");
    await store.groups.add(person("ann"), group, ["cid"], 1);
    await send("ann", "two");
    await until(() => wordsOf(bob).length === 2 && wordsOf(cid).length === 1);
    await store.groups.remove(person("ann"), group, "bob", 1);
    await send("ann", "three");
    late.let();
    await until(() => wordsOf(cid).length === 2 && statusOf(bob) === "removed");
    await send("ann", "four");
    await until(() => wordsOf(cid).length === 3);
    expect([wordsOf(bob), eventsOf(bob)]).toEqual([
      ["one", "two"],
      ["created", "added", "removed"],
    ]);
    expect(wordsOf(cid)).toEqual(["two", "three", "four"]);
  });

  test("GR41 sockets are closed where their user's groups cannot be read", async () => {
    const { connect } = await start({
      wrapStore: (store) => ({
        ...store,
        groups: { ...store.groups, presences: () => Promise.reject(new Error("It cannot be read")) },
      }),
    });
    const socket = connect("bob");
    await until(() => socket.state.closed !== null);
  });

  test("GR42 once a removal is there, nothing later reaches who was removed", async () => {
    const { store, group, connect, send } = await start();
    const [ann, bob] = [connect("ann"), connect("bob")];
    await until(() => [ann, bob].every((socket) => eventsOf(socket).length === 1));
    const sent: Promise<unknown>[] = [];
    for (let i = 0; i < 200; i++) {
      sent.push(send("ann", `${i}`));
      if (i === 100) sent.push(store.groups.remove(person("ann"), group, "bob", 1));
    }
    await Promise.all(sent);
    await until(() => wordsOf(ann).length === 200 && statusOf(bob) === "removed");
    const page = await store.history(person("bob"), { conversation: group, order: { up: 0 }, limit: 1_000 });
    expect(wordsOf(bob)).toEqual(page?.messages.flatMap(({ text }) => (text === "" ? [] : [text])) ?? []);
    expect(wordsOf(bob).length).toBeLessThan(200);
  });

  test("GR40 GR41 GR42 whoever comes, goes, connects and leaves meanwhile, each device gets what the log has for it", async () => {
    for (const seed of [1, 2, 3, 4, 5, 6]) {
      const chance = createChance(seed);
      const { store, group, connect, send } = await start();
      const names = ["bob", "cid", "dee"];
      const sockets: { readonly user: string; readonly socket: FakeSocket; readonly after: number }[] = [];
      const allowed = new Map(names.map((name) => [name, new Set<string>()]));
      for (let i = 0; i < 60; i++) {
        const name = chance.pick(names);
        const kind = chance.between(0, 9);
        if (kind < 2) {
          const { n: after } = await store.openDevice(person(name), `d${i}`).then(({ synced }) => ({ n: synced }));
          sockets.push({ user: name, socket: connect(name, `d${i}`), after });
        } else if (kind < 4) await store.groups.add(person("ann"), group, [name], 1);
        else if (kind === 4) await store.groups.remove(person("ann"), group, name, 1);
        else if (kind === 5) sockets.splice(chance.between(0, sockets.length), 1)[0]?.socket.hangUp();
        else {
          const text = `${i}`;
          const members = await store.groups.members(person("ann"), group, { after: "", limit: 10 });
          for (const { user } of members?.members ?? []) allowed.get(user)?.add(text);
          await send("ann", text);
        }
        if (chance.hits(0.3)) await Bun.sleep(0);
      }
      for (const { user, socket, after } of sockets) {
        const { changes } = await store.changes(person(user), after, { rows: 1_000, bytes: 1_000_000 });
        const expected = changes.flatMap((change) =>
          change.kind === "message" && change.text !== "" ? [change.text] : [],
        );
        await until(
          () => expected.every((text) => wordsOf(socket).includes(text)),
          `${seed} ${user} ${expected.join()}`,
        );
        const words = wordsOf(socket);
        expect(words).toEqual([...new Set(words)].toSorted((a, b) => Number(a) - Number(b)));
        expect(words.filter((text) => allowed.get(user)?.has(text) !== true)).toEqual([]);
      }
    }
  });

  test("GR7 GR43 the marks and the typing of a small group reach its members on all devices that know groups, of a large one nothing does", async () => {
    const { chat, store, group, connect, send } = await start({ limits: { groupReceiptsMax: 2 } });
    const [ann, old, bob, eve] = [connect("ann"), connect("ann", "old", 2), connect("bob"), connect("eve")];
    await until(() => eventsOf(bob).length === 1);
    await send("ann", "one");
    store.read(person("bob"), group, 2);
    const marks = (socket: FakeSocket) =>
      socket.changes().flatMap((change) => (change.kind === "receipt" ? [[change.user, change.read]] : []));
    await until(() => marks(ann).length === 1 && marks(bob).length === 1);
    expect([marks(ann), marks(old), marks(eve)]).toEqual([[["bob", 2]], [], []]);
    bob.say({ type: "typing", conversation: group, typing: true });
    await until(() => ann.frames.some((frame) => frame.type === "typing"));
    eve.say({ type: "typing", conversation: group, typing: true });
    await until(() => eve.frames.some((frame) => frame.type === "error"));
    await store.groups.add(person("ann"), group, ["cid"], 1);
    store.read(person("bob"), group, 3);
    bob.say({ type: "typing", conversation: group, typing: true });
    await until(() => marks(bob).length === 2);
    bob.say({ type: "ping", id: "last" });
    await until(() => bob.frames.some((frame) => frame.type === "pong"));
    await append(chat.store, { from: "eve", to: "ann", text: "last" });
    await until(() => wordsOf(ann).includes("last") && wordsOf(old).includes("last"));
    const typed = (socket: FakeSocket) => socket.frames.filter((frame) => frame.type === "typing").length;
    expect([marks(ann).length, typed(ann), typed(old), typed(bob)]).toEqual([1, 1, 0, 0]);
  });

  test("GR44 GR41 rows of groups go to the nodes of members alone; who comes into a group on another node misses nothing", async () => {
    const bus = createLocalBus();
    const limits = { audienceNodesMin: 2, headPollMs: 1_000_000 };
    const { chat, store, group, connect, send } = await start({ limits, transport: bus.connect() });
    const texts: string[] = [];
    const wire = bus.connect();
    const transport: Transport = {
      ...wire,
      subscribe: (subject, listener) => wire.subscribe(subject, (text) => (texts.push(text), listener(text))),
    };
    // The other node hears of commits by the bus alone.
    const wrapStore = (inner: Store): Store => ({ ...inner, onCommit() {} });
    const other = await startHub({ limits, transport, sibling: chat, wrapStore });
    running.push(other);
    const ann = connect("ann");
    const bob = other.connect("bob", { level: 3 });
    const cid = other.connect("cid", { level: 3 });
    await until(() => eventsOf(bob).length === 1);
    await until(async () => {
      await append(store, { from: "eve", to: "cid", text: "is it divided?" });
      return texts.some((text) => text.includes('"for":'));
    });
    await send("ann", "one");
    await until(() => wordsOf(bob).includes("one"));
    expect(other.feed.counts().read).toBe(0);
    await store.groups.remove(person("ann"), group, "bob", 1);
    await until(() => statusOf(bob) === "removed" && eventsOf(bob).includes("removed"));
    await append(store, { from: "eve", to: "bob", text: "a word" });
    await until(() => wordsOf(bob).includes("a word"));
    texts.length = 0;
    await send("ann", "two");
    await until(() => texts.length > 0);
    expect(texts.filter((text) => text.includes("two"))).toEqual([]);
    await store.groups.add(person("ann"), group, ["cid"], 1);
    await send("ann", "three");
    await until(() => wordsOf(cid).includes("three") && wordsOf(ann).includes("three"));
    expect([eventsOf(cid), statusOf(cid), wordsOf(bob).includes("two")]).toEqual([["added"], "member", false]);
    expect(cid.changes().filter((change) => change.kind === "message" && change.conversation === group).length).toBe(2);
  });
});
