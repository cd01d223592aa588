import { describe, expect, test } from "bun:test";
import { fakeClock } from "../support/fake-clock.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { type HubOverrides, startHub, type TestHub } from "../support/hub.ts";
import { accepted, person } from "../support/store.ts";
import { stoppedAfterEach } from "../support/stopped.ts";

const start = stoppedAfterEach(startHub);

const isLive = (socket: FakeSocket) => socket.of("changes").some(({ more }) => !more);
/** The states of a user that a socket was sent, in their order. */
const told = (socket: FakeSocket, user: string) =>
  socket.of("presence").flatMap((frame) => (frame.user === user ? [frame.state] : []));
const last = (socket: FakeSocket, user: string) =>
  socket
    .of("presence")
    .filter((frame) => frame.user === user)
    .at(-1);
const watch = (socket: FakeSocket, ...users: string[]) => socket.say({ type: "watch", users });

/** Sockets that never pong, on a clock with little else to do. */
const quiet = { presenceGraceMs: 10_000, heartbeatMs: 100_000_000, headPollMs: 5_000 };

/** A chat on a clock that the test moves, in which these have each written to alice. */
async function among(others: readonly string[], overrides: HubOverrides = {}) {
  const clock = fakeClock(undefined, () => Bun.sleep(1));
  const chat = await start({ clock, ...overrides, limits: { ...quiet, ...overrides.limits } });
  for (const from of others) {
    const stored = accepted(chat.store, { from, to: "alice" });
    await clock.advance(50);
    await stored;
  }
  const connect = async (user: string, options: Parameters<TestHub["connect"]>[1] = {}) => {
    const socket = chat.connect(user, options);
    await until(() => isLive(socket));
    return socket;
  };
  return { ...chat, clock, connect };
}

