import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { accepted, append, person, storeOn } from "../support/store.ts";
import { until } from "../support/fake-socket.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-outage-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

/** A store with writes that fail while the test wants it. */
async function start() {
  const path = join(folder, `${files++}.db`);
  const inner = createEmbeddedEngine({ path });
  const state = { isFailing: false, writes: 0 };
  const engine: Engine = {
    ...inner,
    async write(statements) {
      state.writes++;
      if (state.isFailing) throw new Error("disk full");
      return inner.write(statements);
    },
  };
  const { store, faults } = await storeOn(engine, { limits: { marksDelayMs: 10, storeProbeMs: 100 } });
  const writesIn = async (ms: number): Promise<number> => {
    const before = state.writes;
    await Bun.sleep(ms);
    return state.writes - before;
  };
  return { path, store, state, faults, writesIn };
}

test("S12 during an outage the store is asked by one probe at a time, whatever waits", async () => {
  const { store, state, writesIn } = await start();
  const alice = person("alice");
  await store.openDevice(alice, "d");
  const { n } = await accepted(store, { from: "bob", to: "alice" });
  state.isFailing = true;
  store.ack(alice, "d", n);
  await until(() => !store.isAvailable());
  for (let i = 0; i < 20; i++)
    expect(await append(store, { from: "alice", to: "bob" })).toMatchObject({ code: "unavailable" });
  await Bun.sleep(200);
  expect(await writesIn(500)).toBeLessThanOrEqual(6);
  state.isFailing = false;
  await until(() => store.isAvailable());
  // Marks from before the outage are committed after it.
  const acked = async (): Promise<number> => (await store.openDevice(alice, "d")).synced;
  for (let i = 0; i < 5_000 && (await acked()) !== n; i++) await Bun.sleep(10);
  expect(await acked()).toBe(n);
  await store.close();
});

test("Q7 Q9 D3 a mark that is waited for is settled as unknown, and no caller waits for ever", async () => {
  const { store, state } = await start();
  const alice = person("alice");
  const { n, conversation } = await accepted(store, { from: "bob", to: "alice" });
  await store.openDevice(alice, "d");
  const ack = () => new Promise<boolean>((resolve) => store.ack(alice, "d", n, resolve));
  const read = () => new Promise<boolean>((resolve) => store.read(alice, conversation, 1, resolve));
  state.isFailing = true;
  expect(await Promise.all([ack(), read()])).toEqual([false, false]);
  // During the outage no mark is taken that a caller would wait for.
  expect(await Promise.all([ack(), read()])).toEqual([false, false]);
  state.isFailing = false;
  await until(() => store.isAvailable());
  expect(await Promise.all([ack(), read()])).toEqual([true, true]);
  const late = [ack(), read()];
  await store.close();
  expect(await Promise.all(late)).toEqual([true, true]);
  expect(await Promise.all([ack(), read()])).toEqual([false, false]);
});

// SQLite leaves out a write that changes no byte: such a probe would succeed on a disk that takes nothing.
test("S12 D5 a probe writes to the disk, and changes nothing", async () => {
  const { path, store, state } = await start();
  const { n } = await accepted(store, { from: "bob", to: "alice" });
  state.isFailing = true;
  expect(await append(store, { from: "alice", to: "bob" })).toMatchObject({ code: "unavailable" });
  const before = statSync(`${path}-wal`).size;
  state.isFailing = false;
  await until(() => store.isAvailable());
  expect(statSync(`${path}-wal`).size).toBeGreaterThan(before);
  expect(await store.head()).toMatchObject({ n });
  await store.close();
});

test("S12 a store that was closed while failing does nothing more", async () => {
  const { store, state, faults, writesIn } = await start();
  await store.openDevice(person("alice"), "d");
  state.isFailing = true;
  store.ack(person("alice"), "d", 1);
  await store.close();
  const before = faults.length;
  expect(await writesIn(300)).toBe(0);
  expect(faults).toHaveLength(before);
});

test("S12 failed writes do not use up the process's files", async () => {
  const engine = createEmbeddedEngine({ path: join(folder, "files.db") });
  const open = (): number => readdirSync("/proc/self/fd").length;
  await engine.write([{ sql: "CREATE TABLE t (a INTEGER PRIMARY KEY)" }]);
  const before = open();
  let most = 0;
  for (let i = 0; i < 400; i++) {
    await engine.write([{ sql: "INSERT INTO t (a) VALUES (1), (1)" }]).catch(() => {});
    most = Math.max(most, open());
    if (i % 10 === 0) await Bun.sleep(1);
  }
  await engine.close();
  expect(most - before).toBeLessThan(200);
});
