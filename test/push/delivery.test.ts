import { afterEach, describe, expect, test } from "bun:test";
import type { PushResult } from "../../src/push/provider.ts";
import { createLocalBus } from "../../src/bus/local-bus.ts";
import { until } from "../support/fake-socket.ts";
import { startHub } from "../support/hub.ts";
import { person } from "../support/store.ts";
import { createPhones, sent } from "./support/phone.ts";
import { calm, startPush, stopAll } from "./support/start.ts";

afterEach(stopAll);

const id = "01980000-0000-7000-8000-00000000cafe";
const retry: PushResult = { type: "retry", answer: "503" };

describe("addresses", () => {
  test("U6 a token that another user registers has moved, and its waiting notices are deleted", async () => {
    let isDown = true;
    const phones = createPhones("phones", () => (isDown ? retry : sent));
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone", "token");
    await push.send("alice", "bob");
    await push.pass(300);
    await push.register("carol", "phone", "token");
    isDown = false;
    await push.pass(10_000, 100);
    expect(phones.screenOf("token").rings).toBe(0);
    await push.send("alice", "bob");
    await push.send("alice", "carol");
    await push.pass(300);
    expect([...phones.screenOf("token").shown.values()].map(({ user }) => user)).toEqual(["carol"]);
  });

  test("U6 so does a token that another device of its user registers", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "old", "token");
    await push.register("bob", "new", "token");
    await push.send("alice", "bob");
    await push.pass(300);
    expect(phones.requests.map(({ device }) => device)).toEqual(["new"]);
  });

  test("U6 a new token of a device takes over the waiting notices, and none is sent twice", async () => {
    let isDown = true;
    const phones = createPhones("phones", () => (isDown ? retry : sent));
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone", "one");
    await push.send("alice", "bob");
    await push.pass(300);
    await push.register("bob", "phone", "two");
    isDown = false;
    await push.pass(10_000, 100);
    expect([phones.screenOf("one").rings, phones.screenOf("two").rings]).toEqual([0, 1]);
  });

  test("U6 a dead token is deleted, and the reason kept; but not if it was registered again while the provider answered", async () => {
    const { promise: asked, resolve: isAsked } = Promise.withResolvers<void>();
    const { promise: answer, resolve: answerWith } = Promise.withResolvers<PushResult>();
    const dead: PushResult = { type: "dead", answer: "404 UNREGISTERED" };
    const phones = createPhones("phones", ({ token }) => {
      if (token === "slow") isAsked();
      return token === "slow" ? answer : token === "gone" ? dead : sent;
    });
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone", "gone");
    await push.register("carol", "phone", "slow");
    await push.send("alice", "bob", "hello", id);
    await push.send("alice", "carol");
    await push.pass(300);
    await asked;
    await push.pass(10);
    await push.register("carol", "phone", "fresh");
    answerWith(dead);
    await push.pass(500);
    expect(phones.screenOf("fresh").rings).toBe(1);
    expect(await push.why("bob", id)).toMatchObject([
      { device: "phone", provider: "phones", decision: "drop", reason: "token_dead", answer: "404 UNREGISTERED" },
    ]);
    await push.send("alice", "bob");
    await push.pass(500);
    expect(phones.requests.filter(({ token }) => token === "gone").length).toBe(1);
  });

  test("U6 a device is notified by each provider that it has registered; an expired address is not used", async () => {
    const [phones, pages] = [createPhones(), createPhones("pages")];
    const push = await startPush({ providers: [phones.provider, pages.provider] });
    await push.register("bob", "phone");
    await push.register("bob", "phone", "page", "pages");
    await push.send("alice", "bob");
    await push.pass(300);
    expect([phones.screenOf("bob phone").rings, pages.screenOf("page").rings]).toEqual([1, 1]);
    const address = { provider: "pages", token: "page", hash: "h", expiresAt: push.clock.now() + 1_000 };
    await push.store.devices.putDevice(person("bob"), "phone", { address, now: push.clock.now() });
    await push.pass(2_000, 100);
    await push.send("alice", "bob", "hello", id);
    await push.pass(300);
    expect([phones.screenOf("bob phone").rings, pages.screenOf("page").rings]).toEqual([2, 1]);
    expect((await push.why("bob", id)).map(({ provider, reason }) => `${provider} ${reason}`).toSorted()).toEqual([
      "pages token_dead",
      "phones sent",
    ]);
  });

  test("U6 a user has a bounded number of addresses: the one that was not refreshed for longest is deleted", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider], limits: { pushAddressesPerUserMax: 3 } });
    for (let i = 0; i < 5; i++) {
      await push.register("bob", `phone${i}`);
      await push.pass(10);
      if (i === 2) await push.register("bob", "phone0");
      await push.pass(10);
    }
    await push.send("alice", "bob");
    await push.pass(300);
    expect(phones.requests.map(({ device }) => device).toSorted()).toEqual(["phone0", "phone3", "phone4"]);
  });

  test("U6 a device is not notified of messages from before its registration", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.send("alice", "bob", "hello", id);
    await push.register("bob", "phone");
    await push.pass(1_000, 100);
    expect(phones.requests).toEqual([]);
    expect(await push.why("bob", id)).toMatchObject([{ device: "phone", decision: "drop", reason: "no_devices" }]);
  });

  test("U6 a provider that needs no address notifies users without one, once for all of their devices", async () => {
    const hook = createPhones("hook", () => sent, { reach: "user" });
    const push = await startPush({ providers: [hook.provider] });
    const laptop = await push.online("bob", "laptop");
    await push.send("alice", "bob");
    await push.send("alice", "carol");
    await push.pass(300);
    expect(hook.requests).toMatchObject([{ user: "carol", device: "", token: "" }]);
    ackAll(laptop);
    await push.pass(30_000, 250);
    expect(hook.requests.length).toBe(1);
    await push.register("carol", "phone", "of my own", "hook");
    await push.send("alice", "carol");
    await push.pass(300);
    expect(hook.requests.slice(1)).toMatchObject([{ user: "carol", device: "phone", token: "of my own" }]);
  });
});

