import { describe, expect, test } from "bun:test";
import type { ServerFrame } from "../../src/protocol/frame.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import type { Store } from "../../src/store/store.ts";
import { fakeClock, passes } from "../support/fake-clock.ts";
import { type FakeSocket, turns, until } from "../support/fake-socket.ts";
import { startHub } from "../support/hub.ts";
import { newId } from "../support/store.ts";
import { deadline } from "../support/deadline.ts";
import { stoppedAfterEach } from "../support/stopped.ts";

const start = stoppedAfterEach(startHub);

const isLive = (socket: FakeSocket) => socket.of("changes").some(({ more }) => !more);
const texts = (socket: FakeSocket) =>
  socket.changes().flatMap((change) => (change.kind === "message" ? [change.text] : []));
const upTo = (count: number) => Array.from({ length: count }, (_, i) => `${i}`);
const send = (socket: FakeSocket, text: string, to = "bob", id = newId()) => socket.say({ type: "send", id, to, text });

describe("delivery", () => {
  test("H1 a slow reader costs bounded bytes and gets everything in order once it drains", async () => {
    const { connect, hub } = await start();
    const [alice, bob] = [connect("alice"), connect("bob")];
    await until(() => isLive(alice) && isLive(bob));
    bob.stall();
    const text = "x".repeat(8_000);
    for (let i = 0; i < 300; i++) {
      send(alice, `${i} ${text}`);
      if (i % 30 === 29) await until(() => alice.of("accepted").length === i + 1);
    }
    expect(bob.state.bufferedMax).toBeGreaterThan(64_000);
    expect(bob.state.bufferedMax).toBeLessThanOrEqual(262_144);
    for (let i = 0; i < 200 && texts(bob).length < 300; i++) {
      bob.drain();
      bob.stall();
      await Bun.sleep(3);
    }
    bob.drain();
    await until(() => texts(bob).length === 300);
    expect(texts(bob).map((each) => each.split(" ")[0])).toEqual(upTo(300));
    expect(bob.state.bufferedMax).toBeLessThanOrEqual(262_144);
    bob.stall();
    send(alice, "last");
    await until(() => alice.of("accepted").length === 301);
    bob.drain();
    await until(() => texts(bob).at(-1) === "last");
    expect(hub.sizes()).toMatchObject({ connections: 2, pendingFlush: 0 });
  });

  test("H2 O7 commits at every await of a replay arrive once and in order", async () => {
    for (let hold = 1; hold <= 6; hold++) {
      let reads = 0;
      let alice: FakeSocket | null = null;
      let next = 20;
      const wrapStore = (store: Store): Store => ({
        ...store,
        async changes(identity, after, limit) {
          const isHeld = identity.user === "bob" && ++reads === hold;
          if (isHeld && alice) await commit(alice);
          const page = await store.changes(identity, after, limit);
          if (isHeld && alice) await commit(alice);
          return page;
        },
      });
      async function commit(socket: FakeSocket): Promise<void> {
        const count = socket.of("accepted").length;
        send(socket, `${next++}`);
        send(socket, `${next++}`);
        await until(() => socket.of("accepted").length === count + 2);
      }
      const { connect } = await start({ wrapStore, limits: { pageChangesMax: 5 } });
      alice = connect("alice");
      await until(() => alice !== null && isLive(alice));
      for (const text of upTo(20)) send(alice, text);
      await until(() => alice?.of("accepted").length === 20);
      const bob = connect("bob");
      await until(() => isLive(bob));
      if (hold <= 4) await until(() => texts(bob).length >= 24);
      await commit(alice);
      await until(() => texts(bob).at(-1) === `${next - 1}`);
      expect(texts(bob)).toEqual(upTo(next));
    }
  });

  test("S51 the ack of a message is stored soon, those of its receipts may wait", async () => {
    const seen: string[] = [];
    const wrapStore = (store: Store): Store => ({
      ...store,
      ack(identity, device, upTo, settle) {
        if (typeof upTo === "object") seen.push(`${identity.user} ${upTo.isQuiet === true ? "quiet" : "soon"}`);
        store.ack(identity, device, upTo, settle);
      },
    });
    const { connect } = await start({ wrapStore });
    const [alice, bob] = [connect("alice"), connect("bob")];
    await until(() => isLive(alice) && isLive(bob));
    const ack = (socket: FakeSocket) => socket.say({ type: "ack", cursor: socket.of("changes").at(-1)?.cursor ?? "" });
    const delivered = (socket: FakeSocket) => socket.changes().filter(({ kind }) => kind === "receipt").length;
    for (const round of [1, 2]) {
      send(alice, `${round}`);
      await until(() => texts(bob).length === round);
      ack(bob);
      await until(() => delivered(alice) === round && delivered(bob) === round);
      ack(alice);
      ack(bob);
      await until(() => seen.length === 3 * round);
    }
    expect(seen.slice(0, 3).toSorted()).toEqual(["alice quiet", "bob quiet", "bob soon"]);
    expect(seen.slice(3).toSorted()).toEqual(["alice quiet", "bob quiet", "bob soon"]);
  });

  test("H3 accepted comes before any changes that covers it; the sender's own connection leaves it out, others do not", async () => {
    const { connect } = await start();
    const [one, other, laptop, bob] = [
      connect("alice"),
      connect("alice"),
      connect("alice", { device: "laptop" }),
      connect("bob"),
    ];
    await until(() => [one, other, laptop, bob].every(isLive));
    for (const text of upTo(5)) send(one, text);
    await until(() => [other, laptop, bob].every((socket) => texts(socket).length === 5));
    expect(texts(one)).toEqual([]);
    await until(() => one.of("changes").length === 2);
    const cursors = [one, bob].map((socket) => socket.of("changes").at(-1)?.cursor);
    expect(cursors[0]).toBe(cursors[1] ?? "");
    expect(one.frames.findLastIndex(({ type }) => type === "accepted")).toBeLessThan(
      one.frames.findLastIndex(({ type }) => type === "changes"),
    );
  });

  test("H3 a sender that reads nothing gets its accepted before the changes that cover it, and nothing twice out of order", async () => {
    const { connect } = await start();
    const [alice, bob] = [connect("alice"), connect("bob")];
    await until(() => isLive(alice) && isLive(bob));
    alice.stall();
    const big = "y".repeat(16_000);
    for (let i = 0; i < 40; i++) send(bob, `${i} ${big}`, "alice");
    await until(() => bob.of("accepted").length === 40);
    const ids = upTo(10).map(() => newId());
    for (const id of ids) send(alice, "mine", "bob", id);
    await until(() => texts(bob).length === 10);
    for (let i = 0; i < 100 && texts(alice).filter((text) => text !== "mine").length < 40; i++) {
      alice.drain();
      alice.stall();
      await Bun.sleep(3);
    }
    alice.drain();
    await until(() => alice.of("accepted").length === 10);
    const known = new Set<string>();
    for (const frame of alice.frames) {
      if (frame.type === "accepted") known.add(frame.id);
      if (frame.type !== "changes") continue;
      for (const change of frame.changes)
        if (change.kind === "message" && change.from === "alice") expect(known.has(change.id)).toBe(true);
    }
  });

  test("H4 answers keep the order of the frames, retries of an id in the same commit too", async () => {
    const { connect } = await start();
    const alice = connect("alice");
    await until(() => isLive(alice));
    const id = newId();
    send(alice, "a", "bob", id);
    send(alice, "a", "bob", id);
    alice.say({ type: "ping", id: "p" });
    alice.raw("{");
    send(alice, "b", "bob", id);
    send(alice, "c", "al ice");
    send(alice, "d");
    await until(() => alice.of("accepted").length === 3);
    const answers = alice.frames.filter(({ type }) => !["welcome", "changes"].includes(type));
    expect(answers).toMatchObject([
      { type: "accepted", seq: 1, duplicate: false },
      { type: "accepted", seq: 1, duplicate: true },
      { type: "pong", id: "p" },
      { type: "error", code: "bad_frame" },
      { type: "rejected", code: "conflict" },
      { type: "rejected", code: "invalid_recipient" },
      { type: "accepted", seq: 2, duplicate: false },
    ]);
  });
});

