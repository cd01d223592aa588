import type { Engine } from "../../src/store/engine/engine.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { migrate } from "../../src/store/migration/migrate.ts";

/** The schema of the release before messages knew the one before them. */
export const schemaOfBefore = 12;
/** With all that nodes of both releases need, and without what only those of before need. */
export const [expandedSchema, contractedSchema] = [15, 16];

/** A server ends what takes longer than five seconds. */
const rowsPerWrite = 25_000;

const upTo = (count: number): string =>
  `(WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < ${count - 1}) SELECT i FROM c)`;

/**
 * Fills an empty database as the release before did: users `past0`, `past1`, … who wrote to each other, in turn. Each user has three
 * conversations. The keys of conversations are spread, as they are by chance.
 */
export async function fillAsBefore(
  engine: Engine,
  { messages, users = 300, head = messages + users * 2 }: { messages: number; users?: number; head?: number },
): Promise<void> {
  await migrate(engine, bundledMigrations, { to: { version: schemaOfBefore } });
  const first = 1_000;
  const conversations = Math.floor((users * 3) / 2);
  const key = (i: string): string => `1000000 + (${i}) * 7368787 % 1000003`;
  const run = (sqls: readonly string[]): Promise<unknown> => engine.write(sqls.map((sql) => ({ sql })));
  await run([
    `INSERT INTO tidings_user (key, tenant, id) SELECT ${first} + i, 'default', 'past' || i FROM ${upTo(users)}`,
    // The two neighbours in a ring, and for half of them the one opposite.
    `INSERT INTO tidings_conversation (key, tenant, low, high)
      SELECT ${key("i")}, 'default', min(a, b), max(a, b) FROM (
        SELECT i, ${first} + i % ${users} AS a, ${first} + (i + CASE WHEN i < ${users} THEN 1 ELSE ${users / 2} END) % ${users} AS b FROM ${upTo(conversations)})`,
    `INSERT INTO tidings_member (conversation, user, peer) SELECT key, low, high FROM tidings_conversation`,
    `INSERT INTO tidings_member (conversation, user, peer) SELECT key, high, low FROM tidings_conversation`,
  ]);
  for (let done = 0; done < messages; done += rowsPerWrite) {
    const g = `(${done} + x.i)`;
    const turn = `${g} / ${conversations}`;
    await run([
      `INSERT INTO tidings_message (n, conversation, seq, id, sender, recipient, text, time, other_seq)
        SELECT ${head - messages - conversations} + 1 + ${g}, c.key, ${turn} + 1, printf('01900000-0000-7000-8000-%012x', ${g}),
          iif(${turn} % 2, c.low, c.high), iif(${turn} % 2, c.high, c.low), 'message ' || ${g}, 1780000000000, ${turn}
        FROM ${upTo(Math.min(rowsPerWrite, messages - done))} x CROSS JOIN tidings_conversation c ON c.key = ${key(`${g} * 7 % ${conversations}`)}`,
    ]);
  }
  await run([
    `UPDATE tidings_conversation SET (seq, n) = (SELECT m.seq, m.n FROM tidings_message m WHERE m.conversation = key ORDER BY m.seq DESC LIMIT 1)
      WHERE EXISTS (SELECT 1 FROM tidings_message m WHERE m.conversation = key)`,
    `UPDATE tidings_conversation SET low_seq = seq / 2 * 2, high_seq = (seq + 1) / 2 * 2 - 1 WHERE seq > 0`,
    // In each conversation, one has received all of the other.
    `UPDATE tidings_member SET delivered = (SELECT c.high_seq FROM tidings_conversation c WHERE c.key = conversation),
      n = ${head - conversations} + 1 + (SELECT i FROM ${upTo(conversations)} WHERE ${key("i")} = conversation) WHERE user < peer`,
    `UPDATE tidings_head SET n = ${head}`,
  ]);
}

/** The faults in what the migrations fill in; at a version below `expandedSchema` some of it may be missing. */
export async function faultsOfFilling(engine: Engine, { isWhole }: { isWhole: boolean }): Promise<readonly unknown[]> {
  const sqls = [
    `SELECT m.n, m.prev FROM tidings_message m LEFT JOIN tidings_message b ON b.n = m.prev WHERE m.prev IS NOT NULL
      AND NOT (m.seq = 1 AND m.prev = 0) AND NOT coalesce(b.conversation = m.conversation AND b.seq = m.seq - 1, 0) LIMIT 5`,
    `SELECT key, n, period FROM tidings_conversation WHERE period IS NOT NULL AND period <> n >> 18 LIMIT 5`,
    `SELECT p.conversation, p.user, p.period FROM tidings_member p JOIN tidings_member o ON o.conversation = p.conversation AND o.user = p.peer
      WHERE p.period <> CASE WHEN p.n + o.n > 0 THEN 1 + (max(p.n, o.n) >> 18) ELSE 0 END AND ${isWhole ? "true" : "p.period > 0"} LIMIT 5`,
    ...(isWhole
      ? [
          "SELECT n FROM tidings_message WHERE prev IS NULL LIMIT 5",
          "SELECT key FROM tidings_conversation WHERE period IS NULL AND n > 0 LIMIT 5",
        ]
      : []),
  ];
  return (await engine.read(sqls.map((sql) => ({ sql })))).flat();
}