const ackAll = (socket: { say(frame: object): void; of(type: "changes"): { cursor: string }[] }) =>
  socket.say({ type: "ack", cursor: socket.of("changes").at(-1)?.cursor ?? "" });

describe("preferences", () => {
  test("U9 a muted conversation is silent until the mute ends, and the others are not", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    const { conversation } = await push.send("alice", "bob");
    await push.pass(300);
    await push.store.devices.mute(person("bob"), conversation, push.clock.now() + 60_000);
    await push.send("alice", "bob", "hello", id);
    const other = await push.send("carol", "bob");
    await push.pass(1_000);
    expect(phones.showing("bob phone")).toEqual({ [conversation]: 1, [other.conversation]: 1 });
    expect(await push.why("bob", id)).toMatchObject([{ decision: "drop", reason: "muted" }]);
    await push.pass(60_000, 500);
    expect(phones.requests.length).toBe(2);
    const next = await push.send("alice", "bob");
    await push.pass(300);
    expect(phones.showing("bob phone")).toMatchObject({ [conversation]: next.seq });
  });

  test("U9 messages of quiet hours are notified when these end, once for a conversation, if they are still unread", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    for (const user of ["bob", "carol"]) await push.register(user, "phone");
    const minute = 60_000;
    const text = (at: number): string => new Date(at).toISOString().slice(11, 16);
    const now = push.clock.now();
    const quiet = { from: text(now - minute), to: text(now + 3 * minute), timeZone: "UTC" };
    for (const user of ["bob", "carol"]) await push.store.devices.setQuietHours(person(user), JSON.stringify(quiet));
    await push.send("alice", "bob", "hello", id);
    const last = await push.send("alice", "bob");
    const read = await push.send("alice", "carol");
    await push.pass(1_000);
    expect(await push.why("bob", id)).toMatchObject([{ decision: "wait", reason: "quiet_hours" }]);
    await push.read("carol", read.conversation, read.seq);
    await push.pass(60_000, 250);
    expect(phones.requests).toEqual([]);
    await push.pass(150_000, 500);
    expect(phones.requests).toMatchObject([{ user: "bob", seq: last.seq }]);
  });

  test("U9 a device with notifications turned off is silent, and the other one is not; they can be turned on again", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    for (const device of ["phone", "laptop"]) await push.register("bob", device);
    const turn = (notify: boolean) =>
      push.store.devices.putDevice(person("bob"), "phone", { notify, now: push.clock.now() });
    await turn(false);
    // The app registers its token again at each start.
    await push.register("bob", "phone");
    await push.send("alice", "bob");
    await push.pass(300);
    expect(phones.requests.map(({ device }) => device)).toEqual(["laptop"]);
    await turn(true);
    await push.send("alice", "bob");
    await push.pass(300);
    expect(phones.requests.map(({ device }) => device).toSorted()).toEqual(["laptop", "laptop", "phone"]);
  });
});