describe("failure", () => {
  /** Fails the writes that `isFailing` says, before the commit or after it. */
  const failing = (isFailing: (call: number) => "before" | "after" | null) => {
    let call = 0;
    return (engine: Engine): Engine => ({
      ...engine,
      async write(statements) {
        const mode = statements.some(({ sql }) => sql.includes("INSERT INTO tidings_message "))
          ? isFailing(++call)
          : null;
        if (mode === "before") throw new Error("planted");
        const rows = await engine.write(statements);
        if (mode === "after") throw new Error("planted");
        return rows;
      },
    });
  };

  for (const mode of ["before", "after"] as const)
    test(`H5 D3 a store that fails ${mode} the commit is answered unavailable, then 1011; a retry settles it`, async () => {
      const { connect, faults, store } = await start({ wrapEngine: failing((call) => (call === 2 ? mode : null)) });
      const [alice, bob] = [connect("alice"), connect("bob")];
      await until(() => isLive(alice) && isLive(bob));
      send(alice, "0");
      await until(() => alice.of("accepted").length === 1);
      const ids = [newId(), newId()];
      for (const [i, id] of ids.entries()) send(alice, `${i + 1}`, "bob", id);
      await until(() => alice.state.closed !== null);
      expect(alice.state.closed?.code).toBe(1011);
      expect(alice.of("rejected")).toMatchObject(
        ids.map((id) => ({ id, code: "unavailable", retry: "later", retryAfterMs: 1_000 })),
      );
      expect(faults).toHaveLength(1);

      await until(() => store.isAvailable());
      const again = connect("alice");
      await until(() => isLive(again));
      for (const [i, id] of ids.entries()) send(again, `${i + 1}`, "bob", id);
      await until(() => again.of("accepted").length === 2);
      expect(again.of("accepted")).toMatchObject([
        { seq: 2, duplicate: mode === "after" },
        { seq: 3, duplicate: mode === "after" },
      ]);
      // The poll of the head finds a commit after its answer was lost.
      await until(() => texts(bob).length === 3);
      expect(texts(bob)).toEqual(["0", "1", "2"]);
    });
});

