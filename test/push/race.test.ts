import { afterEach, describe, expect, test } from "bun:test";
import type { PushResult } from "../../src/push/provider.ts";
import { newId, person } from "../support/store.ts";
import { createPhones, sent } from "./support/phone.ts";
import { startPush, stopAll } from "./support/start.ts";

afterEach(stopAll);

const minuteMs = 60_000;

/** Bugs that the worlds of test/proof/sim have found, each as a minimal test. */
describe("two things at once", () => {
  test("U5 a notice that was read as due before its verdict was kept is not sent again", async () => {
    const phones = createPhones("phones", async () => {
      await new Promise<void>((resolve) => push.clock.after(60, resolve));
      return sent;
    });
    const push = await startPush({ providers: [phones.provider] });
    const { due } = push.store.push;
    push.store.push.due = async (...args) => {
      const found = await due(...args);
      await new Promise<void>((resolve) => push.clock.after(100, resolve));
      return found;
    };
    const users = Array.from({ length: 20 }, (_, i) => `user${i}`);
    for (const user of users) await push.register(user, "phone");
    for (const user of users) {
      await push.send("alice", user);
      await push.pass(40, 10);
    }
    await push.pass(3_000, 20);
    expect(phones.requests.length).toBe(20);
  });

  test("U3 a notification that is read during its request, or after an uncertain one, is removed", async () => {
    let ways = 0;
    const phones = createPhones("phones", async (notice) => {
      if (notice.kind === "clear") return sent;
      if (++ways === 1) {
        await new Promise<void>((resolve) => push.clock.after(8_000, resolve));
        return sent;
      }
      phones.show(notice);
      if (ways === 2) return await new Promise<PushResult>(() => {});
      throw new Error("defect");
    });
    const push = await startPush({ providers: [phones.provider] });
    for (const user of ["bob", "carol", "dave"]) {
      await push.register(user, "phone");
      const { conversation, seq } = await push.send("alice", user);
      await push.pass(100);
      await push.read(user, conversation, seq);
      await push.pass(20_000, 100);
      expect(phones.requests.map(({ kind }) => kind)).toEqual(["message", "clear"]);
      expect(phones.showing(`${user} phone`)).toEqual({});
      phones.requests.length = 0;
    }
  });

  test("U3 U9 a read notification is removed at once, although a newer message waits for the end of quiet hours", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    await push.send("alice", "bob");
    await push.pass(300);
    const text = (at: number): string => new Date(at).toISOString().slice(11, 16);
    const now = push.clock.now();
    const quiet = { from: text(now - minuteMs), to: text(now + 60 * minuteMs), timeZone: "UTC" };
    await push.store.devices.setQuietHours(person("bob"), JSON.stringify(quiet));
    const { conversation, seq } = await push.send("alice", "bob");
    await push.pass(1_000, 100);
    expect(phones.showing("bob phone")).toEqual({ [conversation]: seq - 1 });
    await push.read("bob", conversation, seq);
    await push.pass(8_000, 100);
    expect(phones.showing("bob phone")).toEqual({});
  });

  test("U5 U8 a worker that lost its lease and got it back goes on, although earlier calls are still under way", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider], limits: { pushUsersMax: 1, pushLeaseMs: 2_000 } });
    for (const user of ["bob", "carol"]) await push.register(user, "phone");
    const { beat, pendingBetween, undecided } = push.store.push;
    async function loseAndRetake(): Promise<void> {
      push.store.push.beat = async () => false;
      await push.pass(600, 50);
      push.store.push.beat = beat;
      await push.pass(1_000, 50);
    }

    const read = Promise.withResolvers<void>();
    push.store.push.pendingBetween = async (...args) => {
      await read.promise;
      return await pendingBetween(...args);
    };
    await push.send("alice", "bob");
    await push.send("alice", "carol");
    await push.pass(300);
    await loseAndRetake();
    push.store.push.pendingBetween = pendingBetween;
    read.resolve();
    await push.pass(1_000, 50);
    expect(phones.requests.map(({ user }) => user)).toEqual(["bob", "carol"]);

    const looked = Promise.withResolvers<void>();
    push.store.push.undecided = async (...args) => {
      await looked.promise;
      return await undecided(...args);
    };
    await push.send("alice", "bob");
    await push.pass(300);
    await loseAndRetake();
    push.store.push.undecided = undecided;
    looked.resolve();
    await push.pass(1_000, 50);
    expect(phones.requests.length).toBe(3);
  });

  test("U8 a verdict that a worker did not keep before it lost its lease is not kept after it has it back", async () => {
    const phones = createPhones("phones", () => ({ type: "retry", answer: "503" }));
    const push = await startPush({ providers: [phones.provider], limits: { pushLeaseMs: 2_000 } });
    const { worker, take, due, settle, leave } = push.store.push;
    push.store.push.settle = () => Promise.reject(new Error("away"));
    await push.register("bob", "phone");
    const id = newId();
    await push.send("alice", "bob", "hello", id);
    await push.pass(300);
    expect(phones.requests.length).toBe(1);
    // Another one takes the lease, sends the notice, and leaves.
    await take("other", await worker());
    const [found] = await due("phones", push.clock.now(), 10);
    if (!found) throw new Error("Nothing is due");
    const log = { decision: "send", reason: "sent", answer: "of the other one" };
    await settle("other", [{ due: found, until: null, isDone: true, attempts: 0, shown: 1, log }], push.clock.now());
    await push.pass(1_000, 50);
    await leave("other");
    await push.pass(1_000, 50);
    expect((await worker()).holder).not.toBe("");
    push.store.push.settle = settle;
    await push.pass(4_000, 50);
    expect(await push.why("bob", id)).toMatchObject([{ decision: "send", answer: "of the other one" }]);
    expect(phones.requests.length).toBe(1);
  });
});