describe("a provider in trouble", () => {
  test("U7 is asked again after growing delays, under the same key; later messages are sent in the same notification", async () => {
    let isDown = true;
    const times: number[] = [];
    const phones = createPhones("phones", () => {
      times.push(push.clock.elapsed());
      return isDown ? retry : sent;
    });
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    await push.send("alice", "bob", "hello", id);
    await push.pass(40_000, 50);
    const gaps = times.slice(1).map((time, i) => time - (times[i] ?? 0));
    expect(gaps.length).toBeGreaterThan(3);
    for (const [i, gap] of gaps.entries()) {
      expect(gap).toBeGreaterThanOrEqual(500 * 2 ** i);
      // The queue looks once a second.
      expect(gap).toBeLessThanOrEqual(1_000 * 2 ** i + 1_200);
    }
    expect(new Set(phones.requests.map(({ key }) => key)).size).toBe(1);
    expect(await push.why("bob", id)).toMatchObject([{ decision: "wait", reason: "retrying", answer: "503" }]);
    const next = await push.send("alice", "bob");
    isDown = false;
    await push.pass(70_000, 100);
    expect(Object.values(phones.showing("bob phone"))).toEqual([next.seq]);
    expect(phones.screenOf("bob phone").rings).toBe(1);
    expect(await push.why("bob", id)).toMatchObject([{ reason: "collapsed", collapsedInto: next.seq }]);
  });

  test("U12 is not asked before the time that it named", async () => {
    const times: number[] = [];
    const phones = createPhones("phones", (_, tries) => {
      times.push(push.clock.elapsed());
      return tries === 1 ? { type: "retry", answer: "429", afterMs: 30_000 } : sent;
    });
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    await push.send("alice", "bob");
    await push.pass(40_000, 50);
    expect(times.length).toBe(2);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(30_000);
    expect((times[1] ?? 0) - (times[0] ?? 0)).toBeLessThanOrEqual(34_200);
    expect(phones.screenOf("bob phone").rings).toBe(1);
  });

  test("U7 that refuses finally is not asked again", async () => {
    const phones = createPhones("phones", () => ({ type: "failed", answer: "400 INVALID_ARGUMENT" }));
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    await push.send("alice", "bob", "hello", id);
    await push.pass(60_000, 500);
    expect(phones.requests.length).toBe(1);
    expect(await push.why("bob", id)).toMatchObject([
      { decision: "drop", reason: "failed", answer: "400 INVALID_ARGUMENT" },
    ]);
  });

  test("U7 that is down gets one request at a time, and all notices once it is back", async () => {
    let isDown = true;
    let under = 0;
    let most = 0;
    const phones = createPhones("phones", async () => {
      most = Math.max(most, ++under);
      await Bun.sleep(0);
      under--;
      return isDown ? retry : sent;
    });
    const push = await startPush({ providers: [phones.provider] });
    const users = Array.from({ length: 40 }, (_, i) => `user${i}`);
    for (const user of users) await push.register(user, "phone");
    for (const user of users) await push.send("alice", user);
    await push.pass(2_000, 50);
    const before = phones.requests.length;
    most = 0;
    await push.pass(60_000, 100);
    // Without the breaker, forty notices with a request each second would be thousands of requests.
    expect(phones.requests.length - before).toBeLessThan(20);
    expect(most).toBe(1);
    isDown = false;
    await push.pass(400_000, 500);
    expect(users.every((user) => phones.screenOf(`${user} phone`).rings === 1)).toBe(true);
  });

  test("U7 that hangs or throws delays neither the other providers nor the messages", async () => {
    const hanging = createPhones("hanging", () => new Promise<PushResult>(() => {}));
    const broken = createPhones("broken", () => {
      throw new Error("defect");
    });
    const fine = createPhones("fine");
    const push = await startPush({ providers: [hanging.provider, broken.provider, fine.provider] });
    const users = Array.from({ length: 50 }, (_, i) => `user${i}`);
    for (const user of users)
      for (const name of ["hanging", "broken", "fine"]) await push.register(user, "phone", `${name} ${user}`, name);
    for (let round = 1; round <= 3; round++) {
      for (const user of users) await push.send("alice", user);
      await push.pass(1_000, 50);
      expect(users.every((user) => fine.screenOf(`fine ${user}`).rings === round)).toBe(true);
    }
    expect(hanging.requests.length).toBeLessThanOrEqual(32);
    expect(push.worker.sizes().requests).toBeLessThanOrEqual(32);
    await push.pass(11_000, 100);
    await push.send("alice", "user0", "hello", id);
    await push.pass(300);
    expect((await push.why("user0", id)).find(({ provider }) => provider === "fine")?.reason).toBe("sent");
  });

  test("U7 that does not answer in time is asked again under the same key, and its request is aborted", async () => {
    let aborted = 0;
    const phones = createPhones("phones", () => sent, {
      async send(notice, { signal }) {
        phones.requests.push(notice);
        phones.show(notice);
        if (phones.requests.length > 1) return sent;
        signal.addEventListener("abort", () => void aborted++);
        return await new Promise<PushResult>(() => {});
      },
    });
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    await push.send("alice", "bob", "hello", id);
    await push.pass(15_000, 50);
    expect([phones.requests.length, aborted, phones.screenOf("bob phone").rings]).toEqual([2, 1, 1]);
    expect(new Set(phones.requests.map(({ key }) => key)).size).toBe(1);
    expect(await push.why("bob", id)).toMatchObject([{ decision: "send", reason: "sent" }]);
  });
});

