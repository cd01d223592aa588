import { afterEach, describe, expect, test } from "bun:test";
import { person } from "../support/store.ts";
import { createPhones, sent } from "./support/phone.ts";
import { startPush, stopAll } from "./support/start.ts";

afterEach(stopAll);

const ackAll = (socket: { say(frame: object): void; of(type: "changes"): { cursor: string }[] }) =>
  socket.say({ type: "ack", cursor: socket.of("changes").at(-1)?.cursor ?? "" });

describe("the time of a notification", () => {
  test("U1 a device without a connection is notified at once, and once", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    const { conversation } = await push.send("alice", "bob");
    await push.pass(300);
    expect(phones.showing("bob phone")).toEqual({ [conversation]: 1 });
    await push.pass(60_000, 500);
    expect(phones.requests.length).toBe(1);
    expect(push.faults).toEqual([]);
  });

  test("U1 a connected device that acks is not notified; one that does not ack is, after the delay of its presence", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    for (const user of ["acker", "active", "idle"]) await push.register(user, "phone");
    const idle = await push.online("idle", "phone");
    await push.pass(70_000, 1_000);
    const [acker, active] = [await push.online("acker", "phone"), await push.online("active", "phone")];
    for (const user of ["acker", "active", "idle"]) await push.send("alice", user);
    await push.pass(300);
    ackAll(acker);
    const at = async (ms: number): Promise<string[]> => {
      await push.pass(ms);
      return phones.requests.map(({ user }) => user);
    };
    expect(await at(4_300)).toEqual([]);
    expect(await at(1_000)).toEqual(["active"]);
    expect(await at(14_000)).toEqual(["active"]);
    expect(await at(1_500)).toEqual(["active", "idle"]);
    expect(await at(60_000)).toEqual(["active", "idle"]);
    expect(active.of("changes").length + idle.of("changes").length).toBeGreaterThan(0);
    expect(push.worker.sizes()).toMatchObject({ recipients: 0, readers: 0, requests: 0, unsettled: 0 });
  });

  test("U1 pings alone are no activity: a phone that sleeps with an open socket is idle", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    for (const user of ["sleeper", "typist"]) await push.register(user, "phone");
    const [sleeper, typist] = [await push.online("sleeper", "phone"), await push.online("typist", "phone")];
    for (let i = 0; i < 14; i++) {
      await push.pass(5_000, 1_000);
      sleeper.say({ type: "ping", id: "1" });
      typist.say({ type: "typing", to: "alice", typing: true });
    }
    for (const user of ["sleeper", "typist"]) await push.send("alice", user);
    await push.pass(6_000, 100);
    expect(phones.requests.map(({ user }) => user)).toEqual(["typist"]);
    await push.pass(16_000, 100);
    expect(phones.requests.map(({ user }) => user)).toEqual(["typist", "sleeper"]);
  });

  test("U1 devices are independent: the disconnected phone is notified while the laptop acks, also in a stream of messages", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    for (const device of ["phone", "laptop"]) await push.register("bob", device);
    const laptop = await push.online("bob", "laptop");
    for (let i = 1; i <= 20; i++) {
      const { seq } = await push.send("alice", "bob");
      await push.pass(250);
      ackAll(laptop);
      expect(Object.values(phones.showing("bob phone"))).toEqual([seq]);
    }
    await push.pass(30_000, 250);
    expect(phones.showing("bob laptop")).toEqual({});
  });

  test("U1 a stream to a device that acks a little late never notifies it", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    const phone = await push.online("bob", "phone");
    for (let i = 0; i < 40; i++) {
      await push.send("alice", "bob");
      await push.pass(300, 50);
      if (i % 4 === 0) ackAll(phone);
    }
    ackAll(phone);
    await push.pass(30_000, 250);
    expect(phones.requests).toEqual([]);
  });

  test("U1 a clock that is set delays no notification, and causes none", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    for (const user of ["away", "here"]) await push.register(user, "phone");
    const here = await push.online("here", "phone");
    const now = push.clock.now;
    for (const jumpMs of [-3_600_000, 3_600_000]) {
      push.clock.now = () => now() + jumpMs;
      for (const user of ["away", "here"]) await push.send("alice", user);
      await push.pass(400);
      ackAll(here);
      await push.pass(600);
    }
    expect(phones.requests.map(({ user }) => user)).toEqual(["away", "away"]);
    push.clock.now = () => now() - 3_600_000;
    await push.send("alice", "here");
    await push.pass(4_500);
    expect(phones.requests.length).toBe(2);
    await push.pass(1_000);
    expect(phones.requests.length).toBe(3);
  });
});

