import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Limits } from "../../../src/protocol/limits.ts";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { until } from "../../support/fake-socket.ts";
import { accepted, append, newId, person, storeOn } from "../../support/store.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-writer-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** A store of which a test holds up the commits, and says how each ends. */
async function start(limits: Partial<Limits> = {}) {
  const inner = createEmbeddedEngine({ path: join(folder, `${files++}.db`) });
  const state = { isHeld: false, writes: 0 };
  const held: PromiseWithResolvers<void>[] = [];
  const engine: Engine = {
    ...inner,
    async write(statements) {
      state.writes++;
      if (state.isHeld) {
        const gate = Promise.withResolvers<void>();
        held.push(gate);
        await gate.promise;
      }
      return await inner.write(statements);
    },
  };
  const { store } = await storeOn(engine, { limits: { storeProbeMs: 10_000, ...limits } });
  return {
    ...{ store, state, held },
    /** The first commit that is held fails; those behind it are not held any more. */
    fail(): void {
      state.isHeld = false;
      for (const gate of held.splice(0)) gate.reject(new Error("planted"));
    },
    release(): void {
      state.isHeld = false;
      for (const gate of held.splice(0)) gate.resolve();
    },
  };
}

const alice = person("alice");

const turns = async (count: number): Promise<void> => {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => void setImmediate(resolve));
};

/** What takes a few milliseconds, or else would hang. */
const inTime = <T>(work: Promise<T>): Promise<T | "never"> =>
  Promise.race([work, Bun.sleep(3_000).then(() => "never" as const)]);

describe("writes that wait behind a commit that fails", () => {
  test("O4 D3 sends that wait are refused with it: none of them may be accepted behind one that perhaps was not", async () => {
    const { store, state, held, fail } = await start();
    await accepted(store, { from: "alice", to: "bob" });
    state.isHeld = true;
    const first = append(store, { from: "alice", to: "bob", text: "first" });
    await until(() => held.length === 1);
    const behind = [1, 2, 3].map((i) => append(store, { from: "alice", to: "bob", text: `${i}` }));
    fail();
    for (const outcome of await Promise.all([first, ...behind])) expect(outcome).toMatchObject({ code: "unavailable" });
    await until(() => store.isAvailable());
    expect(await accepted(store, { from: "alice", to: "bob", text: "after" })).toMatchObject({ seq: 2 });
    await store.close();
  });

  test("S12 opening a device or changing a relation rejects at once, without waiting for a probe", async () => {
    const { store, state, held, fail } = await start();
    await accepted(store, { from: "alice", to: "bob" });
    state.isHeld = true;
    const first = append(store, { from: "alice", to: "bob" });
    await until(() => held.length === 1);
    const waiting = [store.openDevice(alice, "phone"), store.relate(alice, [{ other: "bob", contact: true }])].map(
      (each) =>
        each.then(
          () => "done",
          ({ code }: { code: string }) => code,
        ),
    );
    // Both wait for the next commit by then.
    await turns(10);
    fail();
    expect(await inTime(Promise.all(waiting))).toEqual(["unavailable", "unavailable"]);
    await first;
    await store.close();
  });

  test("S12 during the outage only the probe asks the database", async () => {
    const { store, state, held, fail } = await start();
    await accepted(store, { from: "alice", to: "bob" });
    state.isHeld = true;
    const first = append(store, { from: "alice", to: "bob" });
    await until(() => held.length === 1);
    fail();
    await first;
    const before = state.writes;
    const refused: unknown[] = [];
    for (let i = 0; i < 5; i++)
      store.append({ ...alice, from: "alice", to: "bob", id: `${i}`, text: "x" }, (outcome) => refused.push(outcome));
    expect(refused).toHaveLength(5);
    for (const each of refused) expect(each).toMatchObject({ type: "refused", code: "unavailable" });
    await expect(store.relate(alice, [{ other: "bob", contact: true }])).rejects.toMatchObject({ code: "unavailable" });
    expect(state.writes).toBe(before);
    await store.close();
  });

  test("B7 a last-seen time is not lost with the commit that carried it", async () => {
    const { store, state, held, fail } = await start();
    await accepted(store, { from: "alice", to: "bob" });
    state.isHeld = true;
    store.seen(alice, 1_780_000_000_000);
    await until(() => held.length === 1);
    fail();
    await until(() => store.isAvailable());
    let seen = 0;
    for (let i = 0; i < 500 && seen === 0; i++) {
      await Bun.sleep(2);
      seen = (await store.lastSeen("default", ["alice"])).get("alice") ?? 0;
    }
    expect(seen).toBe(1_780_000_000_000);
    await store.close();
  });

  test("R3 no more sends wait than may", async () => {
    const { store, state, held, release } = await start({ commitQueueMax: 5 });
    await accepted(store, { from: "alice", to: "bob" });
    state.isHeld = true;
    const first = append(store, { from: "alice", to: "bob" });
    await until(() => held.length === 1);
    const waiting = Array.from({ length: 8 }, () => append(store, { from: "alice", to: "bob" }));
    release();
    const types: string[] = (await Promise.all([first, ...waiting])).map(({ type }) => type);
    expect(types).toEqual([...Array<string>(6).fill("accepted"), ...Array<string>(3).fill("refused")]);
    await store.close();
  });
});

