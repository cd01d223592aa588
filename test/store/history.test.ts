import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import { type HistoryQuery, newest } from "../../src/store/read/history.ts";
import type { Accepted, Store } from "../../src/store/store.ts";
import { accepted, newId, person, storeOn } from "../support/store.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-history-"));
const alice = person("alice");
const ids = Array.from({ length: 4 }, newId);
let store: Store;
let sent: Accepted[];

beforeAll(async () => {
  ({ store } = await storeOn(createEmbeddedEngine({ path: join(folder, "chat.db") })));
  await store.openDevice(alice, "phone");
  sent = [];
  for (const [i, id] of ids.entries())
    sent.push(await accepted(store, { from: i % 2 ? "bob" : "carol", to: "alice", id }));
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const ask = async (query: Partial<HistoryQuery>) => {
  const page = await store.history(alice, { order: { up: 0 }, limit: 10, ...query });
  if (page === null) throw new Error("There is no such conversation");
  return page;
};
const ack = (n: number) => new Promise<boolean>((resolve) => store.ack(alice, "phone", n, resolve));

describe("a page of the undelivered list", () => {
  test("Q2 has the cursor of the device after it", async () => {
    const { messages, cursor } = await ask({ undelivered: "phone" });
    expect(messages.map(({ id }) => id)).toEqual(ids);
    expect(cursor?.n).toBe(sent[3]?.n ?? 0);
    const { cursor: half } = await ask({ undelivered: "phone", limit: 2 });
    expect(half?.n).toBe(sent[1]?.n ?? 0);
  });

  const [, second] = ids;
  const filters: Readonly<Record<string, () => Partial<HistoryQuery>>> = {
    from: () => ({ from: "bob" }),
    with: () => ({ with: "bob" }),
    conversation: () => ({ conversation: sent[1]?.conversation ?? "" }),
    since: () => ({ since: 1 }),
    until: () => ({ until: newest }),
    ids: () => ({ ids: [second ?? ""] }),
  };
  for (const [name, filter] of Object.entries(filters))
    test(`Q2 O3 has no cursor with the filter ${name}: it would confirm what that left out`, async () => {
      const { messages, cursor } = await ask({ undelivered: "phone", ...filter() });
      expect(messages.length).toBeGreaterThan(0);
      expect(cursor).toBeUndefined();
    });

  test("Q4 passed messages are still listed before it", async () => {
    const from = sent[1]?.n ?? 0;
    expect((await ask({ undelivered: "phone", order: { up: from } })).more).toEqual({ before: true, after: false });
    expect((await ask({ undelivered: "phone" })).more).toEqual({ before: false, after: false });
    expect((await ask({ order: { down: from } })).more.after).toBe(true);
    expect((await ask({ order: { down: newest } })).more).toEqual({ before: false, after: false });
  });

  test("Q2 an empty one has the device's own cursor, so that acking it does not lead back to the beginning", async () => {
    const last = sent[3]?.n ?? 0;
    expect(await ack(last)).toBe(true);
    const { messages, cursor } = await ask({ undelivered: "phone" });
    expect(messages).toEqual([]);
    expect(cursor?.n).toBe(last);
  });
});
