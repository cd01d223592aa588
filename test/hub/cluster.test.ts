import { afterEach, describe, expect, test } from "bun:test";
import { createLocalBus } from "../../src/bus/local-bus.ts";
import { createCluster } from "../../src/hub/cluster.ts";
import type { Session } from "../../src/model.ts";
import type { Transport } from "../../src/bus/transport.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { startHub, type TestHub } from "../support/hub.ts";
import { accepted } from "../support/store.ts";

const stops: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const stop of stops.splice(0).toReversed()) await stop();
});

const isLive = (socket: FakeSocket) => socket.of("changes").some(({ more }) => !more);
const last = (socket: FakeSocket, user: string) =>
  socket
    .of("presence")
    .filter((frame) => frame.user === user)
    .at(-1)?.state;

/** A wire that a test can cut. */
function cuttable(inner: Transport) {
  let isCut = false;
  const gaps: (() => void)[] = [];
  const transport: Transport = {
    publish: (subject, text) => void (isCut || inner.publish(subject, text)),
    subscribe: (subject, listener) => inner.subscribe(subject, (text) => void (isCut || listener(text))),
    onGap: (listener) => void gaps.push(listener),
    close: () => inner.close(),
  };
  return {
    transport,
    cut: (): void => void (isCut = true),
    mend(): void {
      isCut = false;
      for (const gap of gaps) gap();
    },
  };
}

test("H16 H56 messages that were lost without a sign are made up for by asking again, some at a time", async () => {
  const clock = fakeClock();
  const bus = createLocalBus();
  const here = new Set<string>();
  let isDeaf = false;
  const asked: string[] = [];
  const nodeOn = (node: string, moved: string[]) => {
    const wire = bus.connect();
    const transport: Transport = {
      ...wire,
      publish(subject, text) {
        if (node === "watching" && subject[0] === "user") asked.push(subject.join());
        if (!isDeaf) wire.publish(subject, text);
      },
    };
    return createCluster({
      ...{ transport, clock, node, feed: { epoch: () => "e", divideWhile() {} }, audienceNodesMin: 8, onFrame() {} },
      devicesOf: ({ user }) => (node === "there" && here.has(user) ? [["phone", 0]] : []),
      isPresent: ({ user }) => node === "there" && here.has(user),
      onPresence: ({ user }) => void moved.push(user),
    });
  };
  const bob = { tenant: "t", user: "bob" };
  const [watching, there] = [nodeOn("watching", []), nodeOn("there", [])];
  watching.watch(bob);
  await clock.advance(5_000);
  // He comes, and the message is lost; then he goes, and so is that one.
  isDeaf = true;
  here.add("bob");
  there.join(bob);
  there.sendPresence(bob, true);
  isDeaf = false;
  await clock.advance(10_000);
  expect(watching.isElsewhere(bob)).toBe(false);
  await clock.advance(60_000);
  expect(watching.isElsewhere(bob)).toBe(true);
  isDeaf = true;
  here.delete("bob");
  there.leave(bob);
  there.sendPresence(bob, false);
  isDeaf = false;
  await clock.advance(70_000);
  expect(watching.isElsewhere(bob)).toBe(false);
  // However many are watched.
  for (let i = 0; i < 1_000; i++) watching.watch({ tenant: "t", user: `user${i}` });
  await clock.advance(1_000);
  asked.length = 0;
  for (let i = 0; i < 40; i++) {
    const before = asked.length;
    await clock.advance(3_000);
    expect(asked.length - before).toBeLessThanOrEqual(101);
  }
  expect(new Set(asked).size).toBe(1_001);
  watching.stop();
  there.stop();
});

test("F20 F22: nodes say that they understand divided commits, and divide once enough of them and no others live", async () => {
  const clock = fakeClock();
  const bus = createLocalBus();
  const conditions: (() => boolean)[] = [];
  const nodeOn = (node: string) =>
    createCluster({
      ...{ transport: bus.connect(), clock, node, audienceNodesMin: 2 },
      feed: { epoch: () => "e", divideWhile: (condition) => void conditions.push(condition) },
      ...{ onFrame() {}, onPresence() {}, devicesOf: () => [], isPresent: () => false },
    });
  const areDividing = (): boolean[] => conditions.map((condition) => condition());
  const first = nodeOn("first");
  await clock.advance(3_000);
  expect(areDividing()).toEqual([false]);
  const second = nodeOn("second");
  await clock.advance(3_000);
  await until(() => areDividing().every(Boolean));
  // A node of the release before says only that it lives.
  bus.connect().publish(["nodes", "e"], '{"node":"older"}');
  await until(() => !areDividing().some(Boolean));
  await clock.advance(13_000);
  await until(() => areDividing().every(Boolean));
  first.stop();
  second.stop();
  expect(areDividing()).toEqual([false, false]);
});

