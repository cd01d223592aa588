import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Change } from "../../src/model.ts";
import type { Engine, Row, Value } from "../../src/store/engine/engine.ts";
import type { SweptTo } from "../../src/store/push/device-store.ts";
import { newest } from "../../src/store/read/history.ts";
import type { Accepted, Commit, Store } from "../../src/store/store.ts";
import { fakeClock } from "../support/fake-clock.ts";
import { accepted, append, person, readAll, storeOn } from "../support/store.ts";

type Place = { readonly engine: Engine; close(): Promise<void> };
type Options = { readonly runs: number };

const receiptsOf = (changes: readonly Change[], user: string) =>
  changes.flatMap((change) => (change.kind === "receipt" && change.user === user ? [change] : []));

/** What every store must hold to about how much one user can make, and what of it one commit or one look-up carries. */
export function describeBounds(name: string, open: () => Promise<Place>, { runs }: Options): void {
  describe(name, () => {
    let place: Place;
    let store: Store;
    const commits: Commit[] = [];
    let tenants = 0;
    const newTenant = (): string => `b${tenants++}`;

    beforeAll(async () => {
      place = await open();
      ({ store } = await storeOn(place.engine, { limits: { devicesPerUserMax: 3, relationsMax: 30 } }));
      store.onCommit((commit) => commits.push(commit));
    });
    afterAll(async () => {
      await store.close();
      await place.close();
    });

    const select = async (sql: string, ...args: readonly Value[]): Promise<Row[]> =>
      (await place.engine.read([{ sql, args }]))[0] ?? [];
    const keyOf = async (tenant: string, user: string): Promise<number> =>
      Number((await select("SELECT key FROM tidings_user WHERE tenant = ?1 AND id = ?2", tenant, user))[0]?.["key"]);
    const read = (tenant: string, user: string, to: { conversation: string; seq: number }): Promise<boolean> =>
      new Promise((resolve) => store.read(person(user, tenant), to.conversation, to.seq, resolve));
    const ack = (tenant: string, user: string, to: { device: string; n: number }): Promise<boolean> =>
      new Promise((resolve) => store.ack(person(user, tenant), to.device, to.n, resolve));
    const marksOf = async (tenant: string, user: string) =>
      (await store.conversations(person(user, tenant), { below: newest, limit: 1 })).conversations[0];

    describe("read marks", () => {
      test("S30 each message knows the newest of the other before it, for any mix of senders and targets in one commit", async () => {
        const user = fc.constantFrom("alice", "bob");
        const commit = fc.array(fc.record({ from: user, byKey: fc.boolean() }), { minLength: 1, maxLength: 9 });
        await fc.assert(
          fc.asyncProperty(fc.array(commit, { minLength: 1, maxLength: 5 }), async (list) => {
            const tenant = newTenant();
            const { conversation } = await accepted(store, { tenant, from: "alice", to: "bob" });
            for (const sends of list)
              await Promise.all(
                sends.map(({ from, byKey }) =>
                  append(store, {
                    ...{ tenant, from },
                    ...(byKey ? { conversation } : { to: from === "bob" ? "alice" : "bob" }),
                  }),
                ),
              );
            const rows = await select(
              `SELECT m.seq, m.sender, m.other_seq FROM tidings_message m WHERE m.conversation = ?1 ORDER BY m.seq`,
              Number.parseInt(conversation.slice(1), 36),
            );
            for (const [i, row] of rows.entries()) {
              const before = rows.slice(0, i).findLast(({ sender }) => sender !== row["sender"]);
              expect([row["seq"], row["other_seq"]]).toEqual([row["seq"] ?? null, before?.["seq"] ?? 0]);
            }
          }),
          { numRuns: runs },
        );
      });

      test("S30 S5 O9 a mark lands on the newest message of the other, wherever one reads to", async () => {
        await fc.assert(
          fc.asyncProperty(
            fc.array(fc.constantFrom("alice", "bob"), { minLength: 2, maxLength: 12 }),
            fc.array(fc.integer({ min: 0, max: 14 }), { minLength: 1, maxLength: 4 }),
            async (senders, seqs) => {
              const tenant = newTenant();
              const sent = [];
              for (const from of senders)
                sent.push(await accepted(store, { tenant, from, to: from === "bob" ? "alice" : "bob" }));
              const { conversation = "" } = sent[0] ?? {};
              let expected = 0;
              for (const seq of seqs) {
                await read(tenant, "bob", { conversation, seq });
                expected = Math.max(expected, senders.slice(0, seq).lastIndexOf("alice") + 1);
                expect(await marksOf(tenant, "bob")).toMatchObject({
                  read: expected,
                  delivered: expected,
                  unread: senders.slice(expected).filter((from) => from === "alice").length,
                });
              }
            },
          ),
          { numRuns: runs },
        );
      });

      test("S30 O9 messages of before that was stored are read as well: unread is exact, and nothing goes back", async () => {
        const tenant = newTenant();
        const { conversation } = await accepted(store, { tenant, from: "alice", to: "bob" });
        for (const count of [10, 60])
          await Promise.all(
            Array.from({ length: count }, (_, i) =>
              accepted(store, { tenant, from: i === 0 ? "alice" : "bob", conversation }),
            ),
          );
        await accepted(store, { tenant, from: "alice", conversation });
        const key = Number.parseInt(conversation.slice(1), 36);
        await place.engine.write([
          { sql: "UPDATE tidings_message SET other_seq = NULL WHERE conversation = ?1", args: [key] },
        ]);
        const alices = [1, 2, 12, 72];
        let before = 0;
        for (const seq of [1, 9, 11, 20, 70, 71, 72]) {
          await read(tenant, "bob", { conversation, seq });
          const { read: mark = 0, delivered, unread } = (await marksOf(tenant, "bob")) ?? {};
          expect(unread).toBe(alices.filter((one) => one > seq).length);
          expect(mark).toBeLessThanOrEqual(seq);
          expect(mark).toBeGreaterThanOrEqual(Math.max(before, alices.findLast((one) => one <= seq) ?? 0));
          expect(delivered).toBe(mark);
          before = mark;
        }
      });
    });

    describe("acks", () => {
      test("S31 S8 the acks of one commit look at a bounded number of rows, and all are carried on", async () => {
        const { store: small } = await storeOn(place.engine, { limits: { ackMessagesMax: 6 } });
        const seen: Commit[] = [];
        small.onCommit((commit) => seen.push(commit));
        const tenant = newTenant();
        const users = ["u1", "u2", "u3"];
        const devices = ["phone", "laptop"];
        for (const user of users) for (const device of devices) await small.openDevice(person(user, tenant), device);
        // So many conversations that nobody's are looked at one by one.
        const sent = await Promise.all(
          Array.from({ length: 180 }, (_, i) =>
            accepted(small, { tenant, from: `sender ${Math.floor(i / 3)}`, to: users[i % 3] ?? "" }),
          ),
        );
        const last = sent.at(-1)?.n ?? 0;
        const from = seen.length;
        const settled = users.flatMap((user) =>
          devices.map(
            (device, i) => new Promise((resolve) => small.ack(person(user, tenant), device, last - 15 * i, resolve)),
          ),
        );
        let sendAfter = 0;
        await new Promise<void>((resolve) => {
          small.onCommit(() => {
            if (sendAfter > 0) return;
            sendAfter = seen.length;
            void accepted(small, { tenant, from: "bob", to: "carol" }).then(() => resolve());
          });
        });
        expect(await Promise.all(settled)).toEqual(settled.map(() => true));
        const marks = new Map<string, number>();
        const covered = seen.slice(from).map(({ entries }) => {
          let rows = 0;
          for (const { change } of entries) {
            if (change.kind !== "receipt") continue;
            rows++;
            marks.set(change.user, (marks.get(change.user) ?? 0) + 1);
          }
          return rows;
        });
        expect(Math.max(...covered)).toBeLessThanOrEqual(32 + 4 * 6);
        expect(covered.reduce((sum, rows) => sum + rows, 0)).toBe(180);
        expect([...marks.values()]).toEqual([60, 60, 60]);
        // A send waits for one commit of theirs at most.
        const sends = seen.findIndex(({ entries }) =>
          entries.some(({ change }) => change.kind === "message" && change.to === "carol"),
        );
        expect(sends - sendAfter).toBeLessThanOrEqual(1);
        expect(covered.slice(sends + 1 - from).some((rows) => rows > 0)).toBe(true);
        for (const user of users) {
          expect((await small.openDevice(person(user, tenant), "phone")).synced).toBe(last);
          expect((await small.openDevice(person(user, tenant), "laptop")).synced).toBe(last - 15);
        }
      });
    });

    describe("devices", () => {
      const devicesOf = async (tenant: string, user: string): Promise<string[]> =>
        (
          await select("SELECT device FROM tidings_device WHERE user = ?1 ORDER BY device", await keyOf(tenant, user))
        ).map((row) => String(row["device"]));
      /** As if each had been seen at another time, the first one longest ago. */
      const seenInTurn = async (tenant: string, user: string, devices: readonly string[]) => {
        const key = await keyOf(tenant, user);
        await place.engine.write(
          devices.map((device, i) => ({
            sql: "UPDATE tidings_device SET seen = ?3 WHERE user = ?1 AND device = ?2",
            args: [key, device, 1_000 + i],
          })),
        );
      };

      test("S32 of too many devices the one that was not seen for longest is forgotten, with its addresses only", async () => {
        const tenant = newTenant();
        const bob = person("bob", tenant);
        await store.openDevice(person("eve", tenant), "phone");
        for (const [i, device] of ["a", "b", "c"].entries())
          await store.devices.putDevice(bob, device, {
            address: { provider: "fcm", token: `${tenant} ${device}`, hash: `${tenant} ${device}` },
            now: 1_000 + i,
          });
        await seenInTurn(tenant, "bob", ["b", "a", "c"]);
        const addresses = async () =>
          (
            await select(
              "SELECT device FROM tidings_push_address WHERE user = ?1 ORDER BY device",
              await keyOf(tenant, "bob"),
            )
          ).map((row) => row["device"]);
        await store.openDevice(bob, "d");
        expect([await devicesOf(tenant, "bob"), await addresses()]).toEqual([
          ["a", "c", "d"],
          ["a", "c"],
        ]);
        await store.devices.putDevice(bob, "e", { notify: false, now: Date.now() });
        expect([await devicesOf(tenant, "bob"), await addresses()]).toEqual([["c", "d", "e"], ["c"]]);
        await store.history(bob, { undelivered: "f", order: { up: 0 }, limit: 1 });
        expect([await devicesOf(tenant, "bob"), await addresses()]).toEqual([["d", "e", "f"], []]);
        expect(await devicesOf(tenant, "eve")).toEqual(["phone"]);
      });

      test("S32 a device that is made is never the one that goes, whatever the clock said before, nor with many at once", async () => {
        const tenant = newTenant();
        const bob = person("bob", tenant);
        for (const device of ["a", "b", "c"]) await store.openDevice(bob, device);
        await place.engine.write([
          { sql: "UPDATE tidings_device SET seen = ?1 WHERE user = ?2", args: [9e15, await keyOf(tenant, "bob")] },
        ]);
        expect((await store.openDevice(bob, "d")).synced).toBe(0);
        expect(await devicesOf(tenant, "bob")).toHaveLength(3);
        await Promise.allSettled(Array.from({ length: 9 }, (_, i) => store.openDevice(bob, `z${i}`)));
        expect(await devicesOf(tenant, "bob")).toHaveLength(3);
      });

      test("S32 S4 a forgotten device that comes back with its own cursor starts there, without one as a new one does", async () => {
        const tenant = newTenant();
        const bob = person("bob", tenant);
        const sent: Accepted[] = [];
        for (let i = 0; i < 4; i++)
          sent.push(await accepted(store, { tenant, from: "alice", to: "bob", text: `${i}` }));
        const at = (i: number): number => sent[i]?.n ?? 0;
        await store.openDevice(bob, "old");
        await ack(tenant, "bob", { device: "old", n: at(0) });
        await store.openDevice(bob, "phone");
        await ack(tenant, "bob", { device: "phone", n: at(2) });
        const forget = async () => {
          await seenInTurn(tenant, "bob", ["old", "x", "y", "z", "phone"]);
          for (const device of ["x", "y", "z"]) await store.openDevice(bob, device);
          await seenInTurn(tenant, "bob", ["x", "y", "z", "old", "phone"]);
          expect(await devicesOf(tenant, "bob")).not.toContain("old");
          await store.openDevice(bob, "phone");
          await ack(tenant, "bob", { device: "phone", n: at(2) });
        };
        await forget();
        expect((await store.openDevice(bob, "old", { after: at(1) })).synced).toBe(at(1));
        const page = await store.history(bob, { undelivered: "old", order: { up: 0 }, limit: 9 });
        expect(page?.messages.map(({ text }) => text)).toEqual(["2", "3"]);
        await forget();
        expect((await store.openDevice(bob, "old")).synced).toBe(at(2));
        await forget();
        expect((await store.openDevice(bob, "old", { after: at(3) })).synced).toBe(at(2));
      });

      test("S32 P27 an ack of a forgotten device that is still connected is stored, and delivers", async () => {
        const tenant = newTenant();
        const bob = person("bob", tenant);
        for (const device of ["a", "b", "c"]) await store.openDevice(bob, device);
        await seenInTurn(tenant, "bob", ["a", "b", "c"]);
        await store.openDevice(bob, "d");
        expect(await devicesOf(tenant, "bob")).toEqual(["b", "c", "d"]);
        const { n } = await accepted(store, { tenant, from: "alice", to: "bob" });
        expect(await ack(tenant, "bob", { device: "a", n })).toBe(true);
        expect(await devicesOf(tenant, "bob")).toEqual(["a", "c", "d"]);
        expect(await store.openDevice(bob, "a")).toMatchObject({ synced: n, newest: n });
        expect(await marksOf(tenant, "bob")).toMatchObject({ delivered: 1 });
      });

      test("S46 a device that is forgotten on demand takes its addresses and its position with it, and no other's", async () => {
        const tenant = newTenant();
        const bob = person("bob", tenant);
        const texts = ["0", "1", "2"];
        const sent: Accepted[] = [];
        for (const text of texts) sent.push(await accepted(store, { tenant, from: "alice", to: "bob", text }));
        const at = (i: number): number => sent[i]?.n ?? 0;
        for (const [i, device] of ["laptop", "phone"].entries()) {
          await store.openDevice(bob, device);
          await ack(tenant, "bob", { device, n: at(i) });
          const address = { provider: "fcm", token: `${tenant} ${device}`, hash: `${tenant} ${device}` };
          await store.devices.putDevice(bob, device, { address, now: 1_000 });
        }
        // An ack that waits is stored, and does not bring the device back.
        store.ack(bob, "phone", at(2));
        await store.forgetDevice(bob, "phone", 1_000);
        await store.forgetDevice(bob, "never seen", 1_000);
        await store.forgetDevice(person("eve", tenant), "laptop", 1_000);
        await store.settled();
        expect(await devicesOf(tenant, "bob")).toEqual(["laptop"]);
        const rows = await select(
          "SELECT device FROM tidings_push_address WHERE user = ?1",
          await keyOf(tenant, "bob"),
        );
        expect(rows.map((row) => row["device"])).toEqual(["laptop"]);
        expect(await marksOf(tenant, "bob")).toMatchObject({ delivered: 3 });
        const undelivered = async (device: string) =>
          (await store.history(bob, { undelivered: device, order: { up: 0 }, limit: 9 }))?.messages.map(
            ({ text }) => text,
          );
        expect(await undelivered("laptop")).toEqual(["1", "2"]);
        // It begins as a new one, where the others have come furthest.
        expect(await undelivered("phone")).toEqual(["1", "2"]);
        for (const device of ["laptop", "phone"]) await store.forgetDevice(bob, device, 1_000);
        expect(await undelivered("first again")).toEqual(texts);
      });

      test("S47 the sweep forgets what was not seen for long, but no device with an address, nor the furthest of its user", async () => {
        const tenant = newTenant();
        const { n } = await accepted(store, { tenant, from: "alice", to: "bob" });
        const seenBefore = 5_000;
        const setUp = async (
          user: string,
          devices: Readonly<Record<string, readonly [seen: number, acked: number]>>,
        ) => {
          for (const [device, [seen, acked]] of Object.entries(devices)) {
            await store.openDevice(person(user, tenant), device, { after: 0 });
            await place.engine.write([
              {
                sql: "UPDATE tidings_device SET seen = ?1, acked = ?2 WHERE user = ?3 AND device = ?4",
                args: [seen, acked, await keyOf(tenant, user), device],
              },
            ]);
          }
        };
        await setUp("bob", { gone: [1_000, 0], furthest: [1_000, n], fresh: [seenBefore, 0] });
        // Of two that have come as far one stays.
        await setUp("alice", { a: [2_000, n], b: [2_000, n] });
        await setUp("carol", { pushed: [1_000, 0], z: [4_999, n] });
        await setUp("dave", { old: [0, 0], z: [9_000, n] });
        const address = { provider: "fcm", token: tenant, hash: tenant };
        await store.devices.putDevice(person("carol", tenant), "pushed", { address, now: 1_001 });
        const { store: careful } = await storeOn(place.engine, { limits: { deviceSweepRowsMax: 2 } });
        let calls = 0;
        for (let after: SweptTo | null = null; calls++ < 1_000;) {
          after = await careful.devices.sweep({ before: seenBefore, after });
          if (after === null) break;
        }
        expect(calls).toBeLessThan(1_000);
        expect(await devicesOf(tenant, "bob")).toEqual(["fresh", "furthest"]);
        expect(await devicesOf(tenant, "alice")).toEqual(["b"]);
        expect(await devicesOf(tenant, "carol")).toEqual(["pushed", "z"]);
        // From before it was noted when a device was seen.
        expect(await devicesOf(tenant, "dave")).toEqual(["old", "z"]);
        // It comes back with its own cursor, and lacks nothing.
        expect((await store.openDevice(person("bob", tenant), "gone", { after: 0 })).synced).toBe(0);
      });

      test("S32 the time when a device was seen is written at most once an hour, by its acks and by its reads", async () => {
        const clock = fakeClock();
        const { store: timed } = await storeOn(place.engine, { clock });
        const tenant = newTenant();
        const bob = person("bob", tenant);
        const begun = clock.now();
        const opening = timed.openDevice(bob, "phone");
        await clock.advance(1);
        await opening;
        const seen = async (): Promise<number> =>
          (Number(
            (await select("SELECT seen FROM tidings_device WHERE user = ?1", await keyOf(tenant, "bob")))[0]?.["seen"],
          ) -
            begun) /
          60_000;
        const turn = async () => {
          for (let i = 0; i < 3; i++) await clock.advance(200);
          await timed.settled();
        };
        expect(await seen()).toBeCloseTo(0, 1);
        const acks = async () => {
          timed.ack(bob, "phone", 1);
          await turn();
        };
        const asks = async () => {
          await timed.openDevice(bob, "phone");
          await turn();
        };
        const polls = async () => {
          await timed.history(bob, { undelivered: "phone", order: { up: 0 }, limit: 1 });
          await turn();
        };
        for (const [i, act] of [acks, asks, polls].entries()) {
          await clock.advance(59 * 60_000);
          await act();
          expect(await seen()).toBeCloseTo(i * 61, 0);
          await clock.advance(2 * 60_000);
          await act();
          expect(await seen()).toBeCloseTo((i + 1) * 61, 0);
        }
        await timed.settled();
      });
    });

    describe("relations", () => {
      test("S33 B5 however many calls come at once, a user has no more than they may; each call is taken whole or not at all", async () => {
        const tenant = newTenant();
        const alice = person("alice", tenant);
        await store.relate(alice, [{ other: "kept", contact: true }]);
        const calls = Array.from({ length: 30 }, (_, i) =>
          store
            .relate(alice, [
              { other: `u${i}a`, contact: true },
              { other: `u${i}b`, blocked: true },
              { other: "kept", contact: i % 2 === 0 },
            ])
            .then(
              () => "stored",
              (error: { code: string }) => error.code,
            ),
        );
        const others = ["bob", "carol"].map((user) =>
          store.relate(person(user, tenant), [{ other: "alice", contact: true }]).then(() => "stored"),
        );
        expect(await Promise.all(others)).toEqual(["stored", "stored"]);
        const answers = await Promise.all(calls);
        expect(answers.filter((one) => one === "stored")).toHaveLength(14);
        expect(answers.filter((one) => one === "too_large")).toHaveLength(16);
        const rows = await select(
          "SELECT o.id FROM tidings_relation r JOIN tidings_user o ON o.key = r.other WHERE r.user = ?1",
          await keyOf(tenant, "alice"),
        );
        const expected = answers.flatMap((answer, i) => (answer === "stored" ? [`u${i}a`, `u${i}b`] : []));
        expect(new Set(rows.map((row) => row["id"]))).toEqual(new Set(["kept", ...expected]));
        // A refused call changes nothing: the last stored call decides whether that user is a contact.
        const last = answers.lastIndexOf("stored");
        expect(await store.isContact(alice, "kept")).toBe(last % 2 === 0);
        // One more fits, two do not.
        await store.relate(alice, [{ other: "u30", contact: true }]);
        expect(
          await store.relate(alice, [{ other: "u31", contact: true }]).catch((error: { code: string }) => error.code),
        ).toBe("too_large");
      });

      test("S33 B1 of two changes of one relation in a call the last one holds", async () => {
        const tenant = newTenant();
        await store.relate(person("alice", tenant), [
          { other: "bob", contact: true, blocked: true },
          { other: "bob", blocked: false },
        ]);
        expect(await store.relationships(person("alice", tenant), ["bob"])).toMatchObject([
          { isContact: true, hasBlocked: false },
        ]);
      });
    });

    describe("blocks", () => {
      test("S34 B3 blocking and unblocking repeatedly sends no receipt; marks that moved during the block are sent once", async () => {
        const tenant = newTenant();
        const alice = person("alice", tenant);
        const { conversation } = await accepted(store, { tenant, from: "alice", to: "bob" });
        await accepted(store, { tenant, from: "bob", to: "alice" });
        await read(tenant, "bob", { conversation, seq: 1 });
        await read(tenant, "alice", { conversation, seq: 2 });
        const again = async (by: string, other: string, times: number): Promise<number> => {
          const from = commits.length;
          for (let i = 0; i < times; i++)
            for (const blocked of [true, false]) await store.relate(person(by, tenant), [{ other, blocked }]);
          return commits.slice(from).flatMap(({ entries }) => entries.filter(({ change }) => change.kind === "receipt"))
            .length;
        };
        expect(await again("alice", "bob", 5)).toBe(0);
        expect(await again("bob", "alice", 5)).toBe(0);
        // A contact that is kept or given up behind the block does not make it begin later.
        await accepted(store, { tenant, from: "bob", to: "alice" });
        await store.relate(person("bob", tenant), [{ other: "alice", blocked: true }]);
        await read(tenant, "alice", { conversation, seq: 3 });
        await store.relate(person("bob", tenant), [{ other: "alice", contact: true }]);
        const { position } = await readAll(store, person("bob", tenant));
        expect(await again("bob", "alice", 1)).toBe(1);
        expect(
          receiptsOf((await readAll(store, person("bob", tenant), { after: position })).changes, "alice"),
        ).toMatchObject([{ read: 3 }]);
        expect(await again("bob", "alice", 3)).toBe(0);
        await store.relate(alice, [{ other: "bob", contact: true }]);
        expect(await again("alice", "bob", 3)).toBe(0);
      });

      test("S34 B3 O5 blocks, reads and replays in any order never hide a mark that a user may see, nor show one that they may not", async () => {
        const by = fc.constantFrom("alice", "bob");
        const step = fc.oneof(
          fc.record({ type: fc.constant("block" as const), by, holds: fc.boolean() }),
          fc.record({ type: fc.constant("contact" as const), by, holds: fc.boolean() }),
          fc.record({ type: fc.constant("read" as const), by }),
          fc.record({ type: fc.constant("replay" as const), by, device: fc.integer({ min: 0, max: 1 }) }),
        );
        await fc.assert(
          fc.asyncProperty(fc.array(step, { maxLength: 16 }), async (steps) => {
            const tenant = newTenant();
            const { conversation } = await accepted(store, { tenant, from: "alice", to: "bob" });
            const blocks = new Set<string>();
            const otherOf = (user: string): string => (user === "alice" ? "bob" : "alice");
            const marks = new Map([
              ["alice", 0],
              ["bob", 0],
            ]);
            /** The newest mark of each that its other may see. */
            const visible = new Map([
              ["alice", 0],
              ["bob", 0],
            ]);
            const devices = new Map<string, { position: number; mark: number }>();
            let seq = 1;
            const replay = async (user: string, device: number) => {
              const name = `${user} ${device}`;
              const known = devices.get(name) ?? { position: 0, mark: 0 };
              const { changes, position } = await readAll(store, person(user, tenant), {
                after: known.position,
                limit: 2,
              });
              const mark = receiptsOf(changes, otherOf(user)).at(-1)?.read ?? known.mark;
              devices.set(name, { position, mark });
              expect(mark).toBeLessThanOrEqual(visible.get(otherOf(user)) ?? 0);
              if (blocks.size === 0) expect(mark).toBe(marks.get(otherOf(user)) ?? 0);
            };
            for (const one of steps) {
              const other = otherOf(one.by);
              if (one.type === "block") {
                if (one.holds) blocks.add(one.by);
                else blocks.delete(one.by);
                await store.relate(person(one.by, tenant), [{ other, blocked: one.holds }]);
              } else if (one.type === "contact") {
                await store.relate(person(one.by, tenant), [{ other, contact: one.holds }]);
              } else if (one.type === "read") {
                // Who is blocked cannot write, so the other message is there already: what moves is the mark alone.
                if (blocks.size === 0) {
                  await accepted(store, { tenant, from: other, conversation });
                  await accepted(store, { tenant, from: other, conversation });
                  seq += 2;
                }
                const before = marks.get(one.by) ?? 0;
                await read(tenant, one.by, { conversation, seq: blocks.size === 0 ? seq - 1 : seq });
                const now = (await marksOf(tenant, one.by))?.read ?? before;
                marks.set(one.by, now);
              } else {
                await replay(one.by, one.device);
              }
              if (blocks.size === 0) for (const [user, mark] of marks) visible.set(user, mark);
            }
            for (const user of ["alice", "bob"])
              await store.relate(person(user, tenant), [{ other: otherOf(user), blocked: false }]);
            blocks.clear();
            for (const [user, mark] of marks) visible.set(user, mark);
            for (const user of ["alice", "bob"]) for (const device of [0, 1]) await replay(user, device);
          }),
          { numRuns: runs * 2 },
        );
      });
    });
  });
}