describe("just before sending", () => {
  /** Sends a message, and runs `happens` while its notice waits. */
  async function waiting(
    happens: (
      push: Awaited<ReturnType<typeof startPush>>,
      place: { conversation: string; seq: number; n: number },
    ) => Promise<void>,
  ) {
    let isDown = true;
    const phones = createPhones("phones", () => (isDown ? { type: "retry", answer: "down" } : sent));
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    const id = "01980000-0000-7000-8000-00000000cafe";
    const place = await push.send("alice", "bob", "hello", id);
    await push.pass(200);
    await happens(push, place);
    isDown = false;
    await push.pass(10_000, 100);
    const [why] = await push.why("bob", id);
    return { phones, why, push };
  }

  test("control: U2 a message without such a change is notified once the provider is back", async () => {
    const { phones, why } = await waiting(async () => {});
    expect(phones.screenOf("bob phone").rings).toBe(1);
    expect(why).toMatchObject({ decision: "send", reason: "sent", answer: "ok", device: "phone", provider: "phones" });
  });

  test("U2 does not notify of a message that was read elsewhere", async () => {
    const { phones, why } = await waiting((push, { conversation, seq }) => push.read("bob", conversation, seq));
    expect(phones.screenOf("bob phone").rings).toBe(0);
    expect(why).toMatchObject({ decision: "drop", reason: "read" });
  });

  test("U2 does not notify a device that has acked the message", async () => {
    const { phones, why } = await waiting((push, { n }) => push.ack("bob", "phone", n));
    expect(phones.screenOf("bob phone").rings).toBe(0);
    expect(why).toMatchObject({ decision: "drop", reason: "delivered" });
  });

  test("U2 does not notify of a blocked sender or a muted conversation, nor on a device where it is turned off", async () => {
    const blocked = await waiting((push) =>
      push.during(push.store.relate(person("bob"), [{ other: "alice", blocked: true }])),
    );
    expect(blocked.why).toMatchObject({ decision: "drop", reason: "blocked" });
    const muted = await waiting(async (push, { conversation }) => {
      await push.store.devices.mute(person("bob"), conversation, "forever");
    });
    expect(muted.why).toMatchObject({ decision: "drop", reason: "muted" });
    const off = await waiting((push) =>
      push.store.devices.putDevice(person("bob"), "phone", { notify: false, now: push.clock.now() }),
    );
    expect(off.why).toMatchObject({ decision: "drop", reason: "muted" });
    for (const { phones } of [blocked, muted, off]) expect(phones.screenOf("bob phone").rings).toBe(0);
  });

  test("U2 U6 does not notify a device that was logged out", async () => {
    const { phones, why, push } = await waiting((push) => push.store.devices.deleteDevice(person("bob"), "phone"));
    expect(phones.screenOf("bob phone").rings).toBe(0);
    expect(why).toMatchObject({ reason: "retrying" });
    await push.send("alice", "bob");
    await push.pass(2_000);
    expect(phones.screenOf("bob phone").rings).toBe(0);
  });

  test("U2 does not notify of a message that is too old", async () => {
    let isDown = true;
    const phones = createPhones("phones", () => (isDown ? { type: "retry", answer: "down" } : sent));
    const push = await startPush({ providers: [phones.provider], limits: { pushExpiryMs: 60_000 } });
    await push.register("bob", "phone");
    const id = "01980000-0000-7000-8000-00000000cafe";
    await push.send("alice", "bob", "hello", id);
    await push.pass(90_000, 500);
    isDown = false;
    await push.pass(60_000, 500);
    expect(phones.screenOf("bob phone").rings).toBe(0);
    expect(await push.why("bob", id)).toMatchObject([{ decision: "drop", reason: "expired" }]);
  });
});