describe("several nodes, and one that ends", () => {
  test("U8 one of them sends; when it leaves the next one does, and nothing is sent twice", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    const other = push.makeWorker(false);
    other.start();
    await push.register("bob", "phone");
    await push.send("alice", "bob");
    await push.pass(10_000, 100);
    expect(phones.requests.length).toBe(1);
    await push.during(push.worker.stop(1_000));
    await push.send("alice", "bob");
    await push.pass(6_000, 100);
    expect(phones.requests.length).toBe(2);
    await push.during(other.stop(1_000));
  });

  test("U8 another node takes over within 30 s from one without a sign of life, which writes nothing more", async () => {
    const { promise: never, resolve: answerLate } = Promise.withResolvers<PushResult>();
    let isFirst = true;
    const phones = createPhones("phones", () => {
      if (!isFirst) return sent;
      isFirst = false;
      return never;
    });
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    await push.send("alice", "bob", "hello", id);
    await push.pass(300);
    expect(phones.requests.length).toBe(1);
    // A node that is paused while it renews its lease.
    push.hanging.add("beat");
    await push.pass(6_000, 100);
    push.hanging.clear();
    const other = push.makeWorker(false);
    other.start();
    await push.pass(30_000, 100);
    expect(phones.screenOf("bob phone").rings).toBe(1);
    answerLate({ type: "failed", answer: "of the paused one" });
    await push.pass(2_000, 100);
    expect(await push.why("bob", id)).toMatchObject([{ decision: "send", reason: "sent", answer: "ok" }]);
    await push.during(other.stop(1_000));
  });

  test("U8 a node does not take the lease from a holder that is alive", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider], isExclusive: false });
    const holder = (await push.store.push.worker()).holder;
    const other = push.makeWorker(false);
    other.start();
    await push.pass(200_000, 1_000);
    expect((await push.store.push.worker()).holder).toBe(holder);
    await push.during(other.stop(1_000));
  });

  test("U5 a worker that ends loses nothing of its memory: the next one reads it from the log", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider], limits: { pushLeaseMs: 4_000 } });
    for (const user of ["bob", "carol"]) await push.register(user, "phone");
    const bob = await push.online("bob", "phone");
    await push.send("alice", "bob");
    await push.pass(2_500, 100);
    // It is killed while it waits for bob's ack; carol's message is in no worker's memory.
    push.kill();
    await push.send("alice", "carol");
    await push.pass(6_000, 100);
    bob.hangUp();
    expect(phones.requests).toEqual([]);
    const fresh = push.makeWorker();
    fresh.start();
    await push.pass(8_000, 100);
    expect(phones.requests.map(({ user }) => user).toSorted()).toEqual(["bob", "carol"]);
    await push.during(fresh.stop(1_000));
  });

  test("U3 U5 a notification that was sent when its worker died, and read before the next one sends it, is removed", async () => {
    let isDying = true;
    let refused = 0;
    const phones = createPhones("phones", (notice) => {
      if (!isDying) return refused++ < 3 ? retry : sent;
      phones.show(notice);
      push.kill();
      return new Promise<PushResult>(() => {});
    });
    const push = await startPush({ providers: [phones.provider], limits: { pushRetryMsMax: 1_000 } });
    await push.register("bob", "phone");
    const { conversation, seq } = await push.send("alice", "bob");
    await push.pass(300);
    expect(phones.showing("bob phone")).toEqual({ [conversation]: seq });
    isDying = false;
    const fresh = push.makeWorker();
    fresh.start();
    await push.pass(200);
    expect(refused).toBe(1);
    await push.read("bob", conversation, seq);
    await push.pass(10_000, 100);
    expect(phones.showing("bob phone")).toEqual({});
    // A notice that became due later was not sent before.
    const { length } = phones.requests;
    await push.online("bob", "phone");
    const next = await push.send("alice", "bob");
    await push.read("bob", next.conversation, next.seq);
    await push.pass(30_000, 100);
    expect(phones.requests.length).toBe(length);
    await push.during(fresh.stop(1_000));
  });

  test("U5 more users than it holds in memory at a time are all notified", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider], limits: { pushUsersMax: 10 } });
    const users = Array.from({ length: 100 }, (_, i) => `user${i}`);
    for (const user of users) await push.register(user, "phone");
    await Promise.all(users.map((user) => push.send("alice", user)));
    let most = 0;
    for (let i = 0; i < 100; i++) {
      await push.pass(50);
      most = Math.max(most, push.worker.sizes().recipients);
    }
    expect(users.filter((user) => phones.screenOf(`${user} phone`).rings !== 1)).toEqual([]);
    expect(phones.requests.length).toBe(100);
    expect(push.worker.sizes()).toEqual({ recipients: 0, readers: 0, blockers: 0, requests: 0, unsettled: 0 });
  });
});

