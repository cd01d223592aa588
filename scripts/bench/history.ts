import { linkMessages } from "./link-messages.ts";
import { join } from "node:path";
import type { Engine } from "../../src/store/engine/engine.ts";
import type { Benchmark } from "./benchmark.ts";
import { measure } from "./benchmark.ts";
import { copyCached, numbers } from "./cached-database.ts";
import { withScratch } from "./scratch.ts";
import { withServer } from "./server-process.ts";
import { median } from "./statistics.ts";

const seedVersion = 2;
const longMessages = 1_000_000;
const shortMessages = 1_000;
const listed = 10_000;
const chunkRows = 100_000;
const repetitions = 60;

/** The asking users, keys of their users. */
const users = { long: 1, short: 2, busy: 3 };
const firstPeer = 1_000;

/** A page out of a conversation of a million messages and of a thousand, and the list of 10 000 conversations. */
export const history: Benchmark = async ({ commitDelayMs }) =>
  withScratch(async (folder) => {
    await copyCached({ benchmark: "history", version: seedVersion, fill }, join(folder, "chat.db"));
    return withServer({ folder, commitDelayMs }, async ({ port }) => {
      const paths = {
        long: `/messages?user=long&with=peer-0&before=${longMessages / 2}`,
        short: `/messages?user=short&with=peer-0&before=${shortMessages / 2}`,
        newest: "/messages?user=long&with=peer-0",
        filtered: "/messages?user=long&with=peer-0&from=long&until=1&limit=200",
        list: "/conversations?user=busy",
        unread: "/conversations?user=long",
      };
      const times = new Map<string, number[]>(Object.keys(paths).map((name) => [name, []]));
      // In turn, so that other work on the machine affects all; the first round fills the caches.
      for (let i = 0; i <= repetitions; i++)
        for (const [name, path] of Object.entries(paths)) {
          const start = performance.now();
          const response = await fetch(`http://127.0.0.1:${port}${path}`);
          await response.text();
          if (!response.ok) throw new Error(`${path} was answered ${response.status}`);
          if (i > 0) times.get(name)?.push(performance.now() - start);
        }
      const ms = (name: keyof typeof paths): number => median(times.get(name) ?? []);
      return [
        measure("50 messages out of 1 000 000", "ms", ms("long")),
        measure("50 messages out of 1 000", "ms", ms("short")),
        measure("factor (goal below 2)", "×", ms("long") / ms("short")),
        measure("the newest 50 of 1 000 000", "ms", ms("newest")),
        measure("a filter that finds nothing, 2 000 rows looked at", "ms", ms("filtered")),
        measure("50 of 10 000 conversations", "ms", ms("list")),
        measure("a conversation whose 20 000 unread must be counted", "ms", ms("unread")),
      ];
    });
  });

async function fill(engine: Engine): Promise<void> {
  const run = async (...sql: string[]): Promise<unknown> => engine.write(sql.map((one) => ({ sql: one })));
  let n = 0;
  await run(
    ...Object.entries(users).map(
      ([name, key]) => `INSERT INTO tidings_user (key, tenant, id) VALUES (${key}, 'default', '${name}')`,
    ),
    `INSERT INTO tidings_user (key, tenant, id) SELECT ${firstPeer} + i, 'default', 'peer-' || i FROM ${numbers(listed)}`,
  );
  /** One conversation with peer-0, in which both write in turn and neither has read anything. */
  async function fillOne(key: number, user: number, count: number): Promise<void> {
    for (let done = 0; done < count; done += chunkRows) {
      const rows = Math.min(chunkRows, count - done);
      await run(`INSERT INTO tidings_message (n, conversation, seq, id, sender, recipient, text, time)
        SELECT ${n + 1} + i, ${key}, ${done + 1} + i, printf('01900000-0000-7000-8000-%012x', ${n + 1} + i),
          iif(i % 2, ${user}, ${firstPeer}), iif(i % 2, ${firstPeer}, ${user}),
          'The quick brown fox jumps over the lazy dog and looks back twice.', 1780000000000 FROM ${numbers(rows)}`);
      n += rows;
    }
    await run(
      `INSERT INTO tidings_conversation (key, tenant, low, high, seq, n, low_seq, high_seq)
        VALUES (${key}, 'default', ${user}, ${firstPeer}, ${count}, ${n}, ${count}, ${count - 1})`,
      `INSERT INTO tidings_member (conversation, user, peer) VALUES (${key}, ${user}, ${firstPeer}), (${key}, ${firstPeer}, ${user})`,
    );
  }
  await fillOne(1_000_000, users.long, longMessages);
  await fillOne(2_000_000, users.short, shortMessages);
  const key = "3000000 + i";
  await run(
    `INSERT INTO tidings_message (n, conversation, seq, id, sender, recipient, text, time)
      SELECT ${n + 1} + i, ${key}, 1, printf('01900000-0000-7000-8000-%012x', ${n + 1} + i), ${firstPeer} + i, ${users.busy},
        'hello', 1780000000000 FROM ${numbers(listed)}`,
    `INSERT INTO tidings_conversation (key, tenant, low, high, seq, n, high_seq)
      SELECT ${key}, 'default', ${users.busy}, ${firstPeer} + i, 1, ${n + 1} + i, 1 FROM ${numbers(listed)}`,
    `INSERT INTO tidings_member (conversation, user, peer) SELECT ${key}, ${users.busy}, ${firstPeer} + i FROM ${numbers(listed)}`,
    `INSERT INTO tidings_member (conversation, user, peer) SELECT ${key}, ${firstPeer} + i, ${users.busy} FROM ${numbers(listed)}`,
    ...linkMessages,
    `UPDATE tidings_head SET n = ${n + listed}`,
  );
}
