import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import type { Engine, Statement } from "../../src/store/engine/engine.ts";
import { newest } from "../../src/store/read/history.ts";
import type { Store } from "../../src/store/store.ts";
import { accepted, newId, storeOn } from "../support/store.ts";

const textBytes = 16_000;
const messages = 80;
const limits = { ...defaultLimits, pageBytesMax: 100_000, stretchBytesMax: 150_000, answerBytesMax: 200_000 };
const alice = { tenant: "default", user: "alice" };

/** An engine that counts the texts that the database returns, and may alter its statements. */
function counting(engine: Engine) {
  const state = { bytes: 0, alter: (sql: string): string => sql };
  const altered = (statements: readonly Statement[]): Statement[] =>
    statements.map((one) => ({ ...one, sql: state.alter(one.sql) }));
  const counted: Engine = {
    ...engine,
    async read(statements) {
      const results = await engine.read(altered(statements));
      for (const row of results.flat()) state.bytes += String(row["text"] ?? "").length;
      return results;
    },
  };
  return { counted, state };
}

const folder = mkdtempSync(join(tmpdir(), "tidings-bytes-"));
let store: Store;
let state: ReturnType<typeof counting>["state"];
let ids: string[] = [];
beforeAll(async () => {
  const found = counting(createEmbeddedEngine({ path: join(folder, "chat.db") }));
  state = found.state;
  ({ store } = await storeOn(found.counted, { limits }));
  ids = Array.from({ length: messages }, () => newId());
  for (const [i, id] of ids.entries()) {
    const [from, to] = i % 2 === 0 ? ["alice", `friend${i}`] : [`friend${i - 1}`, "alice"];
    await accepted(store, { from, to, id, text: "é".repeat(textBytes / 2) });
  }
  for (let i = 0; i < messages; i++) await accepted(store, { from: "bob", to: "alice", text: "x".repeat(textBytes) });
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

type Look = { readonly name: string; readonly bytesMax: number; readonly look: () => Promise<unknown> };
const order = { down: newest };
const looks: readonly Look[] = [
  {
    name: "a page",
    // Received messages, and sent ones.
    bytesMax: 2 * limits.pageBytesMax,
    look: () => store.changes(alice, 0, { rows: 256, bytes: 1e9 }),
  },
  { name: "a page by the room", bytesMax: 80_000, look: () => store.changes(alice, 0, { rows: 256, bytes: 40_000 }) },
  { name: "a stretch", bytesMax: limits.stretchBytesMax, look: () => store.log(0, 1_000) },
  ...[
    { name: "all history", query: { order, limit: 200 } },
    { name: "a conversation's", query: { with: "bob", order, limit: 200 } },
    { name: "a conversation's, upward", query: { with: "bob", order: { up: 0 }, limit: 200 } },
    { name: "the undelivered", query: { undelivered: "d", order: { up: 0 }, limit: 200 } },
    { name: "ids", query: { ids: [] as string[], order: {}, limit: 200 } },
  ].map(({ name, query }) => ({
    name,
    bytesMax: 2 * limits.answerBytesMax,
    look: () => store.history(alice, query.ids ? { ...query, ids } : query),
  })),
  {
    name: "conversations",
    bytesMax: limits.answerBytesMax,
    look: () => store.conversations(alice, { below: newest, limit: 200 }),
  },
];

async function bytesOf({ look }: Look): Promise<number> {
  state.bytes = 0;
  await look();
  return state.bytes;
}

describe("bytes that are read", () => {
  for (const each of looks)
    test(`R41 R1 ${each.name}: texts are read up to the bound, and one beyond it`, async () => {
      expect(await bytesOf(each)).toBeWithin(1, each.bytesMax + 2 * textBytes + 1);
    });

  test("R41 Q8 a page of the list ends once the limit of counted messages is reached, and the next one goes on there", async () => {
    const other = await storeOn(createEmbeddedEngine({ path: join(folder, "counted.db") }), {
      limits: { ...limits, pageUnreadRowsMax: 5 },
    });
    for (const peer of ["one", "two", "three"])
      for (let i = 0; i < 8; i++)
        await accepted(other.store, i % 2 ? { from: "alice", to: peer } : { from: peer, to: "alice" });
    const seen: [string, number][] = [];
    let below: number | undefined = newest;
    for (let pages = 0; below !== undefined; pages++) {
      const page = await other.store.conversations(alice, { below, limit: 200 });
      expect([page.conversations.length, page.counted, pages < 3]).toEqual([1, 7, true]);
      seen.push(...page.conversations.map((each): [string, number] => [each.with, each.unread]));
      below = page.next;
    }
    expect(seen).toEqual([
      ["three", 4],
      ["two", 4],
      ["one", 4],
    ]);
    await other.store.close();
  });

  test("R41 a message that is larger than the bound is a page of its own", async () => {
    const page = await store.changes(alice, 0, { rows: 256, bytes: 1 });
    expect(page).toMatchObject({ more: true, upTo: 1 });
    expect(page.changes.length).toBe(1);
  });

  test("control: R41 statements without the bound are found to read all of it", async () => {
    state.alter = (sql) => sql.replace(/\b(?:y|z|counted)\.before < \?\d+/, "true");
    try {
      const found = [];
      for (const each of looks) if ((await bytesOf(each)) <= each.bytesMax + 2 * textBytes) found.push(each.name);
      expect(found).toEqual([]);
    } finally {
      state.alter = (sql) => sql;
    }
  });
});