describe("why", () => {
  test("U10 explains a device that has the message, and one without an address; after the days of retention it explains nothing", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider], limits: { pushLogMs: 30_000 } });
    for (const device of ["phone", "laptop"]) await push.register("bob", device);
    const laptop = await push.online("bob", "laptop");
    await push.online("bob", "browser");
    await push.send("alice", "bob", "hello", id);
    await push.pass(200);
    ackAll(laptop);
    await push.pass(10_000, 250);
    const byDevice = (await push.why("bob", id)).toSorted((a, b) => ((a.device ?? "") < (b.device ?? "") ? -1 : 1));
    expect(byDevice).toMatchObject([
      { device: "browser", decision: "drop", reason: "no_devices" },
      { device: "laptop", provider: "phones", decision: "drop", reason: "delivered" },
      { device: "phone", provider: "phones", decision: "send", reason: "sent", answer: "ok" },
    ]);
    expect(byDevice[2]?.time).toBeGreaterThan(0);
    expect(await push.why("carol", id)).toEqual([]);
    await push.pass(120_000, 1_000);
    expect((await push.why("bob", id)).find(({ device }) => device === "phone")?.answer).toBe(undefined);
  });

  test("U10 an address that was deleted is not taken for the next one", async () => {
    const hook = createPhones("hook", () => sent, { reach: "user" });
    const push = await startPush({ providers: [hook.provider] });
    await push.register("bob", "phone", "his own", "hook");
    await push.send("alice", "bob", "hello", id);
    await push.pass(300);
    await push.store.devices.deleteDevice(person("bob"), "phone");
    await push.send("alice", "bob");
    await push.pass(300);
    expect(hook.requests).toMatchObject([{ device: "phone" }, { device: "" }]);
    const [told, ...rest] = await push.why("bob", id);
    expect(told).toMatchObject({ device: "phone", provider: "hook", decision: "send", reason: "sent" });
    expect(rest).toMatchObject([{ provider: "hook", decision: "drop", reason: "no_devices" }]);
  });

  test("U10 says when a notification was removed", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    const { conversation, seq } = await push.send("alice", "bob", "hello", id);
    await push.pass(300);
    await push.read("bob", conversation, seq);
    await push.pass(7_000, 100);
    const [why] = await push.why("bob", id);
    expect(why).toMatchObject({ decision: "send", reason: "sent" });
    expect(why?.clearedAt).toBeGreaterThan(why?.time ?? Infinity);
  });
});

describe("a device that is connected to another node", () => {
  test("U1 H16 is not notified if it acks there, and is notified after its delay if it does not", async () => {
    const bus = createLocalBus();
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider], transport: bus.connect() });
    const { clock } = push;
    const far = await startHub({ clock, limits: calm, transport: bus.connect(), sibling: push });
    for (const user of ["acker", "silent", "away"]) await push.register(user, "phone");
    const sockets = ["acker", "silent"].map((user) => far.connect(user, { device: "phone" }));
    await until(() => sockets.every((socket) => socket.of("changes").some(({ more }) => !more)));
    for (const user of ["acker", "silent", "away"]) await push.send("alice", user);
    await push.pass(600);
    if (sockets[0]) ackAll(sockets[0]);
    expect(phones.requests.map(({ user }) => user)).toEqual(["away"]);
    await push.pass(4_000, 50);
    expect(phones.requests.length).toBe(1);
    await push.pass(6_000, 50);
    expect(phones.requests.map(({ user }) => user)).toEqual(["away", "silent"]);
    await push.pass(30_000, 250);
    expect(phones.requests.length).toBe(2);
    await far.stop();
  });
});