describe("one notification per conversation", () => {
  test("U3 it shows the newest message, with the number of unread ones at that moment", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    const first = await push.send("alice", "bob");
    await push.pass(300);
    await push.send("alice", "bob");
    const other = await push.send("carol", "bob");
    await push.pass(300);
    const last = await push.send("alice", "bob");
    await push.pass(300);
    expect(phones.showing("bob phone")).toEqual({ [first.conversation]: last.seq, [other.conversation]: 1 });
    expect(phones.screenOf("bob phone").badge).toBe(4);
    const [shown] = [...phones.screenOf("bob phone").shown.values()].filter(({ seq }) => seq === last.seq);
    expect(shown).toMatchObject({ unread: 3, conversation: first.conversation });
    expect(shown?.tag).toMatch(/^[A-Za-z0-9_-]{32}$/);
    expect(new Set(phones.requests.map(({ tag }) => tag)).size).toBe(2);
    expect(phones.violations).toEqual([]);
  });

  test("U3 messages of a short time share one notification, and each is explained by it", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    const ids = Array.from({ length: 5 }, (_, i) => `01980000-0000-7000-8000-00000000000${i}`);
    await Promise.all(ids.map((id) => push.send("alice", "bob", id, id)));
    await push.pass(500);
    expect(phones.requests.length).toBeLessThan(3);
    expect(Object.values(phones.showing("bob phone"))).toEqual([5]);
    const whys = await Promise.all(ids.map((id) => push.why("bob", id)));
    expect(whys.at(-1)).toMatchObject([{ decision: "send", reason: "sent" }]);
    for (const [why] of whys.slice(0, -1)) expect(["collapsed", "sent"].includes(why?.reason ?? "")).toBe(true);
    expect(whys[0]?.[0]?.reason).toBe("collapsed");
    expect(whys[0]?.[0]?.collapsedInto).toBeGreaterThan(1);
  });

  test("U3 once it is read it is removed from the other devices, without a request to one that knows", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    for (const device of ["phone", "tablet"]) await push.register("bob", device);
    const { conversation, seq } = await push.send("alice", "bob");
    await push.send("carol", "bob");
    await push.pass(300);
    expect(Object.keys(phones.showing("bob tablet")).length).toBe(2);
    const phone = await push.online("bob", "phone");
    phone.say({ type: "read", conversation, seq });
    await push.pass(1_000);
    ackAll(phone);
    await push.pass(6_000, 100);
    const clears = phones.requests.filter(({ kind }) => kind === "clear");
    expect(clears).toMatchObject([{ device: "tablet", conversation, seq, badge: 1, title: "", body: "", data: {} }]);
    expect(Object.keys(phones.showing("bob tablet")).length).toBe(1);
    await push.pass(60_000, 1_000);
    expect(phones.requests.filter(({ kind }) => kind === "clear").length).toBe(1);
  });

  test("U69 after a block the sender's notifications are removed from all devices, and their messages from the badge", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    for (const device of ["phone", "tablet"]) await push.register("bob", device);
    const { conversation, seq } = await push.send("alice", "bob");
    const other = await push.send("carol", "bob");
    await push.pass(300);
    expect(phones.screenOf("bob phone").badge).toBe(2);
    // A device that knows of the block gets a clear too: a block does not make it remove notifications.
    await push.online("bob", "phone");
    await push.during(push.store.relate(person("bob"), [{ other: "alice", blocked: true }]));
    await push.pass(1_000);
    for (const device of ["phone", "tablet"]) {
      expect(phones.showing(`bob ${device}`)).toEqual({ [other.conversation]: 1 });
      expect(phones.screenOf(`bob ${device}`).badge).toBe(1);
    }
    const clears = phones.requests.filter(({ kind }) => kind === "clear");
    expect(clears.length).toBe(2);
    for (const clear of clears) expect(clear).toMatchObject({ conversation, seq, badge: 1 });
    // No other user's, and not again.
    await push.during(push.store.relate(person("carol"), [{ other: "bob", blocked: true }]));
    await push.pass(60_000, 1_000);
    expect(phones.requests.filter(({ kind }) => kind === "clear").length).toBe(2);
    expect(push.worker.sizes()).toMatchObject({ blockers: 0, requests: 0, unsettled: 0 });
  });

  test("U69 also after a block during the request, in quiet hours, or while no worker ran", async () => {
    let answer: () => void = () => {};
    let isSlow = true;
    const phones = createPhones("phones", async ({ kind }) => {
      if (isSlow && kind === "message") await new Promise<void>((resolve) => (answer = resolve));
      return sent;
    });
    const push = await startPush({ providers: [phones.provider] });
    const says = (other: string, blocked: boolean) =>
      push.during(push.store.relate(person("bob"), [{ other, blocked }]));
    await push.register("bob", "phone");
    await push.send("alice", "bob");
    await push.pass(300);
    await says("alice", true);
    await push.pass(300);
    expect(phones.requests.length).toBe(1);
    answer();
    await push.pass(1_000);
    expect(phones.showing("bob phone")).toEqual({});

    isSlow = false;
    await push.send("carol", "bob");
    await push.pass(300);
    const minute = (at: number): string => new Date(at).toISOString().slice(11, 16);
    const now = push.clock.now();
    const hours = { from: minute(now - 60_000), to: minute(now + 600_000), timeZone: "UTC" };
    await push.store.devices.setQuietHours(person("bob"), JSON.stringify(hours));
    await push.send("carol", "bob");
    await push.pass(300);
    await says("carol", true);
    await push.pass(1_000);
    expect(phones.showing("bob phone")).toEqual({});

    await push.store.devices.setQuietHours(person("bob"), null);
    await push.send("dave", "bob");
    await push.pass(300);
    expect(Object.keys(phones.showing("bob phone")).length).toBe(1);
    await push.during(push.worker.stop(1_000));
    await says("dave", true);
    push.makeWorker().start();
    await push.pass(2_000);
    expect(phones.showing("bob phone")).toEqual({});
  });

  test("U3 it is removed also while a newer message waits, which then is not notified", async () => {
    for (const way of ["vetoed", "failed"]) {
      const phones = createPhones("phones", ({ body }) => (body === "no" ? { type: "failed", answer: "never" } : sent));
      const push = await startPush({
        providers: [phones.provider],
        onPush: (draft) => (way === "vetoed" && draft.seq === 2 ? null : { ...draft, body: draft.message.text }),
      });
      await push.register("bob", "phone");
      const { conversation, seq } = await push.send("alice", "bob");
      await push.pass(300);
      const minute = (at: number): string => new Date(at).toISOString().slice(11, 16);
      const now = push.clock.now();
      const hours = { from: minute(now - 60_000), to: minute(now + 120_000), timeZone: "UTC" };
      await push.store.devices.setQuietHours(person("bob"), JSON.stringify(hours));
      const id = "01980000-0000-7000-8000-00000000beef";
      await push.send("alice", "bob", "no", id);
      await push.read("bob", conversation, seq);
      await push.pass(10_000, 250);
      expect(phones.showing("bob phone")).toEqual({ [conversation]: 1 });
      await push.pass(140_000, 1_000);
      expect(await push.why("bob", id)).toMatchObject([{ decision: "drop", reason: way }]);
      expect(phones.showing("bob phone")).toEqual({});
    }
  });

  test("U3 a provider that cannot remove it yet is asked until it does", async () => {
    const phones = createPhones("phones", ({ kind }, tries) =>
      kind === "clear" && tries < 16 ? { type: "retry", answer: "busy" } : sent,
    );
    const push = await startPush({ providers: [phones.provider], limits: { pushRetryMsMax: 1_000 } });
    await push.register("bob", "phone");
    const { conversation, seq } = await push.send("alice", "bob");
    await push.pass(300);
    await push.read("bob", conversation, seq);
    await push.pass(30_000, 100);
    expect(phones.showing("bob phone")).toEqual({});
  });

  test("U3 a message after the removal is notified again", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    const { conversation, seq } = await push.send("alice", "bob");
    await push.pass(300);
    await push.read("bob", conversation, seq);
    await push.pass(6_000, 100);
    expect(phones.showing("bob phone")).toEqual({});
    const next = await push.send("alice", "bob");
    await push.pass(300);
    expect(phones.showing("bob phone")).toEqual({ [conversation]: next.seq });
    expect(phones.screenOf("bob phone")).toMatchObject({ rings: 2, badge: 1 });
  });
});

