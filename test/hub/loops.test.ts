import { describe, expect, test } from "bun:test";
import type { Socket, SocketEvents } from "../../src/connection/socket.ts";
import { createLocalBus } from "../../src/bus/local-bus.ts";
import type { Session } from "../../src/model.ts";
import { during, type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { type HubOverrides, startHub } from "../support/hub.ts";
import { perTurn } from "../support/per-turn.ts";
import { accepted, person } from "../support/store.ts";
import { stoppedAfterEach } from "../support/stopped.ts";

const start = stoppedAfterEach(startHub);

/** Connections of one crowd, and how many may be served in one turn of the event loop. */
const crowd = 700;
const atOnce = 500;

type Turns = ReturnType<typeof perTurn>;

/** A socket that answers every ping and reports each call. */
function countedSocket(turns: Turns) {
  let events: SocketEvents | null = null;
  const socket: Socket = {
    send: () => (turns.count("send"), true),
    bufferedBytes: () => 0,
    ping() {
      turns.count("ping");
      queueMicrotask(() => events?.pong());
    },
    close(code) {
      turns.count("close");
      queueMicrotask(() => events?.closed(code));
    },
    terminate: () => turns.count("terminate"),
  };
  return { socket, attach: (attached: SocketEvents): void => void (events = attached) };
}

/** A hub with a crowd, each of them another user, all of them live. */
async function withCrowd(
  overrides: HubOverrides & { readonly clock?: FakeClock } = {},
  session: Partial<Session> = {},
) {
  const { clock = fakeClock() } = overrides;
  const turns = perTurn();
  const chat = await start({
    ...overrides,
    clock,
    limits: { headPollMs: 100_000_000, heartbeatMs: 4_000, ...overrides.limits },
  });
  for (let i = 0; i < crowd; i++) {
    const { socket, attach } = countedSocket(turns);
    attach(chat.hub.connect(socket, { tenant: "default", user: `u${i}`, ...session }, { device: "d" }));
    if (i % 100 === 0) await Bun.sleep(1);
  }
  // Each has its welcome and its first changes.
  await until(() => turns.all("send") === 2 * crowd, "the crowd is live", 60_000);
  turns.reset();
  return { chat, clock, turns };
}

describe("a crowd of connections", () => {
  test("R20 R1 is looked after some at a time: each is pinged in every heartbeat, few in one turn", async () => {
    const { clock, turns, chat } = await withCrowd();
    await clock.advance(6_000);
    turns.stop();
    expect(turns.all("ping")).toBe(crowd);
    expect(turns.most("ping")).toBeLessThanOrEqual(atOnce);
    await clock.advance(20_000);
    expect(chat.hub.sizes().connections).toBe(crowd);
  });

  test("R20 R1 with sessions that all end at one moment is closed some at a time", async () => {
    // Timers that are due together run in one turn.
    const clock = fakeClock(undefined, () => Promise.resolve());
    const { turns, chat } = await withCrowd({ clock }, { expiresAt: clock.now() + 1_500 });
    await clock.advance(1_600);
    await until(() => chat.hub.sizes().connections === 0);
    turns.stop();
    expect(turns.all("close")).toBe(crowd);
    expect(turns.most("close")).toBeLessThanOrEqual(atOnce);
  });

  test("R20 R1 that must go, as for a new history, is closed some at a time", async () => {
    const { turns, chat, clock } = await withCrowd();
    await during(clock, chat.hub.stop(10_000, "the database has another history"));
    expect(chat.hub.sizes().connections).toBe(0);
    turns.stop();
    expect(turns.all("close")).toBe(crowd);
    expect(turns.most("close")).toBeLessThanOrEqual(atOnce);
  });

  test("R20 R1 for which one commit has news gets them some at a time, and all of them", async () => {
    const { turns, chat, clock } = await withCrowd();
    const sent = Array.from({ length: crowd }, (_, i) => accepted(chat.store, { from: `shop${i}`, to: `u${i}` }));
    await clock.advance(10);
    await Promise.all(sent);
    await until(() => turns.all("send") === crowd);
    turns.stop();
    expect(turns.most("send")).toBeLessThanOrEqual(atOnce);
  });

  test("R20 R1 T5 a revocation looks at its own user's sockets alone, those too that are not open yet", async () => {
    let looks = 0;
    let isHeld = false;
    let release = (): void => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    const chat = await start({
      wrapStore: (store) => ({
        ...store,
        async openDevice(identity, device) {
          if (isHeld) await held;
          return await store.openDevice(identity, device);
        },
      }),
    });
    const turns = perTurn();
    const bystander: Session = {
      tenant: "default",
      get user() {
        looks++;
        return "bystander";
      },
    };
    const { socket } = countedSocket(turns);
    chat.hub.connect(socket, bystander, { device: "d" });
    const open = chat.connect("alice");
    await until(() => turns.all("send") === 2 && open.of("changes").length === 1);
    isHeld = true;
    const opening = chat.connect("alice", { device: "phone" });
    const other = chat.connect("bob");
    looks = 0;
    await chat.store.revoke(person("alice"), { reason: "signed out", time: 1 });
    await until(() => open.state.closed !== null);
    turns.stop();
    expect([open.state.closed?.code, opening.state.closed?.code, other.state.closed]).toEqual([4401, 4401, null]);
    expect(looks).toBe(0);
    release();
  });
});

describe("many who watch", () => {
  /** A star with many watchers, and the questions to the store and the host. */
  async function aroundStar(watchers: number, overrides: HubOverrides = {}) {
    const clock = fakeClock();
    const turns = perTurn();
    const chat = await start({
      clock,
      ...overrides,
      wrapEngine: (engine) => ({
        ...engine,
        read(statements) {
          turns.count("read");
          return engine.read(statements);
        },
      }),
      wrapStore: (store) => ({
        ...store,
        lastSeen(tenant, users) {
          turns.count("last seen");
          return store.lastSeen(tenant, users);
        },
      }),
      limits: { headPollMs: 100_000_000, heartbeatMs: 100_000_000, presenceGraceMs: 10_000, ...overrides.limits },
    });
    const states: string[][] = [];
    const socketOf = (told: string[]): Socket => ({
      ...countedSocket(turns).socket,
      send(text) {
        const frame = JSON.parse(text) as { type: string; state?: string; lastSeen?: number };
        if (frame.type !== "presence") return true;
        turns.count("told");
        told.push(frame.lastSeen === undefined ? (frame.state ?? "") : "was here");
        return true;
      },
    });
    const sockets: SocketEvents[] = [];
    for (let i = 0; i < watchers; i++) {
      const told: string[] = [];
      states.push(told);
      sockets.push(chat.hub.connect(socketOf(told), { tenant: "default", user: `u${i}` }, { device: "d" }));
      if (i % 100 === 0) await Bun.sleep(1);
    }
    await until(() => chat.hub.sizes().joined === watchers);
    const watch = (events: SocketEvents, ...users: string[]): void =>
      events.receive(JSON.stringify({ type: "watch", users }));
    return { chat, clock, turns, states, sockets, watch };
  }

  test("R23 R1 a user who comes and goes before many is asked about together, is read once, and is reported to some watchers at a time", async () => {
    const { chat, clock, turns, states, sockets, watch } = await aroundStar(crowd, {
      rules: { canSee: () => Promise.resolve(true) },
    });
    for (const events of sockets) watch(events, "star");
    await until(() => states.every((told) => told.length === 1));
    turns.reset();
    const star = chat.connect("star");
    await until(() => states.every((told) => told.at(-1) === "online"));
    await until(() => star.of("changes").length === 1);
    turns.reset();
    star.hangUp();
    await clock.advance(10_100);
    await until(() => states.every((told) => told.at(-1) === "was here"));
    turns.stop();
    expect(states.every((told) => told.length === 3)).toBe(true);
    expect(turns.all("last seen")).toBe(1);
    expect(turns.all("read")).toBeLessThan(10);
    expect(turns.most("told")).toBeLessThanOrEqual(atOnce);
  });

  test("R23 R1 the relationships between one and many are few questions to the store", async () => {
    const { turns, states, sockets, watch } = await aroundStar(crowd);
    turns.reset();
    for (const events of sockets) watch(events, "star");
    await until(() => states.every((told) => told.length === 1));
    turns.stop();
    expect(turns.all("read")).toBeLessThan(20);
  });

  test("R23 the host is asked about some at a time, and in the end about all, also where it does not answer some", async () => {
    let under = 0;
    let most = 0;
    const { clock, turns, states, sockets, watch } = await aroundStar(300, {
      limits: { hostAnswerMs: 1_000 },
      rules: {
        async canSee({ user }) {
          most = Math.max(most, ++under);
          if (user.endsWith("7")) await new Promise(() => {});
          await Bun.sleep(1);
          under--;
          return true;
        },
      },
    });
    for (const events of sockets) watch(events, "star");
    for (let i = 0; i < 20 && states.some((told) => told.length === 0); i++) {
      await Bun.sleep(20);
      await clock.advance(500);
    }
    turns.stop();
    expect(states.every((told) => told.length === 1)).toBe(true);
    // Those that never answered have been given up.
    expect(most).toBeLessThanOrEqual(64 + 30);
    expect(most).toBeGreaterThan(10);
  });

  test("R23 R1 the first message to a user with many watchers reviews the watches of its two users alone", async () => {
    let looks = 0;
    const { chat, clock, turns, watch } = await aroundStar(0);
    const { socket } = countedSocket(turns);
    const viewer: Session = {
      tenant: "default",
      get user() {
        looks++;
        return "viewer";
      },
    };
    const events = chat.hub.connect(socket, viewer, { device: "d" });
    await until(() => turns.all("send") === 2);
    watch(events, "star");
    await until(() => turns.all("send") === 3);
    turns.stop();
    looks = 0;
    const sent = accepted(chat.store, { from: "stranger", to: "star" });
    await clock.advance(10);
    await sent;
    await Bun.sleep(20);
    expect(looks).toBe(0);
  });

  test("H11 a connection that ends while its watch waits for a turn watches nothing", async () => {
    const { chat, turns, states, sockets, watch } = await aroundStar(20);
    const names = (i: number) => Array.from({ length: 500 }, (_, j) => `name-${i}-${j}`);
    for (const [i, events] of sockets.entries()) watch(events, ...names(i));
    sockets.at(-1)?.closed(1006);
    await until(() => states.slice(0, -1).every((told) => told.length === 500));
    turns.stop();
    expect(chat.hub.sizes()).toMatchObject({ watches: 19, watched: 9_500, watchedNames: 9_500 });
  });

  test("R23 R1 many long watches at one moment are taken up some at a time, and each connection waits for its own", async () => {
    const { chat, turns, states, sockets, watch } = await aroundStar(20);
    const taken: number[] = [];
    let isDone = false;
    const look = (): void => {
      taken.push(chat.hub.sizes().watchedNames);
      if (!isDone) setImmediate(look);
    };
    look();
    const names = (i: number, what: string) => Array.from({ length: 500 }, (_, j) => `${what}-${i}-${j}`);
    for (const [i, events] of sockets.entries()) watch(events, ...names(i, "first"));
    await until(() => taken.at(-1) === 10_000);
    for (const [i, events] of sockets.entries()) {
      watch(events, ...names(i, "second"));
      watch(events, "star");
    }
    await until(() => states.every((told) => told.length > 0) && chat.hub.sizes().watchedNames === 20);
    isDone = true;
    turns.stop();
    const growth = taken.slice(1).map((names, i) => names - (taken[i] ?? 0));
    expect(Math.max(...growth)).toBeLessThanOrEqual(1_500);
    expect(chat.hub.sizes()).toMatchObject({ watches: 20, watched: 1 });
  });

  test("R22 the names that are watched are bounded; beyond it a watch is refused and changes nothing; a connection that goes gives its names back", async () => {
    const limits = { watchedUsersMax: 5, watchedUsersTotalMax: 10, watchedUsersScarceMax: 2 };
    const chat = await start({ limits });
    const [alice, bob, carol, dave] = [
      chat.connect("alice"),
      chat.connect("bob"),
      chat.connect("carol"),
      chat.connect("dave"),
    ];
    await until(() => [alice, bob, carol, dave].every((socket) => socket.of("changes").length === 1));
    const watches = async (socket: FakeSocket, count: number): Promise<string> => {
      const before = [socket.of("presence").length, socket.of("error").length] as const;
      socket.say({ type: "watch", users: Array.from({ length: count }, (_, i) => `user${i}`) });
      await until(() => socket.of("presence").length === before[0] + count || socket.of("error").length > before[1]);
      return socket.of("error").at(before[1])?.code ?? "taken";
    };
    expect(await watches(alice, 5)).toBe("taken");
    expect(await watches(bob, 3)).toBe("too_many_watched");
    expect(await watches(bob, 2)).toBe("taken");
    // A refusal does not change the watch of before.
    expect(await watches(bob, 3)).toBe("too_many_watched");
    expect(chat.hub.sizes()).toMatchObject({ watches: 2, watchedNames: 7 });
    expect(await watches(carol, 2)).toBe("taken");
    expect(await watches(dave, 2)).toBe("too_many_watched");
    expect(await watches(dave, 1)).toBe("taken");
    // Less than before is always taken.
    expect(await watches(alice, 4)).toBe("taken");
    alice.hangUp();
    expect(chat.hub.sizes().watchedNames).toBe(5);
    expect(await watches(dave, 5)).toBe("too_many_watched");
    expect(await watches(dave, 2)).toBe("taken");
    for (const socket of [bob, carol, dave]) socket.hangUp();
    expect(chat.hub.sizes()).toMatchObject({ watches: 0, watched: 0, watchedNames: 0 });
  });
});

describe("a process that was frozen", () => {
  const calm = { heartbeatMs: 1_000, headPollMs: 100_000_000 };

  test("R21 R4 closes no peer for a silence that was its own, and still finds silent ones", async () => {
    const clock = fakeClock();
    const chat = await start({ clock, limits: calm });
    const sockets = Array.from({ length: 100 }, (_, i) => chat.connect(`u${i}`));
    await until(() => sockets.every((socket) => socket.of("changes").length === 1));
    for (let i = 0; i < 4; i++) {
      await clock.advance(500);
      for (const socket of sockets) socket.pong();
    }
    clock.freeze(60_000);
    // Timers come before what the peers have sent meanwhile is read.
    await clock.advance(0);
    await clock.advance(900);
    expect(sockets.filter(({ state }) => state.closed !== null).length).toBe(0);
    const [silent, ...healthy] = sockets;
    for (let i = 0; i < 5; i++) {
      for (const socket of healthy) socket.pong();
      await clock.advance(500);
    }
    expect(silent?.state.closed?.code).toBe(4408);
    expect(healthy.filter(({ state }) => state.closed !== null).length).toBe(0);
  });

  test("R21 R4 a frame that came before the freeze was noticed gives its peer no more time than a heartbeat", async () => {
    const clock = fakeClock();
    const chat = await start({ clock, limits: calm });
    const alice = chat.connect("alice");
    await until(() => alice.of("changes").length === 1);
    clock.freeze(3_600_000);
    alice.pong();
    await clock.advance(3_000);
    expect(alice.state.closed?.code).toBe(4408);
  });

  test("R21 R4 one that is late again and again, because it has too much to do, still closes who is silent", async () => {
    const clock = fakeClock();
    const chat = await start({ clock, limits: calm });
    const alice = chat.connect("alice");
    await until(() => alice.of("changes").length === 1);
    for (let i = 0; i < 12; i++) {
      clock.freeze(2_000);
      await clock.advance(0);
    }
    expect(alice.state.closed?.code).toBe(4408);
  });

  test("R21 B6 reports no user as gone who was back before it could be seen", async () => {
    const clock = fakeClock();
    const chat = await start({ clock, limits: { ...calm, heartbeatMs: 100_000_000, presenceGraceMs: 10_000 } });
    const alice = chat.connect("alice");
    const bob = chat.connect("bob");
    await until(() => [alice, bob].every((socket) => socket.of("changes").length === 1));
    const contact = chat.store.relate(person("alice"), [{ other: "bob", contact: true }]);
    await clock.advance(10);
    await contact;
    alice.say({ type: "watch", users: ["bob"] });
    await until(() => alice.of("presence").length === 1);
    bob.hangUp();
    await clock.advance(1_000);
    clock.freeze(60_000);
    await clock.advance(0);
    await clock.advance(100);
    const again = chat.connect("bob");
    await until(() => again.of("changes").length === 1);
    await clock.advance(20_000);
    expect(alice.of("presence").map(({ state }) => state)).toEqual(["online"]);
    again.hangUp();
    await clock.advance(11_000);
    await until(() => alice.of("presence").length === 2);
  });

  test("R21 H16 does not take the other nodes for dead, and still finds one that is", async () => {
    const clock = fakeClock(undefined, () => Bun.sleep(1));
    const bus = createLocalBus();
    const limits = { ...calm, heartbeatMs: 100_000_000, presenceGraceMs: 1_000 };
    let isCut = false;
    const wire = bus.connect();
    // Its timers are due before those of the other one.
    const first = await start({
      ...{ clock, limits },
      transport: {
        ...wire,
        subscribe: (subject, listener) => wire.subscribe(subject, (text) => void (isCut || listener(text))),
      },
    });
    const second = await start({ clock, limits, transport: bus.connect(), sibling: first });
    const stored = accepted(first.store, { from: "bob", to: "alice" });
    await clock.advance(100);
    await stored;
    const [alice, bob] = [first.connect("alice"), second.connect("bob")];
    await until(() => [alice, bob].every((socket) => socket.of("changes").length > 0));
    alice.say({ type: "watch", users: ["bob"] });
    for (let i = 0; i < 40 && alice.of("presence").at(-1)?.state !== "online"; i++) await clock.advance(10);
    await clock.advance(5_000);
    const before = alice.of("presence").length;
    clock.freeze(60_000);
    await clock.advance(0);
    await clock.advance(20_000);
    expect(alice.of("presence").slice(before)).toEqual([]);
    isCut = true;
    await clock.advance(15_000);
    await until(() => alice.of("presence").length === before + 1);
    expect(alice.of("presence").at(-1)?.state).toBe("offline");
  });

  test("R21 gives a peer that is being closed the rest of its time to answer", async () => {
    const clock = fakeClock();
    const chat = await start({ clock, limits: { ...calm, heartbeatMs: 20_000 } });
    let isTerminated = false;
    const turns = perTurn();
    const { socket } = countedSocket(turns);
    const slow: Socket = { ...socket, close() {}, terminate: () => void (isTerminated = true) };
    const events = chat.hub.connect(slow, { tenant: "default", user: "alice" }, { device: "d" });
    await until(() => turns.all("send") === 2);
    turns.stop();
    await chat.store.revoke(person("alice"), { reason: "signed out", time: 1 });
    clock.freeze(60_000);
    await clock.advance(0);
    await clock.advance(500);
    expect(isTerminated).toBe(false);
    events.closed(4401);
    expect(chat.events.at(-1)).toMatchObject({ type: "disconnected", code: 4401 });
    await clock.advance(5_000);
    expect([isTerminated, chat.hub.sizes().connections]).toEqual([false, 0]);
  });
});
