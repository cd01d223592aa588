import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Engine } from "../../src/store/engine/engine.ts";
import type { Due, Verdict } from "../../src/store/push/due-store.ts";
import type { Store } from "../../src/store/store.ts";
import { accepted, marksCommitted, person, storeOn } from "../support/store.ts";

type Place = { readonly engine: Engine; close(): Promise<void> };

/** The rules of every store about notifications. `open` returns an empty database. */
export function describePushStore(name: string, open: () => Promise<Place>): void {
  describe(name, () => {
    let place: Place;
    let store: Store;
    let tenants = 0;
    const newTenant = (): string => `u${tenants++}`;
    const me = "this node";

    beforeAll(async () => {
      place = await open();
      ({ store } = await storeOn(place.engine, { limits: { ackMessagesMax: 5 } }));
      const found = await store.push.worker();
      expect(await store.push.take(me, found)).toBe(0);
    });
    afterAll(async () => {
      await store.close();
      await place.close();
    });

    const register = (tenant: string, user: string, device: string, token: string, at = 1, isTenantsOwn = false) =>
      store.devices.putDevice(person(user, tenant), device, {
        address: { provider: "p", token, hash: token, isTenantsOwn },
        now: at,
      });
    const send = (tenant: string, from: string, to: string) => accepted(store, { tenant, from, to });
    const undecidedOf = (tenant: string, user: string) => store.push.undecided([person(user, tenant)]);
    /** The due notices of one tenant, without those of other tests in the same database. */
    const dueOf = async (tenant: string, now = 100): Promise<Due[]> =>
      (await store.push.due("p", now, 1_000)).filter((due) => due.tenant === tenant);
    async function enqueue(tenant: string, user: string, upTo: number): Promise<void> {
      const addresses = (await undecidedOf(tenant, user)).map(({ address }) => ({ address, upTo }));
      await store.push.enqueue(me, addresses);
    }
    const done = (due: Due, more: Partial<Verdict> = {}): Verdict => ({
      due,
      until: null,
      isDone: true,
      attempts: 0,
      shown: due.seq,
      log: { decision: "send", reason: "sent", answer: "ok" },
      ...more,
    });

    test("U1 U3 unacked messages are one due notice for a conversation, with the newest of them; U69 a badge leaves out muted conversations and blocked senders", async () => {
      const tenant = newTenant();
      await register(tenant, "bob", "phone", "t1");
      expect(await undecidedOf(tenant, "bob")).toMatchObject([{ i: 0, device: "phone", provider: "p", n: null }]);
      const [first, , other] = [
        await send(tenant, "alice", "bob"),
        await send(tenant, "bob", "alice"),
        await send(tenant, "carol", "bob"),
      ];
      const last = await send(tenant, "alice", "bob");
      expect(await undecidedOf(tenant, "bob")).toMatchObject([{ n: first.n }]);
      await enqueue(tenant, "bob", other.n);
      const places = (await dueOf(tenant)).toSorted((a, b) => a.n - b.n);
      expect(places.map(({ n, seq, first }) => [n, seq, first])).toEqual([
        [first.n, 1, 1],
        [other.n, 1, 1],
      ]);
      expect(await undecidedOf(tenant, "bob")).toMatchObject([{ n: last.n }]);
      await enqueue(tenant, "bob", last.n);
      const due = await dueOf(tenant);
      expect(due.length).toBe(2);
      expect(due.find(({ conversation }) => conversation === first.conversation)).toMatchObject({
        ...{ user: "bob", device: "phone", token: "t1", n: last.n, seq: 3, first: 1, attempts: 0, shown: 0 },
        ...{ acked: 0, isOff: false, read: 0, mutedUntil: null, quietHours: null, isBlocked: false, unread: 2 },
        message: { from: "alice", text: "hello" },
      });
      const people = [person("bob", tenant), person("alice", tenant), person("eve", tenant)];
      expect(await store.push.badges(people, 1)).toEqual([3, 1, 0]);
      // Unread messages of muted conversations and blocked senders are not counted.
      const bob = person("bob", tenant);
      await store.devices.mute(bob, first.conversation, 5);
      const counts = async (now: number) => (await store.push.badges([bob], now))[0];
      expect([await counts(4), await counts(5)]).toEqual([1, 3]);
      await store.devices.mute(bob, first.conversation, "forever");
      expect(await counts(5)).toBe(1);
      await store.relate(bob, [{ other: "carol", blocked: true }]);
      expect(await counts(5)).toBe(0);
      await store.relate(bob, [{ other: "carol", blocked: false }]);
      await store.devices.mute(bob, first.conversation, null);
      expect(await counts(5)).toBe(3);
      // A repeat changes nothing.
      await enqueue(tenant, "bob", last.n);
      expect(await dueOf(tenant)).toEqual(due);
    });

    test("U1 acked messages are not due, and of very many only a part at a time", async () => {
      const tenant = newTenant();
      for (const device of ["phone", "laptop"]) await register(tenant, "bob", device, device);
      await store.openDevice(person("bob", tenant), "laptop");
      const sent = [];
      for (let i = 0; i < 12; i++) sent.push(await send(tenant, "alice", "bob"));
      store.ack(person("bob", tenant), "laptop", sent[10]?.n ?? 0);
      await marksCommitted(store);
      for (let i = 0; i < 8; i++) await marksCommitted(store);
      const last = sent[11]?.n ?? 0;
      const places = async () =>
        Object.fromEntries((await undecidedOf(tenant, "bob")).map(({ device, n }) => [device, n]));
      expect(await places()).toEqual({ phone: sent[0]?.n ?? 0, laptop: last });
      for (const at of [6, 12]) {
        await enqueue(tenant, "bob", last);
        expect(await places()).toEqual({ phone: sent[at]?.n ?? null, laptop: null });
      }
      expect((await dueOf(tenant)).map(({ device, first, seq }) => `${device} ${first}-${seq}`).toSorted()).toEqual([
        "laptop 12-12",
        "phone 1-12",
      ]);
    });

    test("U5 a settled notice is due no more, a message that arrived meanwhile is due at once, and a retry waits for its time", async () => {
      const tenant = newTenant();
      await register(tenant, "bob", "phone", "t2");
      const { n } = await send(tenant, "alice", "bob");
      await enqueue(tenant, "bob", n);
      const [due] = await dueOf(tenant);
      if (!due) throw new Error("nothing is due");
      expect(due.since).toEqual({ type: "position", n });
      const next = await send(tenant, "alice", "bob");
      await enqueue(tenant, "bob", next.n);
      expect(await store.push.settle(me, [done(due)], 30)).toBe(true);
      const [second] = await dueOf(tenant);
      expect(second).toMatchObject({ n: next.n, seq: 2, first: 2, shown: 1 });
      if (!second) throw new Error("nothing is due");
      const retry: Verdict = { due: second, until: 500, isDone: false, attempts: 1 };
      expect(await store.push.settle(me, [retry], 40)).toBe(true);
      expect(await dueOf(tenant, 499)).toEqual([]);
      const [again] = await dueOf(tenant, 500);
      expect(again).toMatchObject({ attempts: 1, first: 2, shown: 1, since: { type: "time", time: 500 } });
      if (!again) throw new Error("nothing is due");
      await store.push.settle(me, [done(again)], 510);
      expect(await dueOf(tenant, 1_000)).toEqual([]);
      const { log } = await store.push.explained(person("bob", tenant), "");
      expect(log).toEqual([]);
    });

    test("U5 a notice with an impossible due time, of a clock that was set back, is due", async () => {
      const tenant = newTenant();
      await register(tenant, "bob", "phone", "t3");
      const { n } = await send(tenant, "alice", "bob");
      await enqueue(tenant, "bob", n);
      const [due] = await dueOf(tenant, 10_000_000);
      if (!due) throw new Error("nothing is due");
      await store.push.settle(me, [{ due, until: 10_000_000_000, isDone: false, attempts: 1 }], 10_000_000);
      expect((await dueOf(tenant, 10_000_000)).length).toBe(1);
      expect((await dueOf(tenant, 9_999_000_000)).length).toBe(0);
    });

    test("U3 a read makes the shown notifications due, on each device", async () => {
      const tenant = newTenant();
      for (const device of ["phone", "tablet"]) await register(tenant, "bob", device, `${device}4`);
      const { n, conversation, seq } = await send(tenant, "alice", "bob");
      await enqueue(tenant, "bob", n);
      await store.push.settle(
        me,
        (await dueOf(tenant)).map((due) => done(due)),
        20,
      );
      const reader = { tenant, user: "bob", conversation, n };
      expect(await store.push.wakeRead(me, [reader], 30)).toBe(false);
      store.read(person("bob", tenant), conversation, seq);
      await marksCommitted(store);
      expect(await store.push.wakeRead("another node", [reader], 30)).toBe(true);
      expect(await dueOf(tenant)).toEqual([]);
      expect(await store.push.wakeRead(me, [reader], 30)).toBe(true);
      const due = await dueOf(tenant);
      expect(due).toMatchObject([
        { shown: 1, first: 2, seq: 1, read: 1 },
        { shown: 1, read: 1 },
      ]);
      await store.push.settle(
        me,
        due.map((each) => done(each, { shown: 0, log: undefined })),
        40,
      );
      expect(await store.push.wakeRead(me, [reader], 50)).toBe(false);
    });

    test("U6 U25 a token has one address in its database, or in each tenant if a device holds several accounts", async () => {
      const tenants = [newTenant(), newTenant()] as const;
      const placesOf = async () => {
        const found = await Promise.all(tenants.map((tenant) => undecidedOf(tenant, "bob")));
        return found.map((addresses) => addresses.length);
      };
      for (const tenant of tenants) await register(tenant, "bob", "phone", "moving", 1, true);
      expect(await placesOf()).toEqual([1, 1]);
      const { n } = await send(tenants[1], "alice", "bob");
      await enqueue(tenants[1], "bob", n);
      expect((await dueOf(tenants[1])).length).toBe(1);
      await register(tenants[0], "bob", "phone", "moving", 2);
      expect(await placesOf()).toEqual([1, 0]);
      expect(await dueOf(tenants[1])).toEqual([]);
    });

    test("U6 a token moves without its notices, and is deleted as dead only if it was not registered again", async () => {
      const [tenant, rival] = [newTenant(), newTenant()];
      await register(tenant, "bob", "phone", "t5");
      await register(rival, "bob", "phone", "other");
      const { n } = await send(tenant, "alice", "bob");
      await enqueue(tenant, "bob", n);
      expect((await dueOf(tenant)).length).toBe(1);
      await register(tenant, "carol", "phone", "t5", 2);
      expect([await dueOf(tenant), await undecidedOf(tenant, "bob")]).toEqual([[], []]);
      expect((await undecidedOf(rival, "bob")).length).toBe(1);
      const next = await send(tenant, "alice", "carol");
      await enqueue(tenant, "carol", next.n);
      const [due] = await dueOf(tenant);
      if (!due) throw new Error("nothing is due");
      await register(tenant, "carol", "phone", "t5", 3);
      const dead = done(due, { isDead: true, shown: undefined });
      await store.push.settle(me, [dead], 50);
      expect((await dueOf(tenant)).length).toBe(1);
      const [fresh] = await dueOf(tenant);
      if (!fresh) throw new Error("nothing is due");
      await store.push.settle(me, [{ ...dead, due: fresh }], 60);
      expect([await dueOf(tenant), await undecidedOf(tenant, "carol")]).toEqual([[], []]);
    });

    test("U6 a user without an address gets one of a provider that needs none, from the message on, until they register", async () => {
      const tenant = newTenant();
      await send(tenant, "alice", "bob");
      const { n } = await send(tenant, "alice", "bob");
      const stirred = [{ tenant, user: "bob", n }];
      for (let i = 0; i < 2; i++) await store.push.addressUsers(me, stirred, { providers: ["p"], now: 1 });
      expect(await undecidedOf(tenant, "bob")).toMatchObject([{ device: "", n }]);
      await store.push.addressUsers("another node", [{ tenant, user: "carol", n }], { providers: ["p"], now: 1 });
      expect(await undecidedOf(tenant, "carol")).toEqual([]);
      await register(tenant, "bob", "phone", "t6");
      expect(await undecidedOf(tenant, "bob")).toMatchObject([{ device: "phone", n: null }]);
      await store.devices.deleteDevice(person("bob", tenant), "phone");
      expect(await undecidedOf(tenant, "bob")).toEqual([]);
    });

    test("U9 mutes and quiet hours belong to one user and their conversations, and have an end", async () => {
      const tenant = newTenant();
      const { conversation } = await send(tenant, "alice", "bob");
      const { devices } = store;
      const bob = person("bob", tenant);
      for (const until of [500, "forever", 700] as const) {
        expect(await devices.mute(bob, conversation, until)).toBe(true);
        expect(await devices.mutedUntil(bob, conversation, 100)).toBe(until);
      }
      expect(await devices.mutedUntil(bob, conversation, 700)).toBe(null);
      expect(await devices.mutedUntil(person("alice", tenant), conversation, 100)).toBe(null);
      // Also where the caller thinks otherwise: a restore may have removed the conversation.
      expect(await devices.mute(person("eve", tenant), conversation, "forever")).toBe(false);
      expect(await devices.mutedUntil(person("eve", tenant), conversation, 100)).toBe(null);
      await devices.mute(bob, conversation, null);
      expect(await devices.mutedUntil(bob, conversation, 100)).toBe(null);
      for (const hours of ["{}", '{"a":1}', null]) {
        await devices.setQuietHours(bob, hours);
        expect(await devices.quietHours(bob)).toBe(hours);
      }
      expect(await devices.quietHours(person("nobody", tenant))).toBe(null);
    });

    test("U5 the recipients, readers and blockers of any part of the log are found", async () => {
      const tenant = newTenant();
      const { n: from } = await store.head();
      const first = await send(tenant, "alice", "bob");
      await send(tenant, "carol", "bob");
      const last = await send(tenant, "bob", "alice");
      store.read(person("bob", tenant), first.conversation, 1);
      await marksCommitted(store);
      const { n: to } = await store.head();
      const { recipients, readers } = await store.push.pendingBetween(from, to);
      expect(recipients.toSorted((a, b) => a.n - b.n)).toEqual([
        { tenant, user: "bob", n: first.n },
        { tenant, user: "alice", n: last.n },
      ]);
      expect(readers).toMatchObject([{ tenant, user: "bob", conversation: first.conversation }]);
      expect((await store.push.pendingBetween(from, first.n)).recipients.length).toBe(1);
      expect(await store.push.pendingBetween(to, to)).toEqual({ recipients: [], readers: [], blockers: [] });
    });

    test("U8 one of several nodes gets the lease, and a node that has lost it writes nothing more", async () => {
      const tenant = newTenant();
      await register(tenant, "bob", "phone", "t7");
      const { n } = await send(tenant, "alice", "bob");
      await enqueue(tenant, "bob", n);
      const [due] = await dueOf(tenant);
      if (!due) throw new Error("nothing is due");
      const found = await store.push.worker();
      expect(found.holder).toBe(me);
      expect(await store.push.beat(me, 7)).toBe(true);
      // It was seen before that beat: the holder is alive.
      expect(await store.push.take("another node", found)).toBe(null);
      const seen = await store.push.worker();
      const takers = ["a", "b", "c"].map((name) => store.push.take(name, seen));
      const won = (await Promise.all(takers)).filter((place) => place !== null);
      expect(won.length).toBe(1);
      expect(won[0]).toBeGreaterThanOrEqual(7);
      expect(await store.push.beat(me, 9)).toBe(false);
      expect(await store.push.settle(me, [done(due)], 50)).toBe(false);
      await store.push.prune(me, 1_000_000);
      const next = await send(tenant, "carol", "bob");
      await enqueue(tenant, "bob", next.n);
      expect((await dueOf(tenant)).length).toBe(1);
      const holder = (await store.push.worker()).holder;
      await store.push.leave(me);
      expect((await store.push.worker()).holder).toBe(holder);
      await store.push.leave(holder);
      const free = await store.push.worker();
      expect(free.holder).toBe("");
      expect(await store.push.take(me, free)).not.toBe(null);
    });

    test("U10 a decision is kept for each of its messages, until it is pruned", async () => {
      const tenant = newTenant();
      await register(tenant, "bob", "phone", "t8");
      const id = "01980000-0000-7000-8000-0000000000e1";
      await accepted(store, { tenant, from: "alice", to: "bob", id });
      const { n } = await send(tenant, "alice", "bob");
      await enqueue(tenant, "bob", n);
      await store.push.settle(
        me,
        (await dueOf(tenant)).map((due) => done(due)),
        1_000,
      );
      const { messages, devices, log } = await store.push.explained(person("bob", tenant), id);
      expect(messages).toMatchObject([{ from: "alice", seq: 1 }]);
      expect(devices).toMatchObject([{ device: "phone", provider: "p" }]);
      expect(log).toMatchObject([{ first: 1, seq: 2, decision: "send", reason: "sent", answer: "ok", time: 1_000 }]);
      expect((await store.push.explained(person("alice", tenant), id)).messages).toEqual([]);
      await store.push.prune(me, 1_000);
      expect((await store.push.explained(person("bob", tenant), id)).log.length).toBe(1);
      await store.push.prune(me, 1_001);
      expect((await store.push.explained(person("bob", tenant), id)).log).toEqual([]);
    });
  });
}