describe("the content", () => {
  test("U4 is nothing of the message, by default", async () => {
    const phones = createPhones();
    const push = await startPush({ providers: [phones.provider] });
    await push.register("bob", "phone");
    await push.send("alice", "bob", "a canary in the text");
    await push.pass(300);
    const [notice] = phones.requests;
    expect(notice).toMatchObject({ title: "New message", body: "", data: {}, kind: "message", unread: 1, badge: 1 });
    expect(JSON.stringify(notice)).not.toMatch(/canary|alice/);
  });

  test("U4 is the host's, and nothing is sent if the host returns null", async () => {
    const phones = createPhones();
    const push = await startPush({
      providers: [phones.provider],
      onPush: (draft) =>
        draft.message.text === "secret"
          ? null
          : { ...draft, title: draft.message.from, body: draft.message.text, data: { a: "1" }, seq: 99, user: "eve" },
    });
    await push.register("bob", "phone");
    await push.send("alice", "bob", "hi");
    await push.pass(300);
    expect(phones.requests).toMatchObject([{ title: "alice", body: "hi", data: { a: "1" }, seq: 1, user: "bob" }]);
    const id = "01980000-0000-7000-8000-00000000cafe";
    await push.send("alice", "bob", "secret", id);
    await push.pass(300);
    expect(phones.requests.length).toBe(1);
    expect(await push.why("bob", id)).toMatchObject([{ decision: "drop", reason: "vetoed" }]);
  });

  test("U70 has the host's options; an unknown or invalid one is refused, and its field reported", async () => {
    const answers: [options: object, fault: string | null][] = [
      [{ mutableContent: true, channel: "chats", sound: "ding.caf", category: "MESSAGE", dataOnly: true }, null],
      [{ channel: "x".repeat(64), image: `https://app.example/${"x".repeat(1_024 - 20)}` }, null],
      [{ chanel: "chats" }, "options.chanel"],
      [{ channel: "x".repeat(65) }, "options.channel"],
      [{ sound: "" }, "options.sound"],
      [{ category: "a\nb" }, "options.category"],
      [{ image: "http://app.example/a.png" }, "options.image"],
      [{ image: "https://user:password@app.example/a.png" }, "options.image"],
      [{ image: `https://app.example/${"x".repeat(1_024 - 19)}` }, "options.image"],
      [{ dataOnly: "yes" }, "options.dataOnly"],
    ];
    for (const [options, fault] of answers) {
      const phones = createPhones();
      const push = await startPush({
        providers: [phones.provider],
        onPush: (draft) => ({ ...draft, title: "a canary", options }),
      });
      await push.register("bob", "phone");
      const { conversation, seq } = await push.send("alice", "bob");
      await push.pass(300);
      const shown = fault === null ? { title: "a canary", options } : { title: "New message", options: {} };
      expect(phones.requests).toMatchObject([shown]);
      expect(push.faults.map(String)).toEqual(
        fault === null ? [] : [`Error: onPush answered no draft: ${fault} is unknown, or not as it must be`],
      );
      await push.read("bob", conversation, seq);
      await push.pass(6_000, 100);
      expect(phones.requests[1]).toMatchObject({ kind: "clear", options: {} });
    }
  });

  test("U4 is the safe default if the host throws, returns nonsense, or does not answer", async () => {
    const answers: (() => unknown)[] = [
      () => {
        throw new Error("defect");
      },
      () => ({ title: 7 }),
      () => undefined,
      () => new Promise(() => {}),
      () => Promise.reject(new Error("defect")),
    ];
    const phones = createPhones();
    const push = await startPush({
      providers: [phones.provider],
      onPush: () => answers.shift()?.() as never,
    });
    await push.register("bob", "phone");
    for (let i = 1; i <= 5; i++) {
      await push.send("alice", "bob", "a canary");
      await push.pass(6_000, 100);
      expect(phones.requests.length).toBe(i);
    }
    for (const notice of phones.requests) expect(notice).toMatchObject({ title: "New message", body: "", data: {} });
    // Of a fault at each message, one in a minute is reported.
    expect(push.faults.length).toBe(1);
  });
});
