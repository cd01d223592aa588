import { afterEach, describe, expect, test } from "bun:test";
import type { Engine } from "../../src/store/engine/engine.ts";
import type { Limits } from "../../src/protocol/limits.ts";
import { createPhones, sent } from "./support/phone.ts";
import { startPush, stopAll } from "./support/start.ts";

afterEach(stopAll);

/** A worker, and a function that counts the rows of a table. */
async function start(phones: ReturnType<typeof createPhones>, limits: Partial<Limits>) {
  const engines: Engine[] = [];
  const wrapEngine = (engine: Engine): Engine => (engines.push(engine), engine);
  const push = await startPush({ providers: [phones.provider], limits, wrapEngine });
  const rows = async (table: string): Promise<number> => {
    const found = await engines[0]?.read([{ sql: `SELECT count(*) AS count FROM ${table}` }]);
    return Number(found?.[0]?.[0]?.["count"]);
  };
  return { push, rows };
}

describe("U28 a commit of the worker", () => {
  /** Ten devices of a user with messages from this many senders; returns the number of notices of each commit, and the notified devices. */
  async function flood(people: number, limits: { readonly ackMessagesMax: number }) {
    const phones = createPhones("phones", () => sent);
    const { push, rows } = await start(phones, limits);
    const made: number[] = [];
    const enqueue = push.store.push.enqueue;
    push.store.push.enqueue = async (...args) => {
      const before = await rows("tidings_push_notice");
      await enqueue(...args);
      made.push((await rows("tidings_push_notice")) - before);
    };
    for (let i = 0; i < 10; i++) await push.register("bob", `phone${i}`);
    for (let i = 0; i < people; i++) await push.send(`friend${i}`, "bob");
    await push.pass(3_000, 50);
    return { made, told: phones.requests.length, sizes: push.worker.sizes() };
  }

  test("U28 is bounded, however many devices and conversations a user has", async () => {
    const { made, told, sizes } = await flood(15, { ackMessagesMax: 20 });
    expect(Math.max(...made)).toBeLessThanOrEqual(21);
    expect(told).toBeGreaterThanOrEqual(150);
    expect(sizes.recipients).toBe(0);
  });

  test("U28 holds one address alone, if it has more messages than are counted", async () => {
    const { made, told } = await flood(70, { ackMessagesMax: 80 });
    expect(Math.max(...made)).toBeLessThanOrEqual(81);
    expect(told).toBeGreaterThanOrEqual(700);
  });

  test("U71 on its own file the worker writes nothing for an hour without events", async () => {
    const phones = createPhones("phones", () => sent);
    const { push } = await start(phones, {});
    await push.register("bob", "phone");
    await push.send("alice", "bob");
    await push.pass(60_000, 500);
    const wrote: string[] = [];
    for (const name of ["beat", "settle", "enqueue", "addressUsers"] as const) {
      const call = push.store.push[name] as (...args: never[]) => unknown;
      Object.assign(push.store.push, { [name]: (...args: never[]) => (wrote.push(name), call(...args)) });
    }
    await push.pass(3_600_000, 5_000);
    expect(wrote).toEqual([]);
    expect(phones.requests.length).toBe(1);
  });

  test("U28 pruning goes on until all old decisions are deleted, not a part each minute", async () => {
    const phones = createPhones("phones", () => sent);
    const { push, rows } = await start(phones, { pushPrunedMax: 2, pushLogMs: 1_000 });
    await push.register("bob", "phone");
    for (let i = 0; i < 9; i++) await push.send(`friend${i}`, "bob");
    await push.pass(500);
    expect(await rows("tidings_push_log")).toBe(9);
    await push.pass(62_000, 500);
    expect(await rows("tidings_push_log")).toBe(0);
  });
});
