import { describe, expect, test } from "bun:test";
import type { Authorize } from "../../src/access/policy.ts";
import { newest } from "../../src/store/read/history.ts";
import { type FakeSocket, until } from "../support/fake-socket.ts";
import { startHub } from "../support/hub.ts";
import { accepted, newId, person } from "../support/store.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { stoppedAfterEach } from "../support/stopped.ts";

const start = stoppedAfterEach(startHub);

const isLive = (socket: FakeSocket) => socket.of("changes").some(({ more }) => !more);
const send = (socket: FakeSocket, text: string, to = "bob", id = newId()) => socket.say({ type: "send", id, to, text });
const answers = (socket: FakeSocket) =>
  socket.frames.flatMap((frame) =>
    frame.type === "accepted" ? ["accepted"] : frame.type === "rejected" ? [frame.code] : [],
  );

describe("authorize", () => {
  test("T4 B9 it is not asked about a conversation of others: a stranger to it gets the answer for one that does not exist", async () => {
    const asked: unknown[] = [];
    const authorize: Authorize = (...args) => {
      asked.push(args);
      return false;
    };
    const { connect, store } = await start({ rules: { authorize } });
    const { conversation } = await accepted(store, { from: "bob", to: "alice" });
    const carol = connect("carol");
    await until(() => isLive(carol));
    for (const each of [conversation, "c999"])
      carol.say({ type: "send", id: newId(), conversation: each, text: "let me in" });
    await until(() => answers(carol).length === 2);
    const [theirs, none] = carol.of("rejected").map(({ id: _, ...rest }) => rest);
    expect(theirs?.code).toBe("not_found");
    expect(theirs).toEqual(none ?? theirs);
    expect(asked).toEqual([]);
  });

  test("B9 the host decides on each pair of sender and recipient, by either target; its refusal is forbidden and stores nothing", async () => {
    const asked: unknown[] = [];
    const { connect, store } = await start({
      rules: {
        authorize(action, identity, target) {
          asked.push([action, identity, target]);
          return target.user !== "bob";
        },
      },
    });
    const { conversation } = await accepted(store, { from: "bob", to: "alice" });
    const alice = connect("alice");
    await until(() => isLive(alice));
    send(alice, "one");
    alice.say({ type: "send", id: newId(), conversation, text: "two" });
    send(alice, "three", "carol");
    alice.say({ type: "send", id: newId(), conversation: "c999", text: "four" });
    alice.say({ type: "typing", conversation, typing: true });
    await until(() => answers(alice).length === 4 && alice.of("error").length === 1);
    expect(answers(alice)).toEqual(["forbidden", "forbidden", "accepted", "not_found"]);
    expect(alice.of("error")).toMatchObject([{ code: "forbidden" }]);
    expect(alice.of("rejected")[0]).toMatchObject({ retry: "never" });
    const me = { tenant: "default", user: "alice" };
    expect(asked).toEqual([
      ["send", me, { tenant: "default", user: "bob" }],
      ["send", me, { tenant: "default", user: "bob" }],
      ["send", me, { tenant: "default", user: "carol" }],
      ["typing", me, { tenant: "default", user: "bob" }],
    ]);
    expect(await store.members("default", conversation)).toEqual(["alice", "bob"]);
    expect(
      (await store.history(person("alice"), { conversation, order: { down: newest }, limit: 9 }))?.messages,
    ).toHaveLength(1);
  });

  test("B9 P90 the host is asked about a message to oneself with the same user twice, by either target", async () => {
    const asked: unknown[] = [];
    const { connect, store } = await start({
      rules: {
        authorize(action, identity, target) {
          asked.push([action, identity.user, target.user]);
          return false;
        },
      },
    });
    const { conversation } = await accepted(store, { from: "alice", to: "alice" });
    const alice = connect("alice");
    await until(() => isLive(alice));
    send(alice, "one", "alice");
    alice.say({ type: "send", id: newId(), conversation, text: "two" });
    await until(() => answers(alice).length === 2);
    expect(answers(alice)).toEqual(["forbidden", "forbidden"]);
    expect(asked).toEqual(Array.from({ length: 2 }, () => ["send", "alice", "alice"]));
  });

  test("B9 O4 sends keep their order while the host thinks, however long it thinks about each", async () => {
    let asked = 0;
    const { connect } = await start({
      rules: {
        async authorize() {
          await Bun.sleep(asked++ % 3 === 0 ? 20 : 0);
          return true;
        },
      },
    });
    const [alice, bob] = [connect("alice"), connect("bob")];
    await until(() => isLive(alice) && isLive(bob));
    for (let i = 0; i < 12; i++) send(alice, `${i}`);
    await until(() => answers(alice).length === 12);
    expect(alice.of("accepted").map(({ seq }) => seq)).toEqual(Array.from({ length: 12 }, (_, i) => i + 1));
    const texts = () => bob.changes().flatMap((change) => (change.kind === "message" ? [change.text] : []));
    await until(() => texts().length === 12);
    expect(texts()).toEqual(Array.from({ length: 12 }, (_, i) => `${i}`));
  });

  test("B9 its failure is unavailable and never a pass, and nothing overtakes a message that must be tried again", async () => {
    const failures: Authorize[] = [
      () => {
        throw new Error("away");
      },
      () => Promise.reject(new Error("away")),
      () => new Promise<boolean>(() => {}),
      () => Promise.resolve("yes" as unknown as boolean),
    ];
    for (const [i, failure] of failures.entries()) {
      let isFailing = true;
      const clock = fakeClock();
      const { connect, events } = await start({
        clock,
        limits: { hostAnswerMs: 30, heartbeatMs: 100_000_000 },
        rules: { authorize: (...args) => (isFailing ? failure(...args) : true) },
      });
      const alice = connect("alice");
      await until(() => isLive(alice));
      send(alice, "one");
      for (let ms = 0; answers(alice).length === 0 && ms < 100; ms += 10) await clock.advance(10);
      await until(() => answers(alice).length === 1);
      isFailing = false;
      send(alice, "two");
      await until(() => answers(alice).length === 2);
      if (i === 3) {
        expect(answers(alice)).toEqual(["forbidden", "accepted"]);
        continue;
      }
      expect(answers(alice)).toEqual(["unavailable", "unavailable"]);
      const [first, second] = alice.of("rejected");
      expect(first).toMatchObject({ retry: "later", retryAfterMs: 1_000 });
      expect(second?.retryAfterMs).toBeWithin(500, 1_001);
      expect(alice.state.closed).toBeNull();
      expect(events.filter(({ type }) => type === "fault")).toHaveLength(1);
      await clock.advance((second?.retryAfterMs ?? 0) + 5);
      send(alice, "one");
      await until(() => answers(alice).length === 3);
      expect(answers(alice)[2]).toBe("accepted");
    }
  });

  test("B9 O1 an accepted message gets its first answer for ever, whatever the host says now", async () => {
    let answer: () => boolean = () => true;
    const { connect } = await start({ rules: { authorize: () => answer() } });
    const alice = connect("alice");
    await until(() => isLive(alice));
    const id = newId();
    send(alice, "hi", "bob", id);
    await until(() => answers(alice).length === 1);
    answer = () => false;
    send(alice, "hi", "bob", id);
    send(alice, "other", "bob", id);
    await until(() => answers(alice).length === 3);
    answer = () => {
      throw new Error("away");
    };
    send(alice, "new");
    send(alice, "hi", "bob", id);
    await until(() => answers(alice).length === 5);
    expect(answers(alice)).toEqual(["accepted", "accepted", "conflict", "unavailable", "accepted"]);
    expect(alice.of("accepted").map(({ duplicate }) => duplicate)).toEqual([false, true, true]);
  });
});