describe("connections", () => {
  test("P25 the sender of a message gets an empty changes within a second, which moves the cursor past it", async () => {
    const clock = fakeClock(undefined, () => Bun.sleep(1));
    const limits = {
      emptyChangesDelayMs: defaultLimits.emptyChangesDelayMs,
      headPollMs: 100_000,
      heartbeatMs: 100_000,
    };
    const { connect } = await start({ clock, limits });
    const alice = connect("alice");
    await until(() => isLive(alice));
    const before = alice.of("changes").length;
    send(alice, "hi");
    await until(() => alice.of("accepted").length === 1);
    expect(alice.of("changes")).toHaveLength(before);
    await clock.advance(1_000);
    expect(alice.of("changes").slice(before)).toMatchObject([{ changes: [], more: false }]);
  });

  test("H7 R4 a peer without frame or pong for two heartbeats is closed with 4408, one that pongs is not", async () => {
    const clock = fakeClock();
    const { connect } = await start({ clock, limits: { heartbeatMs: 1_000 } });
    const [silent, alive] = [connect("alice"), connect("bob")];
    await until(() => isLive(silent) && isLive(alive));
    for (let i = 0; i < 6; i++) {
      await clock.advance(500);
      alive.pong();
    }
    expect(silent.state.closed?.code).toBe(4408);
    expect(alive.state.closed).toBeNull();
    expect(alive.state.pings).toBeGreaterThanOrEqual(2);
  });

  test("H7 a peer that takes nothing for too long is closed with 4413", async () => {
    const clock = fakeClock();
    const { connect } = await start({ clock, limits: { slowConsumerMs: 5_000 } });
    const [alice, bob] = [connect("alice"), connect("bob")];
    await until(() => isLive(alice) && isLive(bob));
    bob.stall();
    for (let i = 0; i < 30; i++) send(alice, "x".repeat(16_000));
    await until(() => alice.of("accepted").length === 30);
    for (let i = 0; i < 8; i++) {
      await clock.advance(1_000);
      bob.pong();
    }
    expect(bob.state.closed?.code).toBe(4413);
    expect(alice.state.closed).toBeNull();
  });

  test("H8 a session that ends closes its socket with 4401, also one that ends in a month", async () => {
    const clock = fakeClock();
    const { connect } = await start({ clock });
    const soon = connect("alice", { session: { expiresAt: clock.now() + 2_000 } });
    const late = connect("bob", { session: { expiresAt: clock.now() + 2 ** 32 } });
    await until(() => isLive(soon) && isLive(late));
    await clock.advance(1_900);
    expect(soon.state.closed).toBeNull();
    await clock.advance(200);
    expect(soon.state.closed?.code).toBe(4401);
    expect(late.state.closed).toBeNull();
  });

  /** Sends once before and five times after `expiresAt` with a timer that is late; answers how many were accepted. */
  async function sendPastEnd(expiresAt: (now: number) => number | undefined) {
    const clock = fakeClock();
    let aheadMs = 0;
    const { connect, store } = await start({ clock: { ...clock, now: () => clock.now() + aheadMs } });
    const end = expiresAt(clock.now());
    const alice = connect("alice", { session: end === undefined ? {} : { expiresAt: end } });
    await until(() => isLive(alice));
    send(alice, "in time");
    await until(() => alice.of("accepted").length === 1);
    // The clock was set forward, or the process was busy: no timer has fired yet.
    aheadMs = 2_000;
    for (const text of upTo(5)) send(alice, text);
    await store.drained();
    await turns(5);
    return { accepted: alice.of("accepted").length, code: alice.state.closed?.code };
  }

  test("H14 frames of a session that is over are not handled, however late its timer is", async () => {
    expect(await sendPastEnd((now) => now + 2_000)).toEqual({ accepted: 1, code: 4401 });
  });

  test("control: H14 frames that are handled after an end that is not checked are seen", async () => {
    expect(await sendPastEnd(() => undefined)).toEqual({ accepted: 6, code: undefined });
  });

  test("H14 a silent session that is over is closed at the next beat, however late its timer is", async () => {
    const clock = fakeClock();
    let aheadMs = 0;
    const { connect } = await start({ clock: { ...clock, now: () => clock.now() + aheadMs } });
    const alice = connect("alice", { session: { expiresAt: clock.now() + 20_000 } });
    await until(() => isLive(alice));
    aheadMs = 20_000;
    await clock.advance(1_100);
    expect(alice.state.closed?.code).toBe(4401);
  });

  test("H9 R3 beyond the window the socket is not read, and the frames that were read already are answered in order", async () => {
    const { connect } = await start();
    const alice = connect("alice");
    await until(() => isLive(alice));
    for (const text of upTo(1_000)) send(alice, text);
    expect(alice.state.paused).toBe(true);
    await until(() => alice.of("accepted").length === 1_000);
    expect(alice.of("accepted").map(({ seq }) => seq)).toEqual(upTo(1_000).map((i) => Number(i) + 1));
    await until(() => !alice.state.paused);
  });

  test("H9 more bytes than may wait close the socket with 4429", async () => {
    const { connect } = await start({ limits: { inboxBytesMax: 20_000 } });
    const alice = connect("alice");
    await until(() => isLive(alice));
    for (let i = 0; i < 400; i++) send(alice, "x".repeat(200));
    expect(alice.state.closed?.code).toBe(4429);
  });

  test("H10 ten bad frames a minute are answered, the next closes with 4400", async () => {
    const clock = fakeClock();
    const { connect } = await start({ clock });
    const alice = connect("alice");
    await until(() => isLive(alice));
    for (let i = 0; i < 10; i++) alice.raw("nonsense");
    await clock.advance(61_000 / 3);
    expect(alice.state.closed).toBeNull();
    alice.raw(new Uint8Array([1, 2, 3]));
    await turns(5);
    expect(alice.of("error")).toHaveLength(11);
    expect(alice.state.closed?.code).toBe(4400);
  });

  test("H11 a socket that takes no welcome leaves nothing behind", async () => {
    const chat = await startHub();
    const gone = chat.connect("alice");
    gone.state.broken = true;
    await until(() => gone.state.closed !== null);
    await turns(5);
    expect(Object.values(chat.hub.sizes()).filter((size) => size !== 0)).toEqual([]);
    await chat.stop();
  });

  test("H11 everything is forgotten once all connections are gone, and a shutdown closes with 1012", async () => {
    const { connect, hub } = await start();
    const sockets = upTo(20).map((i) => connect(`u${i}`));
    await until(() => sockets.every(isLive));
    for (const socket of sockets.slice(1)) socket.hangUp();
    sockets[0]?.say({ type: "send", id: newId(), to: "u5", text: "hello" });
    await until(() => sockets[0]?.of("accepted").length === 1);
    await hub.stop(1_000);
    expect(sockets[0]?.state.closed?.code).toBe(1012);
    expect(hub.sizes()).toEqual({
      connections: 0,
      joined: 0,
      users: 0,
      perUser: 0,
      perAddress: 0,
      pendingFlush: 0,
      pendingCursor: 0,
      online: 0,
      unnoted: 0,
      watches: 0,
      watched: 0,
      outboxBytes: 0,
      watchedNames: 0,
      senders: 0,
    });
    const late = connect("late");
    await until(() => late.state.closed?.code === 1012);
  });

  test("H13 R5 a shutdown answers the sends that wait, but not for ever", async () => {
    let isHanging = false;
    const wrapEngine = (engine: Engine): Engine => ({
      ...engine,
      async write(statements) {
        if (isHanging) await new Promise(() => {});
        await Bun.sleep(20);
        return engine.write(statements);
      },
    });
    const patient = await start({ wrapEngine });
    const alice = patient.connect("alice");
    await until(() => isLive(alice));
    send(alice, "1");
    await Bun.sleep(10);
    send(alice, "2");
    await patient.hub.stop(deadline.answerMs);
    expect(alice.of("accepted")).toHaveLength(2);
    expect(alice.state.closed?.code).toBe(1012);

    const clock = fakeClock(undefined, () => Bun.sleep(1));
    const hung = await startHub({ clock, wrapEngine });
    const bob = hung.connect("bob");
    await until(() => isLive(bob));
    isHanging = true;
    send(bob, "1", "alice");
    await turns(30);
    expect(await passes(clock, hung.hub.stop(300))).toBeLessThan(600);
    expect(bob.state.closed?.code).toBe(1012);
    isHanging = false;
  });

  test("H12 typing reaches the other users' connections only, and is dropped for those that are behind", async () => {
    const { connect } = await start();
    const [alice, bob, carol, laptop] = [
      connect("alice"),
      connect("bob"),
      connect("carol"),
      connect("alice", { device: "l" }),
    ];
    await until(() => [alice, bob, carol, laptop].every(isLive));
    alice.say({ type: "typing", to: "bob", typing: true });
    await Bun.sleep(10);
    expect(bob.of("typing")).toEqual([]);
    send(alice, "hi");
    await until(() => texts(bob).length === 1);
    const [accepted] = alice.of("accepted");
    alice.say({ type: "typing", to: "bob", typing: true });
    carol.say({ type: "typing", conversation: accepted?.conversation, typing: true });
    await until(() => bob.of("typing").length === 1 && carol.of("error").length === 1);
    const expected: ServerFrame = {
      type: "typing",
      conversation: accepted?.conversation ?? "",
      user: "alice",
      typing: true,
    };
    expect(bob.of("typing")).toEqual([expected]);
    expect([...alice.of("typing"), ...laptop.of("typing"), ...carol.of("typing")]).toEqual([]);
    expect(carol.of("error")).toMatchObject([{ code: "not_found" }]);
  });
});
