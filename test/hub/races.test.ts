import { describe, expect, test } from "bun:test";
import type { Feed } from "../../src/feed/feed.ts";
import { createRelationshipCache } from "../../src/hub/relationship-cache.ts";
import { systemClock } from "../../src/internal/clock.ts";
import type { LogEntry, Relationship } from "../../src/model.ts";
import type { Store } from "../../src/store/store.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { startHub } from "../support/hub.ts";
import { accepted, marksCommitted, newId, person } from "../support/store.ts";
import { stoppedAfterEach } from "../support/stopped.ts";

/** Guarantees that two things at once must not break. Each of these is the only test that misses one condition: see test/proof/mutant. */
const start = stoppedAfterEach(startHub);

const isLive = (socket: FakeSocket) => socket.of("changes").some(({ more }) => !more);
const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => void setImmediate(resolve));
};

describe("answers and the log", () => {
  test("P30 O3 an ack beyond the frames of its connection acks the last of them: the rest comes again", async () => {
    const chat = await start();
    const bob = chat.connect("bob", { device: "phone" });
    await until(() => isLive(bob));
    bob.stall();
    // More than fits on its way: the last of it was not sent.
    for (let i = 0; i < 30; i++) await accepted(chat.store, { from: "alice", to: "bob", text: "x".repeat(16_000) });
    const head = await chat.store.head();
    bob.say({ type: "ack", cursor: chat.store.cursors.encode(head) });
    await marksCommitted(chat.store);
    const { synced } = await chat.store.openDevice(person("bob"), "phone");
    expect(synced).toBeLessThan(head.n);
  });

  test("P13 O5 a cursor just beyond the head is reset, and what takes that place later comes", async () => {
    const chat = await start();
    await accepted(chat.store, { from: "alice", to: "bob", text: "first" });
    const head = await chat.store.head();
    const ahead = chat.connect("bob", { cursor: chat.store.cursors.encode({ n: head.n + 1 }) });
    await until(() => isLive(ahead));
    await accepted(chat.store, { from: "alice", to: "bob", text: "second" });
    const texts = () => ahead.changes().flatMap((change) => (change.kind === "message" ? [change.text] : []));
    await until(() => texts().includes("second"));
    expect(ahead.of("reset")).toHaveLength(1);
    expect(chat.store.cursors.decode(ahead.of("welcome")[0]?.cursor ?? "")?.n).toBeLessThanOrEqual(head.n);
    expect(texts()).toEqual(["first", "second"]);
  });

  test("P13 a cursor at the head is honoured", async () => {
    const chat = await start();
    await accepted(chat.store, { from: "alice", to: "bob" });
    const level = chat.connect("bob", { cursor: chat.store.cursors.encode(await chat.store.head()) });
    await until(() => isLive(level));
    expect(level.of("reset")).toEqual([]);
    // Its own ack may move its mark, which is a change.
    expect(level.changes().filter(({ kind }) => kind === "message")).toEqual([]);
  });
});

describe("clients that would wait for ever", () => {
  test("O10 frames that came before the welcome are handled after it", async () => {
    const chat = await start();
    const alice = chat.connect("alice");
    alice.say({ type: "send", id: newId(), to: "bob", text: "early" });
    expect(alice.frames).toEqual([]);
    await until(() => isLive(alice));
    await turns(50);
    expect(alice.of("accepted")).toHaveLength(1);
    expect(alice.frames[0]?.type).toBe("welcome");
  });

  test("H7 a client that sends, and takes no answers, is closed with 4413", async () => {
    const clock = fakeClock();
    const chat = await start({ clock, limits: { slowConsumerMs: 5_000, outboxBytesMax: 100_000 } });
    const alice = chat.connect("alice");
    await until(() => isLive(alice));
    alice.stall();
    for (let i = 0; i < 5_000 && !alice.state.paused; i++) {
      alice.say({ type: "ping", id: "x".repeat(100) });
      if (i % 32 === 31) await turns(1);
    }
    expect(alice.state.paused).toBe(true);
    for (let i = 0; i < 8; i++) await clock.advance(1_000);
    expect(alice.state.closed?.code).toBe(4413);
  });

  test("H11 a peer that does not answer the closing handshake is dropped, and holds no place", async () => {
    const clock = fakeClock();
    const chat = await start({ clock });
    const alice = chat.connect("alice");
    await until(() => isLive(alice));
    // From now on the socket says no more of itself.
    alice.socket.close = () => {};
    await chat.store.revoke(person("alice"), { device: undefined, reason: "signed out", time: clock.now() });
    await turns(5);
    expect(chat.hub.sizes().connections).toBe(1);
    await clock.advance(3_100);
    expect(alice.state.closed?.code).toBe(1006);
    expect(chat.hub.sizes()).toMatchObject({ connections: 0, perUser: 0, joined: 0 });
  });

  test("O10 R3 a client that was sent nothing, for others had used up the budget, goes on without a frame of its own", async () => {
    const clock = fakeClock();
    const limits = { outboxTotalBytesMax: 60_000, heartbeatMs: 1_000_000, slowConsumerMs: 1_000_000 };
    const chat = await start({ clock, limits });
    const carol = chat.connect("carol");
    const others = ["bob", "dave", "erin", "frank"];
    const stalled = others.map((user) => chat.connect(user));
    await until(() => isLive(carol) && stalled.every(isLive));
    for (const socket of stalled) socket.stall();
    for (const to of others) await accepted(chat.store, { from: "alice", to, text: "x".repeat(16_000) });
    await until(() => chat.hub.sizes().outboxBytes >= 60_000);
    await accepted(chat.store, { from: "alice", to: "carol", text: "for carol" });
    await turns(5);
    const texts = () => carol.changes().flatMap((change) => (change.kind === "message" ? [change.text] : []));
    expect(texts()).toEqual([]);
    // Her own socket has nothing to drain: no event reports that there is room again.
    for (const socket of stalled) socket.hangUp();
    for (let i = 0; i < 4; i++) await clock.advance(1_000);
    await turns(50);
    expect(texts()).toEqual(["for carol"]);
  });
});

