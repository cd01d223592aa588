import { afterEach, beforeEach, expect, test } from "bun:test";
import type { Engine } from "../../src/store/engine/engine.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { migrate, pending, statusOf } from "../../src/store/migration/migrate.ts";
import { newest } from "../../src/store/read/history.ts";
import { createStore } from "../../src/store/libsql-store.ts";
import { systemClock } from "../../src/internal/clock.ts";
import { systemRandom } from "../../src/internal/random.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { accepted, person, readAll } from "../support/store.ts";
import { embedded } from "./places.ts";

/** The statements with which the release before `prev` stored sends: rows of [tenant, from, to, id, text]. */
const field = (i: number): string => `j.value ->> ${i}`;
const oldInsert = `
INSERT INTO tidings_message (n, conversation, seq, id, sender, recipient, text, time, other_seq)
SELECT head.n + row_number() OVER (ORDER BY j.key), c.key, c.seq + row_number() OVER (PARTITION BY c.key ORDER BY j.key),
  ${field(3)}, a.key, b.key, ${field(4)}, 1, CASE a.key WHEN c.low THEN c.high_seq ELSE c.low_seq END
FROM json_each(?1) j CROSS JOIN tidings_head head
CROSS JOIN tidings_user a ON a.tenant = ${field(0)} AND a.id = ${field(1)} CROSS JOIN tidings_user b ON b.tenant = ${field(0)} AND b.id = ${field(2)}
CROSS JOIN tidings_conversation c ON c.low = min(a.key, b.key) AND c.high = max(a.key, b.key)`;
const oldAdvance = `
UPDATE tidings_conversation AS conversation SET seq = x.seq, n = x.n, low_seq = max(conversation.low_seq, x.low_seq),
  high_seq = max(conversation.high_seq, x.high_seq)
FROM (
  SELECT m.conversation, max(m.seq) AS seq, max(m.n) AS n,
    max(CASE WHEN m.sender = c.low THEN m.seq ELSE 0 END) AS low_seq, max(CASE WHEN m.sender = c.high THEN m.seq ELSE 0 END) AS high_seq
  FROM tidings_message m NOT INDEXED CROSS JOIN tidings_conversation c ON c.key = m.conversation
  WHERE m.n > (SELECT n FROM tidings_head head) GROUP BY m.conversation
) x WHERE conversation.key = x.conversation`;
const oldHead = `UPDATE tidings_head SET n = max(n, coalesce((SELECT max(n) FROM tidings_message), 0))`;

/** Version 12 is the schema of the release before. */
const before = 12;
const expanded = 15;

let place: Awaited<ReturnType<typeof embedded>>;
beforeEach(async () => void (place = await embedded()));
afterEach(() => place.close());

let ids = 0;
/** As a node of the release before commits messages between these people. */
async function oldNodeSends(engine: Engine, sends: readonly (readonly [string, string])[]): Promise<void> {
  const rows = sends.map(([from, to]) => ["default", from, to, `old-${ids++}`, "hello"]);
  await engine.write([{ sql: oldInsert, args: [JSON.stringify(rows)] }, { sql: oldAdvance }, { sql: oldHead }]);
}

async function fillOld(engine: Engine): Promise<void> {
  await migrate(engine, bundledMigrations, { to: { version: before } });
  await engine.write([
    {
      sql: `INSERT INTO tidings_user (key, tenant, id) VALUES (1, 'default', 'alice'), (2, 'default', 'bob'), (3, 'default', 'carol')`,
    },
    {
      sql: `INSERT INTO tidings_conversation (key, tenant, low, high) VALUES (11, 'default', 1, 2), (12, 'default', 2, 3), (13, 'default', 1, 3)`,
    },
    { sql: `INSERT INTO tidings_member (conversation, user, peer) SELECT key, low, high FROM tidings_conversation` },
    { sql: `INSERT INTO tidings_member (conversation, user, peer) SELECT key, high, low FROM tidings_conversation` },
    { sql: `INSERT INTO tidings_device (user, device, acked) VALUES (2, 'phone', 0)` },
    // As late as the log of a database that has been used for long.
    { sql: `UPDATE tidings_head SET n = 262100` },
  ]);
  for (let i = 0; i < 20; i++)
    await oldNodeSends(engine, [
      ["alice", "bob"],
      ["alice", "bob"],
      ["bob", "carol"],
      ["carol", "bob"],
    ]);
}

const storeOf = (engine: Engine) =>
  createStore({
    ...{ engine, clock: systemClock, random: systemRandom, limits: { ...defaultLimits, marksDelayMs: 1 } },
    onFault: (fault) => {
      throw fault;
    },
  });

/** What is in the log for bob, as the table of messages says it. */
async function messagesOfBob(engine: Engine): Promise<readonly number[]> {
  const sql = `SELECT n FROM tidings_message WHERE 2 IN (sender, recipient) ORDER BY n`;
  const [rows = []] = await engine.read([{ sql }]);
  return rows.map((row) => Number(row["n"]));
}

