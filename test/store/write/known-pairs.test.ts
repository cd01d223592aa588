import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../../src/store/engine/embedded.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { createKnownPairs, pairOf } from "../../../src/store/write/known-pairs.ts";
import { insertConversations } from "../../../src/store/write/send-sql.ts";
import { until } from "../../support/fake-socket.ts";
import { accepted, append, person, storeOn } from "../../support/store.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-pairs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A store on a file of its own, and how often it has written conversations; the first `fails` of these writes fail. */
async function open(file: string, fails = 0) {
  const engine = createEmbeddedEngine({ path: join(folder, file) });
  const made: unknown[] = [];
  const counting: Engine = {
    ...engine,
    async write(statements) {
      const makes = statements.filter(({ sql }) => sql === insertConversations);
      made.push(...makes);
      if (makes.length > 0 && made.length <= fails) throw new Error("planted");
      return engine.write(statements);
    },
  };
  const { store } = await storeOn(counting);
  return { engine, store, made };
}

test("S48 a conversation is written with the first send of two users, and with none after it", async () => {
  const { store, made } = await open("once.db");
  await accepted(store, { from: "alice", to: "bob" });
  await accepted(store, { from: "alice", to: "bob" });
  await accepted(store, { from: "bob", to: "alice" });
  expect(made).toHaveLength(1);
  await accepted(store, { from: "alice", to: "carol" });
  expect(made).toHaveLength(2);
  await store.close();
});

test("B2 S48 a send that is refused for a block makes the conversation, and one after the block goes into it", async () => {
  const { store, made } = await open("block.db");
  await store.relate(person("bob"), [{ other: "alice", blocked: true }]);
  const refused = { type: "refused", code: "blocked" } as const;
  expect(await append(store, { from: "alice", to: "bob" })).toEqual(refused);
  expect(await append(store, { from: "alice", to: "bob" })).toEqual(refused);
  await store.relate(person("bob"), [{ other: "alice", blocked: false }]);
  expect(await accepted(store, { from: "alice", to: "bob" })).toMatchObject({ seq: 1 });
  expect(made).toHaveLength(1);
  await store.close();
});

test("S48 where the database has lost a conversation, its send is not refused for good, and a retry makes it anew", async () => {
  const { engine, store } = await open("lost.db");
  await accepted(store, { from: "alice", to: "bob" });
  await engine.write(
    ["tidings_message", "tidings_member", "tidings_conversation"].map((table) => ({ sql: `DELETE FROM ${table}` })),
  );
  expect(await append(store, { from: "alice", to: "bob" })).toEqual({ type: "refused", code: "unavailable" });
  await until(store.isAvailable);
  expect(await accepted(store, { from: "alice", to: "bob" })).toMatchObject({ seq: 1 });
  await store.close();
});

test("S48 a commit that failed makes no pair known", async () => {
  const { store, made } = await open("failed.db", 1);
  expect(await append(store, { from: "alice", to: "bob" })).toMatchObject({ code: "unavailable" });
  await until(store.isAvailable);
  expect(await accepted(store, { from: "alice", to: "bob" })).toMatchObject({ seq: 1 });
  expect(made).toHaveLength(2);
  await store.close();
});

test("S48 of very many pairs those that were used last are known", () => {
  const pairs = createKnownPairs(2);
  for (const pair of ["a", "b", "a", "c"]) {
    pairs.has(pair);
    pairs.add(pair);
  }
  expect(["a", "b", "c"].map(pairs.has)).toEqual([true, false, true]);
  const ofAlice = pairOf({ tenant: "t", from: "alice", to: "bob" });
  expect(pairOf({ tenant: "t", from: "bob", to: "alice" })).toEqual(ofAlice);
  expect(pairOf({ tenant: "t", from: "bob" })).toBeNull();
});