describe("work under way at an end", () => {
  test("T5 a revocation ends the sockets that are still opening, and they are sent nothing", async () => {
    const gate = Promise.withResolvers<void>();
    let isOpening = false;
    const wrapStore = (store: Store): Store => ({
      ...store,
      async openDevice(identity, device) {
        const started = await store.openDevice(identity, device);
        isOpening = true;
        await gate.promise;
        return started;
      },
    });
    const chat = await start({ wrapStore });
    const phone = chat.connect("alice", { device: "phone" });
    await until(() => isOpening);
    await chat.store.revoke(person("alice"), { device: undefined, reason: "signed out", time: Date.now() });
    await turns(10);
    gate.resolve();
    await until(() => phone.state.closed !== null || isLive(phone));
    expect(phone.state.closed).toEqual({ code: 4401, reason: "signed out" });
    expect(phone.frames).toEqual([]);
  });

  test("B6 B8 the state of a user who is no longer watched is not sent, though it was looked up before", async () => {
    const gate = Promise.withResolvers<void>();
    let asks = 0;
    const wrapStore = (store: Store): Store => ({
      ...store,
      async relationships(identity, others) {
        const found = await store.relationships(identity, others);
        if (++asks === 1) await gate.promise;
        return found;
      },
    });
    const chat = await start({ wrapStore });
    for (const other of ["bob", "carol"]) await accepted(chat.store, { from: other, to: "alice" });
    const [alice, bob, carol] = ["alice", "bob", "carol"].map((user) => chat.connect(user));
    if (!alice || !bob || !carol) throw new Error("There are three");
    await until(() => [alice, bob, carol].every(isLive));
    alice.say({ type: "watch", users: ["bob"] });
    await until(() => asks === 1);
    alice.say({ type: "watch", users: ["carol"] });
    await turns(5);
    gate.resolve();
    await until(() => alice.of("presence").length > 0);
    await turns(20);
    expect(alice.of("presence").map(({ user }) => user)).toEqual(["carol"]);
  });

  const free: Relationship = { hasBlocked: false, isBlocked: false, isContact: false, hasConversation: true };

  /** A relationship cache on a store that answers when the test lets it, and a log that the test writes. */
  function startTies() {
    const asked: ((relationships: readonly Relationship[]) => void)[] = [];
    const listeners: Parameters<Feed["onEntries"]>[0][] = [];
    const ties = createRelationshipCache({
      store: { relationships: () => new Promise((resolve) => void asked.push(resolve)) },
      feed: { onEntries: (listener) => void listeners.push(listener) },
      clock: systemClock,
      onChange: () => {},
    });
    const block = (users: readonly string[]): void => {
      const change = { kind: "relation", n: 2, user: users[1] ?? "", contact: false, blocked: true } as const;
      const entry: LogEntry = { tenant: "default", users: users.slice(0, 1), change };
      for (const listener of listeners) listener([entry], 2);
    };
    return { ties, asked, block };
  }

  test("T3 B3 an answer to a question from before a block is not remembered behind it", async () => {
    const { ties, asked, block } = startTies();
    const before = ties.of(person("alice"), ["bob"]);
    block(["bob", "alice"]);
    asked[0]?.([free]);
    expect(await before).toEqual([free]);
    const after = ties.of(person("alice"), ["bob"]);
    expect(asked).toHaveLength(2);
    asked[1]?.([{ ...free, isBlocked: true }]);
    expect(await after).toEqual([{ ...free, isBlocked: true }]);
  });

  test("T3 B3 a block forgets the relationship that was remembered, from both sides", async () => {
    const { ties, asked, block } = startTies();
    const [first, second] = [ties.of(person("alice"), ["bob"]), ties.of(person("bob"), ["alice"])];
    for (const answer of asked) answer([free]);
    await Promise.all([first, second]);
    expect(await ties.of(person("alice"), ["bob"])).toEqual([free]);
    expect(asked).toHaveLength(2);
    block(["bob", "alice"]);
    void ties.of(person("alice"), ["bob"]);
    void ties.of(person("bob"), ["alice"]);
    expect(asked).toHaveLength(4);
  });
});
