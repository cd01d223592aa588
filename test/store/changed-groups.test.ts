import { expect, test } from "bun:test";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Engine } from "../../src/store/engine/engine.ts";
import type { Store } from "../../src/store/store.ts";
import { createCountingEngine } from "../support/counting-engine.ts";
import { describeWith } from "../support/prerequisite.ts";
import { accepted, newId, person, readAll, storeOn } from "../support/store.ts";
import { embedded } from "./places.ts";
import { statementNames } from "./statements.ts";

/** More changed groups than are looked up one by one. */
const many = 400;
const [ann, bob] = [person("ann"), person("bob")];
const state = { name: "g", data: {}, visibility: "open", history: "joined" } as const;

/** Groups of other users, each with a state and a message above the head. */
async function changeOthers(engine: Engine, count: number): Promise<void> {
  const all = `(WITH RECURSIVE k (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i + 1 < ${count}) SELECT i FROM k)`;
  const key = "40000000 + (SELECT n FROM tidings_head) * 10000 + i";
  const n = (at: number): string => `(SELECT n FROM tidings_head) + ${at} + 3 * i`;
  await engine.write(
    [
      `INSERT INTO tidings_user (tenant, id) VALUES ('default', 'somebody') ON CONFLICT DO NOTHING`,
      `INSERT INTO tidings_conversation (key, tenant, kind, seq) SELECT ${key}, 'default', 'group', 1 FROM ${all}`,
      `INSERT INTO tidings_group (conversation, creator, id, n, version, name, data, visibility, history, size)
       SELECT ${key}, u.key, 'g' || (${key}), ${n(1)}, 1, 'g', '{}', 'open', 'joined', 1 FROM tidings_user u CROSS JOIN ${all} WHERE u.id = 'somebody'`,
      `INSERT INTO tidings_group_member (conversation, user, status, role, since, joined, joined_n, n)
       SELECT ${key}, u.key, 0, 2, 0, 0, 0, ${n(2)} FROM tidings_user u CROSS JOIN ${all} WHERE u.id = 'somebody'`,
      `INSERT INTO tidings_message (n, conversation, seq, id, sender, recipient, text, time, other_seq, prev)
       SELECT ${n(3)}, ${key}, 1, 'other ' || (${key}), u.key, NULL, 'x', 1, 0, 0 FROM tidings_user u CROSS JOIN ${all} WHERE u.id = 'somebody'`,
      `UPDATE tidings_conversation SET n = (SELECT m.n FROM tidings_message m WHERE m.conversation = key ORDER BY m.n DESC LIMIT 1) WHERE key >= 40000000 AND n = 0`,
      `UPDATE tidings_head SET n = n + ${3 * count}`,
    ].map((sql) => ({ sql })),
  );
}

/** Ann is in some groups, has left others, and comes again into one. */
async function makeOwn(store: Store): Promise<string[]> {
  const groups: string[] = [];
  for (let i = 0; i < 12; i++) {
    const { view } = await store.groups.create(bob, { ...state, id: newId(), members: ["ann"] }, 1);
    groups.push(view.conversation);
    await accepted(store, { from: "bob", conversation: view.conversation });
    if (i % 3 === 0) await store.groups.leave(ann, view.conversation, 1);
  }
  return groups;
}

/** Messages, names, a removal and a return. */
async function changeOwn(store: Store, groups: readonly string[]): Promise<void> {
  for (const [i, conversation] of groups.entries()) {
    await accepted(store, { from: "bob", conversation });
    if (i % 2 === 0) await store.groups.update(bob, conversation, { name: `name ${i}` }, 1);
    if (i === 1) await store.groups.remove(bob, conversation, "ann", 1);
    if (i === 3) await store.groups.join(ann, conversation, 1);
    await accepted(store, { from: "bob", conversation });
  }
}

const textsOf = ({ changes }: { readonly changes: readonly object[] }): string[] =>
  changes.map((one) => JSON.stringify(one));

test("GR1 GR2 a device gets the same changes after many groups of others changed as after few", async () => {
  const { engine, close } = await embedded();
  const { store } = await storeOn(engine);
  try {
    const groups = await makeOwn(store);
    const behindMany = (await store.head()).n;
    await changeOthers(engine, many);
    const behindFew = (await store.head()).n;
    await changeOwn(store, groups);
    for (const user of [ann, bob])
      for (const limit of [1, 3, 256]) {
        const few = textsOf(await readAll(store, user, { after: behindFew, limit }));
        expect(few.length).toBeGreaterThan(10);
        expect(textsOf(await readAll(store, user, { after: behindMany, limit }))).toEqual(few);
      }
  } finally {
    await store.close();
    await engine.close();
    await close();
  }
});

describeWith("sqlite3", "rows that a resume visits", () => {
  /** The steps of each statement of ann's resume after so many groups of others changed. */
  async function stepsAfter(count: number): Promise<ReadonlyMap<string, number>> {
    const folder = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "tidings-groups-"));
    const engine = createCountingEngine(join(folder, "chat.db"));
    try {
      const { store } = await storeOn(engine);
      const groups = await makeOwn(store);
      const { n } = await store.head();
      await changeOthers(engine, count);
      await changeOwn(store, groups);
      engine.steps.clear();
      await store.changes(ann, n, { rows: 256, bytes: 1_000_000 });
      await store.close();
      return new Map(Array.from(engine.steps, ([text, steps]) => [statementNames.get(text) ?? text, steps]));
    } finally {
      await engine.close();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  test("GR1 GR2 R30 a resume looks at a bounded number of groups of others", async () => {
    const [few, some, most] = [await stepsAfter(250), await stepsAfter(many), await stepsAfter(5 * many)];
    const of = (steps: ReadonlyMap<string, number>, name: string): number => steps.get(name) ?? Number.NaN;
    for (const name of ["selectNews", "selectGroupMessagesInGroups", "selectOwnGroups"]) {
      expect([name, of(most, name) <= 1.05 * of(some, name) + 50]).toEqual([name, true]);
      // Where they are few, each of them is looked up: that is the other arm.
      expect([name, of(few, name) > of(most, name)]).toEqual([name, true]);
    }
  });
});