test("H16 U1 the answer about a user on other nodes holds for a while, and is asked for anew", async () => {
  const clock = fakeClock();
  const asked: string[] = [];
  const told = new Map<string, (text: string) => void>();
  const cluster = createCluster({
    transport: {
      publish: (subject) => void asked.push(subject.join()),
      subscribe: (subject, listener) => {
        told.set(subject.join(), listener);
        return () => {};
      },
      onGap: () => {},
      close: () => Promise.resolve(),
    },
    ...{ clock, node: "here", feed: { epoch: () => "e", divideWhile() {} }, audienceNodesMin: 8 },
    ...{ onFrame() {}, onPresence() {}, devicesOf: () => [], isPresent: () => false },
  });
  const bob = { tenant: "t", user: "bob" };
  const asks = (): number => asked.filter((subject) => subject === "user,e,t,bob").length;
  expect(cluster.idleMs(bob, "phone")).toBe("unknown");
  expect(cluster.idleMs(bob, "phone")).toBe("unknown");
  expect(asks()).toBe(1);
  told.get("node,e,here")?.(JSON.stringify({ node: "there", ...bob, devices: [["phone", 40]] }));
  await clock.advance(1_000);
  expect(cluster.idleMs(bob, "phone")).toBe(1_040);
  expect(cluster.idleMs(bob, "laptop")).toBeNull();
  expect(asks()).toBe(1);
  // The phone may have gone since, and the laptop may have come.
  await clock.advance(5_000);
  expect(cluster.idleMs(bob, "phone")).toBe("unknown");
  expect(asks()).toBe(2);
  await clock.advance(1_000);
  expect(cluster.idleMs(bob, "phone")).toBeNull();
  cluster.stop();
});

test("H16 an answer to another node has the user and the devices, and nothing else of the session", () => {
  const sent: string[] = [];
  const told = new Map<string, (text: string) => void>();
  const cluster = createCluster({
    transport: {
      publish: (subject, text) => void (subject[0] === "node" && sent.push(text)),
      subscribe: (subject, listener) => {
        told.set(subject.join(), listener);
        return () => {};
      },
      onGap: () => {},
      close: () => Promise.resolve(),
    },
    ...{ clock: fakeClock(), node: "here", feed: { epoch: () => "e", divideWhile() {} }, audienceNodesMin: 8 },
    ...{ onFrame() {}, onPresence() {}, devicesOf: () => [["phone", 40]], isPresent: () => true },
  });
  const session: Session = { tenant: "t", user: "bob", expiresAt: 5 };
  cluster.join(session);
  told.get("user,e,t,bob")?.('{"ask":"there"}');
  expect(sent).toEqual(['{"node":"here","tenant":"t","user":"bob","devices":[["phone",40]]}']);
  cluster.stop();
});

/** Two nodes on one database; bob and alice have written to each other. */
async function two(limits: object = {}) {
  const clock: FakeClock = fakeClock(undefined, () => Bun.sleep(1));
  const bus = createLocalBus();
  const wires = [cuttable(bus.connect()), cuttable(bus.connect())] as const;
  const calm = { presenceGraceMs: 1_000, heartbeatMs: 100_000_000, headPollMs: 2_000, ...limits };
  const first = await startHub({ clock, limits: calm, transport: wires[0].transport });
  stops.push(() => first.stop());
  const second = await startHub({ clock, limits: calm, transport: wires[1].transport, sibling: first });
  stops.push(() => second.stop());
  const stored = accepted(first.store, { from: "bob", to: "alice" });
  await clock.advance(100);
  const { conversation } = await stored;
  /** Work over several turns of the loop may take more of them on a busy machine, but never enough time to change the outcome. */
  const sees = async (socket: FakeSocket, user: string, state: string): Promise<void> => {
    for (let i = 0; i < 40 && last(socket, user) !== state; i++) await clock.advance(10);
    expect(last(socket, user)).toBe(state as "online");
  };
  const connect = async (node: TestHub, user: string, device = "d") => {
    const socket = node.connect(user, { device });
    await until(() => isLive(socket));
    return socket;
  };
  return { first, second, clock, wires, connect, conversation, sees };
}

