import { expect, test } from "bun:test";
import type { HubEvent } from "../../src/hub/hub-options.ts";
import type { People } from "../../src/hub/people.ts";
import { createRegistry } from "../../src/hub/registry.ts";
import { createSockets } from "../../src/hub/sockets.ts";
import { systemRandom } from "../../src/internal/random.ts";
import type { Session } from "../../src/model.ts";
import { createCursors } from "../../src/protocol/cursor.ts";
import { defaultLimits, type Limits } from "../../src/protocol/limits.ts";
import type { Store } from "../../src/store/store.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { fakeSocket } from "../support/fake-socket.ts";

const alice: Session = { tenant: "t", user: "alice" };

function start({ limits = {}, admittedSince = -Infinity }: { limits?: Partial<Limits>; admittedSince?: number } = {}) {
  const clock = fakeClock(1_000);
  const events: HubEvent[] = [];
  const people: string[] = [];
  const state = { drained: Promise.resolve() };
  const store = {
    cursors: createCursors({ secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom }),
    openDevice: async () => ({ synced: 0, newest: 0, head: { epoch: "abcdefgh", n: 0 }, level: 1, seen: 0 }),
    changes: async () => ({ changes: [], upTo: 0, more: false }),
    settled: async () => {},
    drained: () => state.drained,
  } as unknown as Store;
  const sockets = createSockets({
    ...{ store, clock, awake: clock, beatMs: 1_000, limits: { ...defaultLimits, ...limits }, admittedSince },
    feed: {
      // Later entries may be left out for a user who is not needed before the position is taken.
      position: () => (people.push("position"), 0),
      need: ({ user }: Session) => void people.push(`needs ${user}`),
      release: ({ user }: Session) => void people.push(`releases ${user}`),
    } as unknown as Parameters<typeof createSockets>[0]["feed"],
    registry: createRegistry(),
    people: {
      joined: ({ user }: Session) => void people.push(`+${user}`),
      left: ({ user }: Session) => void people.push(`-${user}`),
      presence: { forget() {}, beat() {} },
    } as unknown as People,
    ...{ handle() {}, onActive() {}, report: (event) => void events.push(event) },
  });
  const connect = async (session = alice, arrival: object = {}) => {
    const fake = fakeSocket();
    fake.attach(sockets.connect(fake.socket, session, { device: "phone", ...arrival }));
    for (let i = 0; i < 5; i++) await clock.advance(0);
    return fake;
  };
  return { clock, sockets, events, people, state, connect };
}

test("H11 F21 a socket is greeted, its user has come, and once it is gone nothing is left of it", async () => {
  const { sockets, events, people, connect } = start();
  const socket = await connect();
  expect([socket.frames[0]?.type, socket.state.closed, sockets.size(), sockets.sizes()["users"]]).toEqual([
    "welcome",
    null,
    1,
    1,
  ]);
  socket.hangUp();
  socket.hangUp();
  expect([people, sockets.size(), Object.values(sockets.sizes()).every((size) => size === 0)]).toEqual([
    ["+alice", "needs alice", "position", "releases alice", "-alice"],
    0,
    true,
  ]);
  expect(events).toMatchObject([
    { type: "connected", user: "alice", device: "phone" },
    { type: "disconnected", code: 1006 },
  ]);
});

test("H36 two connections without a device are reported", async () => {
  const { events, connect } = start();
  for (let i = 0; i < 2; i++) await connect(alice, { device: "default" });
  expect(events.map(({ type }) => type)).toEqual(["connected", "default device shared", "connected"]);
});

test("K5 P14 a socket that finds the room taken meanwhile is closed, and leaves its room to the next", async () => {
  const { sockets, connect } = start({ limits: { connectionsPerUserMax: 1 } });
  const first = await connect();
  expect([sockets.hasRoom(alice), sockets.hasRoom({ tenant: "t", user: "bob" })]).toEqual([false, true]);
  const second = await connect();
  expect(second.state.closed).toEqual({ code: 4429, reason: "too many connections" });
  first.hangUp();
  expect([(await connect()).state.closed, sockets.size()]).toEqual([null, 1]);
});

test("T7 D31 an upgrade that was admitted before a revocation, or under another history, is closed", async () => {
  const { clock, sockets, connect } = start({ admittedSince: 500 });
  expect((await connect(alice, { admittedAt: 499 })).state.closed).toEqual({
    code: 1012,
    reason: "the database has another history",
  });
  expect((await connect(alice, { admittedAt: 500 })).state.closed).toBeNull();
  await clock.advance(10);
  sockets.noteRevocation("t", { n: 1, user: "alice", reason: "logged out" });
  expect((await connect(alice, { admittedAt: 1_005 })).state.closed).toEqual({ code: 4401, reason: "logged out" });
  await clock.advance(10);
  expect((await connect()).state.closed).toBeNull();
});

test("T5 a revocation closes the sockets of its user, on its device alone if it names one", async () => {
  const { sockets, connect } = start();
  const [phone, tablet, other] = [
    await connect(),
    await connect(alice, { device: "tablet" }),
    await connect({ tenant: "u", user: "alice" }),
  ];
  sockets.revoke("t", { n: 1, user: "alice", device: "phone", reason: "lost" });
  expect([phone.state.closed?.code, tablet.state.closed, other.state.closed]).toEqual([4401, null, null]);
  sockets.revoke("t", { n: 2, user: "alice", reason: "all" });
  expect([tablet.state.closed, other.state.closed]).toEqual([{ code: 4401, reason: "all" }, null]);
});

test("R5 H13 a shutdown waits for the sends for half of its time, then closes the sockets and takes no others", async () => {
  const { clock, sockets, state, connect } = start();
  state.drained = new Promise(() => {});
  const socket = await connect();
  const stopping = sockets.stop(1_000, "restart");
  await clock.advance(499);
  expect(socket.state.closed).toBeNull();
  await clock.advance(1);
  for (let i = 0; i < 10; i++) await clock.advance(50);
  await stopping;
  expect([socket.state.closed, (await connect()).state.closed]).toEqual([
    { code: 1012, reason: "restart" },
    { code: 1012, reason: "the server is restarting" },
  ]);
});

test("H13 at its end a shutdown drops the sockets whose peers do not answer the close", async () => {
  const { clock, sockets } = start();
  const fake = fakeSocket();
  let isTerminated = false;
  const mute = { ...fake.socket, close() {}, terminate: () => void (isTerminated = true) };
  sockets.connect(mute, alice, { device: "phone" });
  for (let i = 0; i < 5; i++) await clock.advance(0);
  const stopping = sockets.stop(1_000, "restart");
  for (let i = 0; i < 30; i++) await clock.advance(50);
  await stopping;
  expect(isTerminated).toBe(true);
});