describe("presence", () => {
  test("B6 watch is answered with the state of each user, then with changes; a user is online while any connection of theirs is", async () => {
    const { clock, connect } = await among(["bob", "carol"]);
    await connect("bob");
    const alice = await connect("alice");
    watch(alice, "bob", "carol", "alice");
    await until(() => alice.of("presence").length === 3);
    expect(alice.of("presence")).toEqual([
      { type: "presence", user: "bob", state: "online" },
      { type: "presence", user: "carol", state: "offline" },
      { type: "presence", user: "alice", state: "online" },
    ]);
    const [phone, laptop] = [await connect("carol"), await connect("carol", { device: "l" })];
    await until(() => told(alice, "carol").length === 2);
    phone.hangUp();
    await clock.advance(30_000);
    expect(told(alice, "carol")).toEqual(["offline", "online"]);
    laptop.hangUp();
    await clock.advance(9_900);
    expect(told(alice, "carol")).toEqual(["offline", "online"]);
    await clock.advance(200);
    await until(() => told(alice, "carol").length === 3);
    expect(told(alice, "carol")).toEqual(["offline", "online", "offline"]);
  });

  test("B6 a network that flaps is not seen", async () => {
    const { clock, connect } = await among(["bob"]);
    const alice = await connect("alice");
    let bob = await connect("bob");
    watch(alice, "bob");
    await until(() => told(alice, "bob").length === 1);
    for (let i = 0; i < 5; i++) {
      bob.hangUp();
      await clock.advance(9_000);
      bob = await connect("bob");
    }
    await clock.advance(20_000);
    expect(told(alice, "bob")).toEqual(["online"]);
  });

  test("B6 another watch takes the place of the one before, and an empty one ends it", async () => {
    const { clock, connect, hub } = await among(["bob", "carol"]);
    const alice = await connect("alice");
    watch(alice, "bob");
    watch(alice, "carol");
    await until(() => told(alice, "carol").length === 1);
    await connect("bob");
    await clock.advance(1_000);
    expect(told(alice, "bob").filter((state) => state === "online")).toEqual([]);
    watch(alice);
    await connect("carol");
    await clock.advance(1_000);
    expect(told(alice, "carol")).toEqual(["offline"]);
    expect(hub.sizes()).toMatchObject({ watches: 0, watched: 0 });
  });

  test("B7 lastSeen is the minute in which the last connection went, also after a restart", async () => {
    const { clock, connect, store } = await among(["bob"]);
    const alice = await connect("alice");
    const bob = await connect("bob");
    watch(alice, "bob");
    await clock.advance(125_000);
    const gone = clock.now();
    bob.hangUp();
    await clock.advance(11_000);
    await until(() => told(alice, "bob").length === 2);
    const minute = Math.floor(gone / 60_000) * 60_000;
    expect(last(alice, "bob")).toEqual({ type: "presence", user: "bob", state: "offline", lastSeen: minute });
    expect(await store.lastSeen("default", ["bob"])).toEqual(new Map([["bob", minute]]));
  });

  test("B7 lastSeen is sent also while the store takes no commits", async () => {
    const { clock, connect } = await among(["bob"], { wrapStore: (store) => ({ ...store, seen: () => {} }) });
    const alice = await connect("alice");
    const bob = await connect("bob");
    watch(alice, "bob");
    await until(() => told(alice, "bob").length === 1);
    const minute = Math.floor(clock.now() / 60_000) * 60_000;
    bob.hangUp();
    await clock.advance(11_000);
    await until(() => told(alice, "bob").length === 2);
    expect(last(alice, "bob")).toEqual({ type: "presence", user: "bob", state: "offline", lastSeen: minute });
  });

  test("B7 B50 who came is noted after a minute, once, so that a crash finds when they were here", async () => {
    const noted: string[] = [];
    const { clock, connect, store, hub } = await among(["bob"], {
      wrapStore: (store) => ({
        ...store,
        seen(identity, time) {
          noted.push(identity.user);
          store.seen(identity, time);
        },
      }),
    });
    const came = clock.now();
    await connect("bob");
    await clock.advance(50_000);
    expect(noted).toEqual([]);
    await clock.advance(60_000);
    expect(noted).toEqual(["bob"]);
    const seen = (await store.lastSeen("default", ["bob"])).get("bob") ?? 0;
    expect(seen).toBeGreaterThanOrEqual(came - 60_000);
    // Users who stay are noted again after ten minutes; one who comes for less than a minute is noted on leaving.
    await clock.advance(400_000);
    expect(noted).toEqual(["bob"]);
    const carol = await connect("carol");
    carol.hangUp();
    await clock.advance(200_000);
    expect(noted.filter((user) => user === "carol")).toEqual(["carol"]);
    expect(hub.sizes()).toMatchObject({ unnoted: 0 });
  });

  test("B7 a user who stays is noted meanwhile, and a crash loses little of it", async () => {
    const { clock, connect, store } = await among(["bob"]);
    await connect("bob");
    for (let i = 0; i < 8; i++) await clock.advance(100_000);
    const seen = (await store.lastSeen("default", ["bob"])).get("bob") ?? 0;
    expect(clock.now() - seen).toBeLessThan(300_000);
  });

  test("B8 T3 T4 a user who shares nothing with the viewer looks like one who does not exist: offline, and never seen", async () => {
    const { clock, connect, store } = await among(["bob"]);
    const stranger = await connect("stranger");
    await connect("bob");
    watch(stranger, "bob", "alice", "nobody");
    await until(() => stranger.of("presence").length === 3);
    const hidden = (user: string) => ({ type: "presence", user, state: "offline" }) as const;
    expect(stranger.of("presence")).toEqual([hidden("bob"), hidden("alice"), hidden("nobody")]);
    // A contact on either side is enough, and takes effect at once.
    const stored = store.relate(person("bob"), [{ other: "stranger", contact: true }]);
    await clock.advance(100);
    await stored;
    await until(() => told(stranger, "bob").length === 2);
    expect(told(stranger, "bob")).toEqual(["offline", "online"]);
    // So is a first message.
    await connect("alice");
    await clock.advance(1_000);
    expect(told(stranger, "alice")).toEqual(["offline"]);
    const sent = accepted(store, { from: "stranger", to: "alice" });
    await clock.advance(100);
    await sent;
    await until(() => told(stranger, "alice").length === 2);
    expect(told(stranger, "alice")).toEqual(["offline", "online"]);
  });

  test("B3 T3 a block hides each from the other at once, and its end shows them again", async () => {
    const { clock, connect, store } = await among(["bob"]);
    const [alice, bob] = [await connect("alice"), await connect("bob")];
    watch(alice, "bob");
    watch(bob, "alice");
    await until(() => told(alice, "bob").length === 1 && told(bob, "alice").length === 1);
    const say = async (blocked: boolean) => {
      const stored = store.relate(person("alice"), [{ other: "bob", blocked }]);
      await clock.advance(100);
      await stored;
    };
    await say(true);
    await until(() => told(alice, "bob").length === 2 && told(bob, "alice").length === 2);
    expect(last(alice, "bob")).toEqual({ type: "presence", user: "bob", state: "offline" });
    expect(last(bob, "alice")).toEqual({ type: "presence", user: "alice", state: "offline" });
    await say(false);
    await until(() => told(alice, "bob").length === 3 && told(bob, "alice").length === 3);
    expect([told(alice, "bob").at(-1), told(bob, "alice").at(-1)]).toEqual(["online", "online"]);
  });

  test("B8 the host's canSee decides, a block comes before it, and its failure is a no", async () => {
    const asked: string[] = [];
    const { clock, connect, store } = await among(["bob", "carol", "dan"], {
      rules: {
        async canSee(viewer, subject) {
          asked.push(`${viewer.user} ${subject.user}`);
          if (subject.user === "carol") throw new Error("the host's database is away");
          if (subject.user === "dan") return "yes" as unknown as boolean;
          return true;
        },
      },
    });
    const blocked = store.relate(person("eve"), [{ other: "alice", blocked: true }]);
    await clock.advance(100);
    await blocked;
    const users = ["bob", "carol", "dan", "eve", "fred"];
    for (const user of users) await connect(user);
    const alice = await connect("alice");
    watch(alice, ...users);
    await until(() => alice.of("presence").length === 5);
    expect(alice.of("presence").map(({ user, state }) => `${user} ${state}`)).toEqual([
      "bob online",
      "carol offline",
      "dan offline",
      "eve offline",
      "fred online",
    ]);
    expect(asked).toEqual(["alice bob", "alice carol", "alice dan", "alice fred"]);
  });

  test("B10 a watcher who does not read is sent the newest state of each user once they do", async () => {
    const { clock, connect, store } = await among(["bob", "carol"]);
    const alice = await connect("alice");
    watch(alice, "bob", "carol");
    await until(() => alice.of("presence").length === 2);
    alice.stall();
    // Fills what may wait to go out.
    for (let i = 0; i < 20; i++) {
      const sent = accepted(store, { from: "carol", to: "alice", text: "x".repeat(16_000) });
      await clock.advance(20);
      await sent;
    }
    for (let i = 0; i < 3; i++) {
      const bob = await connect("bob");
      bob.hangUp();
      await clock.advance(10_100);
    }
    await connect("bob");
    await clock.advance(100);
    expect(alice.state.bufferedMax).toBeGreaterThan(131_072);
    alice.drain();
    await clock.advance(2_000);
    await until(() => told(alice, "bob").at(-1) === "online");
    expect(told(alice, "bob").length).toBeLessThan(4);
  });

  test("B6 R3 a watch names a bounded number of users, all of them well-formed, or changes nothing", async () => {
    const { connect, hub } = await among(["bob"], { limits: { watchedUsersMax: 3 } });
    const alice = await connect("alice");
    watch(alice, "bob");
    await until(() => told(alice, "bob").length === 1);
    for (const users of [["a", "b", "c", "d"], ["zoë"], [""], [1], "bob", undefined])
      alice.say({ type: "watch", users });
    await until(() => alice.of("error").length === 6);
    expect(alice.of("error").map(({ code }) => code)).toEqual(Array.from({ length: 6 }, () => "bad_frame"));
    expect(hub.sizes()).toMatchObject({ watches: 1, watched: 1 });
    watch(alice, "bob", "bob", "bob");
    await until(() => told(alice, "bob").length === 2);
    expect(hub.sizes()).toMatchObject({ watches: 1, watched: 1 });
  });

  test("B6 O10 while the store is away no state is sent, and once it is back each one is", async () => {
    let isAway = false;
    const { clock, connect } = await among(["bob"], {
      wrapEngine: (engine) => ({
        ...engine,
        read: (statements) =>
          isAway && statements.some(({ sql }) => sql.includes("relation r"))
            ? Promise.reject(new Error("away"))
            : engine.read(statements),
      }),
    });
    await connect("bob");
    const alice = await connect("alice");
    isAway = true;
    watch(alice, "bob");
    await clock.advance(3_000);
    expect(alice.of("presence")).toEqual([]);
    isAway = false;
    await clock.advance(1_100);
    await until(() => told(alice, "bob").length === 1);
    expect(told(alice, "bob")).toEqual(["online"]);
  });
});