describe("two nodes", () => {
  test("H16 typing reaches the other's devices on every node, and none of the sender's own", async () => {
    const { first, second, clock, connect, conversation } = await two();
    const [alice, bob, phone] = [
      await connect(first, "alice"),
      await connect(second, "bob"),
      await connect(first, "bob", "phone"),
    ];
    alice.say({ type: "typing", conversation, typing: true });
    await clock.advance(50);
    await until(() => bob.of("typing").length === 1 && phone.of("typing").length === 1);
    await clock.advance(50);
    expect([bob.of("typing").length, phone.of("typing").length, alice.of("typing").length]).toEqual([1, 1, 0]);
  });

  test("H16 a user is online while they have a connection on any node", async () => {
    const { first, second, clock, connect, sees } = await two();
    const bob = await connect(second, "bob");
    const alice = await connect(first, "alice");
    alice.say({ type: "watch", users: ["bob"] });
    await sees(alice, "bob", "online");
    const phone = await connect(first, "bob", "phone");
    bob.hangUp();
    await clock.advance(3_000);
    expect(last(alice, "bob")).toBe("online");
    phone.hangUp();
    await clock.advance(3_000);
    expect(last(alice, "bob")).toBe("offline");
    await connect(second, "bob");
    await sees(alice, "bob", "online");
  });

  test("H16 the users of a node that is dead, or cut off, are offline after a while, and are found again", async () => {
    const { first, second, clock, wires, connect, sees } = await two();
    await connect(second, "bob");
    const alice = await connect(first, "alice");
    alice.say({ type: "watch", users: ["bob"] });
    await sees(alice, "bob", "online");
    wires[1].cut();
    await clock.advance(9_000);
    expect(last(alice, "bob")).toBe("online");
    await clock.advance(6_000);
    expect(last(alice, "bob")).toBe("offline");
    wires[1].mend();
    await clock.advance(10_000);
    expect(last(alice, "bob")).toBe("online");
    expect(second.hub.sizes().connections).toBe(1);
  });

  test("H16 where a device is connected to another node is known after a moment, and that it is nowhere too", async () => {
    const { first, second, clock, connect } = await two();
    await connect(second, "bob", "phone");
    await clock.advance(5_000);
    const ask = (device: string) => first.hub.idleMs({ tenant: "default", user: "bob" }, device);
    expect([ask("phone"), ask("laptop")]).toEqual(["unknown", "unknown"]);
    await clock.advance(400);
    expect(ask("phone")).toBeGreaterThanOrEqual(5_000);
    expect([ask("laptop"), ask("")]).toEqual([null, ask("phone")]);
    expect(first.hub.idleMs({ tenant: "rival", user: "bob" }, "phone")).toBe("unknown");
    await clock.advance(400);
    expect(first.hub.idleMs({ tenant: "rival", user: "bob" }, "phone")).toBe(null);
  });

  test("H16 T5 a revocation closes the sockets of every node, at once by the bus, after the next poll without it", async () => {
    for (const isCut of [false, true]) {
      const { first, second, clock, wires, connect } = await two();
      const sockets = [await connect(first, "alice"), await connect(second, "alice", "phone")];
      if (isCut) for (const wire of wires) wire.cut();
      const done = first.store.revoke({ tenant: "default", user: "alice" }, { reason: "out", time: 1 });
      await clock.advance(isCut ? 3_500 : 200);
      await done;
      for (const socket of sockets) expect(socket.state.closed).toEqual({ code: 4401, reason: "out" });
    }
  });

  test("H16 texts of other programs are ignored, and a node holds nothing once all connections are gone", async () => {
    const { first, second, clock, connect } = await two();
    const stranger = createLocalBus().connect();
    for (const text of ["", "{", "null", "[]", '{"ask":7}', '{"node":{},"online":1}', '{"frame":{}}'])
      stranger.publish(["nodes", first.feed.epoch()], text);
    const [alice, bob] = [await connect(first, "alice"), await connect(second, "bob")];
    alice.say({ type: "watch", users: ["bob", "carol"] });
    await clock.advance(200);
    alice.hangUp();
    bob.hangUp();
    await clock.advance(20_000);
    expect(first.hub.sizes()).toMatchObject({ followed: 0, asked: 0, elsewhere: 0, watchedUsers: 0 });
    expect(second.hub.sizes()).toMatchObject({ followed: 0, online: 0 });
  });
});