describe("writes in one commit", () => {
  test("B1 two things said of one person at once are both kept", async () => {
    const { store } = await start();
    const said = [{ contact: true }, { blocked: true }].map((one) => store.relate(alice, [{ other: "bob", ...one }]));
    await inTime(Promise.all(said));
    expect(await store.relationships(alice, ["bob"])).toMatchObject([{ isContact: true, hasBlocked: true }]);
    await store.close();
  });

  test("B1 more people than one commit takes are all kept", async () => {
    const { store } = await start({ commitMarksMax: 2 });
    const others = Array.from({ length: 7 }, (_, i) => `user${i}`);
    await store.relate(
      alice,
      others.map((other) => ({ other, contact: true })),
    );
    expect(await store.people(alice, { which: "contact", after: "", limit: 10 })).toEqual({ users: others });
    await store.close();
  });

  test("S5 O9 a read that goes back, noted before the further one is on disk, takes nothing of it", async () => {
    const { store } = await start();
    let conversation = "";
    for (let i = 0; i < 5; i++) ({ conversation } = await accepted(store, { from: "bob", to: "alice" }));
    const read = (seq: number) => new Promise<boolean>((resolve) => store.read(alice, conversation, seq, resolve));
    expect(await Promise.all([read(5), read(3)])).toEqual([true, true]);
    const { conversations } = await store.conversations(alice, { below: Number.MAX_SAFE_INTEGER, limit: 1 });
    expect(conversations).toMatchObject([{ read: 5, unread: 0 }]);
    await store.close();
  });

  test("Q7 S4 acks of two devices of one user are both on disk when they are answered", async () => {
    const { store } = await start();
    for (const device of ["phone", "laptop"]) await store.openDevice(alice, device);
    const first = await accepted(store, { from: "bob", to: "alice" });
    const last = await accepted(store, { from: "bob", to: "alice" });
    const ack = (device: string, n: number) => new Promise<boolean>((resolve) => store.ack(alice, device, n, resolve));
    expect(await Promise.all([ack("phone", first.n), ack("laptop", last.n)])).toEqual([true, true]);
    expect(await store.openDevice(alice, "phone")).toMatchObject({ synced: first.n });
    expect(await store.openDevice(alice, "laptop")).toMatchObject({ synced: last.n });
    await store.close();
  });

  test("Q7 an ack is settled also where a socket's further ack has taken its place", async () => {
    const { store } = await start();
    await store.openDevice(alice, "phone");
    const first = await accepted(store, { from: "bob", to: "alice" });
    const last = await accepted(store, { from: "bob", to: "alice" });
    const told = new Promise<boolean>((resolve) => store.ack(alice, "phone", first.n, resolve));
    store.ack(alice, "phone", last.n);
    expect(await inTime(told)).toBe(true);
    expect(await store.openDevice(alice, "phone")).toMatchObject({ synced: last.n });
    await store.close();
  });

  test("S4 O5 an ack beyond the end of the log acks up to its end", async () => {
    const { store } = await start();
    await store.openDevice(alice, "phone");
    const { n } = await accepted(store, { from: "bob", to: "alice" });
    await new Promise<boolean>((resolve) => store.ack(alice, "phone", n + 1_000, resolve));
    const { synced, head } = await store.openDevice(alice, "phone");
    expect(synced).toBeGreaterThanOrEqual(n);
    expect(synced).toBeLessThanOrEqual(head.n);
    await store.close();
  });

  test("F1 O1 a new send beside a retry in one commit is announced as new", async () => {
    const { store } = await start();
    const told: string[] = [];
    store.onCommit(({ entries }) => {
      for (const { change } of entries) if (change.kind === "message") told.push(change.text);
    });
    const id = newId();
    await accepted(store, { from: "alice", to: "bob", id, text: "old" });
    const [retry, fresh] = await Promise.all([
      accepted(store, { from: "alice", to: "bob", id, text: "old" }),
      accepted(store, { from: "alice", to: "bob", text: "new" }),
    ]);
    expect([retry.duplicate, fresh.duplicate]).toEqual([true, false]);
    expect(told).toEqual(["old", "new"]);
    await store.close();
  });

  test("O5 S7 marks that an unblock brings back have places of their own behind it", async () => {
    const { store } = await start();
    const places: number[] = [];
    for (const [from, to] of [
      ["bob", "alice"],
      ["carol", "alice"],
      ["alice", "bob"],
    ] as const)
      await accepted(store, { from, to });
    for (const user of ["bob", "carol"]) await store.relate(alice, [{ other: user, blocked: true }]);
    const device = await store.openDevice(alice, "phone");
    await new Promise<boolean>((resolve) => store.ack(alice, "phone", device.head.n, resolve));
    let end = 0;
    store.onCommit(({ to, entries }) => {
      end = to;
      places.push(...entries.map(({ change }) => change.n));
    });
    await store.relate(
      alice,
      ["bob", "carol"].map((other) => ({ other, blocked: false })),
    );
    expect(places.length).toBeGreaterThan(3);
    expect(new Set(places).size).toBe(places.length);
    expect(Math.max(...places)).toBe(end);
    await store.close();
  });

  test("S8 more marks than one commit takes are all on disk, though nothing else comes", async () => {
    const { store } = await start({ commitMarksMax: 2 });
    const devices = Array.from({ length: 7 }, (_, i) => `device${i}`);
    for (const device of devices) await store.openDevice(alice, device);
    const { n } = await accepted(store, { from: "bob", to: "alice" });
    const acked = devices.map((device) => new Promise<boolean>((resolve) => store.ack(alice, device, n, resolve)));
    expect(await Promise.all(acked)).toEqual(devices.map(() => true));
    for (const device of devices) expect(await store.openDevice(alice, device)).toMatchObject({ synced: n });
    await store.close();
  });
});