async function bobsWays(engine: Engine): Promise<void> {
  const store = storeOf(engine);
  const all = await messagesOfBob(engine);
  for (const after of [0, all[10] ?? 0, all.at(-3) ?? 0]) {
    const { changes } = await readAll(store, person("bob"), { after, limit: 9 });
    expect(changes.flatMap((change) => (change.kind === "message" ? [change.n] : []))).toEqual(
      all.filter((n) => n > after),
    );
  }
  const { conversations } = await store.conversations(person("bob"), { below: newest, limit: 10 });
  for (const { id, lastMessage } of conversations) {
    const page = await store.history(person("bob"), { conversation: id, order: { down: newest }, limit: 1_000 });
    expect(page?.messages.map(({ seq }) => seq)).toEqual(Array.from({ length: lastMessage.seq }, (_, i) => 1 + i));
  }
  expect(conversations.map(({ with: other }) => other).toSorted()).toEqual(["alice", "carol"]);
}

test("S49 S50 a database of the release before is migrated, and a device that was away resumes on it", async () => {
  const { engine } = place;
  await fillOld(engine);
  const middle = (await messagesOfBob(engine))[30] ?? 0;
  await migrate(engine, bundledMigrations);
  await bobsWays(engine);
  const store = storeOf(engine);
  expect(await store.openDevice(person("bob"), "phone")).toMatchObject({ synced: 0 });
  expect(await new Promise((resolve) => store.ack(person("bob"), "phone", middle, resolve))).toBe(true);
  for (let i = 0; i < 20; i++)
    await accepted(store, { from: i % 3 === 0 ? "bob" : "alice", to: i % 3 === 0 ? "alice" : "bob" });
  await bobsWays(engine);
  const query = { undelivered: "phone", order: { up: 0 }, limit: 1_000 };
  const rest = (await store.history(person("bob"), query))?.messages ?? [];
  const received = `SELECT n FROM tidings_message WHERE recipient = 2 AND n > ?1 ORDER BY n`;
  const [wanted = []] = await engine.read([{ sql: received, args: [middle] }]);
  expect(rest.map(({ n }) => n)).toEqual(wanted.map((row) => Number(row["n"])));
  expect(rest.length).toBeGreaterThan(20);
  await store.close();
});

test("S50 nodes of the release before and of this one write one log, until the contraction", async () => {
  const { engine } = place;
  await fillOld(engine);
  await migrate(engine, bundledMigrations, { to: { version: expanded } });
  const store = storeOf(engine);
  for (let i = 0; i < 40; i++) {
    await oldNodeSends(engine, [
      ["alice", "bob"],
      ["bob", "alice"],
      ...(i % 3 === 0
        ? ([
            ["alice", "bob"],
            ["carol", "bob"],
          ] as const)
        : []),
    ]);
    if (i % 2 === 0)
      await Promise.all([1, 2].map(() => accepted(store, { from: "bob", to: i % 4 === 0 ? "alice" : "carol" })));
  }
  await bobsWays(engine);
  const unknown = `SELECT count(*) AS count FROM tidings_message WHERE prev IS NULL`;
  const chained = `SELECT count(*) AS count FROM tidings_message m JOIN tidings_message b ON b.n = m.prev
    WHERE NOT (b.conversation = m.conversation AND b.seq = m.seq - 1)`;
  const late = `SELECT count(*) AS count FROM tidings_conversation WHERE n > 0 AND period IS NOT n >> 18`;
  const found = await engine.read([unknown, chained, late].map((sql) => ({ sql })));
  expect(found.map(([row]) => row?.["count"])).toEqual([0, 0, 0]);
  await migrate(engine, bundledMigrations);
  await bobsWays(engine);
  await migrate(engine, bundledMigrations, { to: { version: before } });
  const [plain = []] = await engine.read([{ sql: `SELECT name FROM sqlite_master WHERE type = 'trigger'` }]);
  expect(plain).toEqual([]);
  await store.close();
});

test("S50 a contraction is all that a remote database may lack", () => {
  const [contractions, others] = [
    bundledMigrations.filter(({ name }) => name.endsWith("_contract")),
    bundledMigrations.filter(({ name }) => !name.endsWith("_contract")),
  ];
  expect(contractions.map(({ version }) => version)).toEqual([16]);
  // It takes away, and no later one needs that.
  for (const { up } of contractions) expect(up).not.toMatch(/CREATE|ALTER|INSERT|UPDATE/i);
  expect(Math.max(...others.map(({ version }) => version))).toBe(expanded);
});

test("M47 a database whose contraction had the number of the groups today is migrated, and has both", async () => {
  const { engine } = place;
  const early = bundledMigrations
    .filter(({ version }) => version !== 15)
    .map((one) => (one.version === 16 ? { ...one, version: 15 } : one));
  await fillOld(engine);
  await migrate(engine, early);
  expect((await pending(engine, bundledMigrations)).map(({ version }) => version)).toEqual([15, 16]);
  expect(await statusOf(engine, bundledMigrations)).toMatchObject({ version: 14, isDirty: false, refusal: undefined });
  expect((await migrate(engine, bundledMigrations)).map(({ migration }) => migration.name)).toEqual([
    "groups",
    "prev_contract",
  ]);
  await bobsWays(engine);
});