describe("a slow database", () => {
  test("U8 a worker that could not renew its lease for too long sends nothing, although no other node has taken it", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider], limits: { pushLeaseMs: 2_000 } });
    await push.register("bob", "phone");
    const { due } = push.store.push;
    const gate = Promise.withResolvers<void>();
    let reads = 0;
    push.store.push.due = async (...args) => {
      const found = await due(...args);
      if (found.length > 0) {
        reads++;
        await gate.promise;
      }
      return found;
    };
    await push.send("alice", "bob");
    await push.pass(300);
    expect(reads).toBe(1);
    push.hanging.add("beat");
    await push.pass(3_000, 250);
    gate.resolve();
    await push.pass(500, 250);
    expect(phones.requests).toEqual([]);
  });

  test("U1 a user who gets a message during a look is looked at again", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    await push.online("bob", "phone");
    const { undecided } = push.store.push;
    const gate = Promise.withResolvers<void>();
    let looks = 0;
    const first = await push.send("alice", "bob");
    await push.ack("bob", "phone", first.n);
    push.store.push.undecided = async (...args) => {
      const found = await undecided(...args);
      if (++looks === 1) await gate.promise;
      return found;
    };
    // The first message needs no notification any more, but the look does not know yet when the second one arrives.
    await push.pass(6_000, 500);
    expect(looks).toBe(1);
    const { conversation, seq } = await push.send("alice", "bob");
    await push.pass(200);
    gate.resolve();
    await push.pass(8_000, 200);
    expect(phones.showing("bob phone")).toEqual({ [conversation]: seq });
    expect(push.worker.sizes()).toMatchObject({ recipients: 0 });
  });
});

describe("clocks and bounds", () => {
  test("U1 U5 a notice that is due at once is due on a node with a clock an hour behind", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    const { due } = push.store.push;
    push.store.push.due = () => new Promise(() => {});
    await push.send("alice", "bob");
    await push.pass(300);
    push.kill();
    push.store.push.due = due;
    const { now } = push.clock;
    push.clock.now = () => now() - 60 * minuteMs;
    const other = push.makeWorker();
    other.start();
    await push.pass(3_000, 100);
    expect(phones.requests.length).toBe(1);
    await push.during(other.stop(1_000));
  });

  test("U6 addresses that a user registers do not replace the one that needs no registration", async () => {
    const [hook, phones] = [createPhones("hook", () => sent, { reach: "user" }), createPhones()];
    const push = await startPush({
      providers: [hook.provider, phones.provider],
      limits: { pushAddressesPerUserMax: 2 },
    });
    hook.provider.send = async () => ({ type: "retry", answer: "503" });
    await push.send("alice", "bob");
    await push.pass(300);
    hook.provider.send = async (notice) => {
      hook.show(notice);
      return sent;
    };
    for (const device of ["one", "two", "three"]) await push.register("bob", device);
    await push.pass(5_000, 100);
    expect(hook.screenOf("").rings).toBe(1);
  });
});
