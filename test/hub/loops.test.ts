import { afterEach, describe, expect, test } from "bun:test";
import type { Socket, SocketEvents } from "../../src/connection/socket.ts";
import type { Session } from "../../src/model.ts";
import { type FakeClock, fakeClock } from "../support/fake-clock.ts";
import { until } from "../support/fake-socket.ts";
import { type HubOverrides, startHub, type TestHub } from "../support/hub.ts";
import { accepted, person } from "../support/store.ts";

const hubs: TestHub[] = [];
async function start(overrides: HubOverrides = {}): Promise<TestHub> {
  const hub = await startHub(overrides);
  hubs.push(hub);
  return hub;
}
afterEach(async () => {
  for (const hub of hubs.splice(0)) await hub.stop();
});

/** Connections of one crowd, and how many may be served in one turn of the event loop. */
const crowd = 1_200;
const atOnce = 500;

/** Counts what happens in each turn of the event loop. */
function perTurn() {
  let turn = 0;
  let isDone = false;
  const counts = new Map<string, Map<number, number>>();
  const tick = (): void => {
    turn++;
    if (!isDone) setImmediate(tick);
  };
  tick();
  return {
    count(what: string): void {
      const turns = counts.get(what) ?? new Map<number, number>();
      counts.set(what, turns.set(turn, (turns.get(turn) ?? 0) + 1));
    },
    most: (what: string): number => Math.max(0, ...(counts.get(what)?.values() ?? [])),
    all: (what: string): number => [...(counts.get(what)?.values() ?? [])].reduce((sum, count) => sum + count, 0),
    reset: (): void => counts.clear(),
    stop: (): void => void (isDone = true),
  };
}

type Turns = ReturnType<typeof perTurn>;

/** A socket that answers every ping and says what is done with it. */
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

  test("R20 R1 whose sessions all end at one moment is closed some at a time", async () => {
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
    const { turns, chat } = await withCrowd();
    chat.hub.disconnectAll(1012, "new epoch");
    await until(() => chat.hub.sizes().connections === 0);
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

describe("a process that was frozen", () => {
  const calm = { heartbeatMs: 1_000, headPollMs: 100_000_000 };

  test("R21 R4 closes nobody for a silence that was its own, and still finds who is silent", async () => {
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

  test("R21 R4 what was heard before the freeze was noticed buys nobody more time than a heartbeat", async () => {
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
