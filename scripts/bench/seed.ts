import { linkMessages } from "./link-messages.ts";
import { join } from "node:path";
import type { Engine, Statement } from "../../src/store/engine/engine.ts";
import { copyCached, numbers } from "./cached-database.ts";

/** Change this with the seeded rows: it is part of the cached file's name. */
const seedVersion = 2;

const ownConversations = 10_000;
const fewConversations = 10;
const foreignConversations = 1_000;
const foreignMessages = 1_000_000;
const chunkRows = 100_000;

/** The users that connect; each has the device d1. */
export const seeded = {
  /** 10 000 conversations, a million messages of others after the cursor, nothing of its own. */
  many: "many",
  /** Ten conversations, nothing after the cursor. */
  few: "few",
  /** 10 000 conversations, each with a new message after the cursor. */
  busy: "busy",
  busyMessages: ownConversations,
} as const;

/** Puts the seeded database into a folder; the first time it is built, later it is copied from the cache. */
export const seedInto = (folder: string, name: string): Promise<void> =>
  copyCached({ benchmark: "resume", version: seedVersion, fill }, join(folder, name));

/** Keys of users and first keys of their conversations and peers. */
const owners = [
  { user: 1, name: seeded.many, first: 1_000_000, count: ownConversations },
  { user: 2, name: seeded.few, first: 2_000_000, count: fewConversations },
  { user: 3, name: seeded.busy, first: 3_000_000, count: ownConversations },
];
const firstPeer = 1_000;
const firstForeigner = 100_000;
const foreign = 4_000_000;

const text = "'The quick brown fox jumps over the lazy dog and looks back twice.'";
const messageColumns = "(n, conversation, seq, id, sender, recipient, text, time, hash)";
const idOf = (n: string): string => `printf('01900000-0000-7000-8000-%012x', ${n})`;
const restOfMessage = `${text}, 1780000000000, '0123456789abcdef0123456789abcdef'`;

async function fill(engine: Engine): Promise<void> {
  let n = 0;
  const run = async (...sql: string[]): Promise<unknown> => engine.write(sql.map((one): Statement => ({ sql: one })));

  await run(
    ...owners.map(
      ({ user, name }) => `INSERT INTO tidings_user (key, tenant, id) VALUES (${user}, 'default', '${name}')`,
    ),
    `INSERT INTO tidings_user (key, tenant, id) SELECT ${firstPeer} + i, 'default', 'peer-' || i FROM ${numbers(ownConversations)}`,
    `INSERT INTO tidings_user (key, tenant, id)
      SELECT ${firstForeigner} + i, 'default', 'foreigner-' || i FROM ${numbers(2 * foreignConversations)}`,
  );
  // Before the cursor: all users' conversations with one message each, delivered.
  for (const { user, first, count } of owners) {
    const marks = n + count + 1;
    await run(
      `INSERT INTO tidings_conversation (key, tenant, low, high, seq, n, high_seq)
        SELECT ${first} + i, 'default', ${user}, ${firstPeer} + i, 1, ${n + 1} + i, 1 FROM ${numbers(count)}`,
      `INSERT INTO tidings_member (conversation, user, peer, delivered, n)
        SELECT ${first} + i, ${user}, ${firstPeer} + i, 1, ${marks} + i FROM ${numbers(count)}`,
      `INSERT INTO tidings_member (conversation, user, peer) SELECT ${first} + i, ${firstPeer} + i, ${user} FROM ${numbers(count)}`,
      `INSERT INTO tidings_message ${messageColumns} SELECT ${n + 1} + i, ${first} + i, 1, ${idOf(`${n + 1} + i`)},
        ${firstPeer} + i, ${user}, ${restOfMessage} FROM ${numbers(count)}`,
    );
    n += 2 * count;
  }
  const cursor = n;
  const peopleOf = `${firstForeigner} + 2 * i, ${firstForeigner} + 2 * i + 1`;
  await run(
    `INSERT INTO tidings_conversation (key, tenant, low, high) SELECT ${foreign} + i, 'default', ${peopleOf}
      FROM ${numbers(foreignConversations)}`,
    `INSERT INTO tidings_member (conversation, user, peer) SELECT ${foreign} + i, ${peopleOf} FROM ${numbers(foreignConversations)}`,
    `INSERT INTO tidings_member (conversation, peer, user) SELECT ${foreign} + i, ${peopleOf} FROM ${numbers(foreignConversations)}`,
  );
  for (let done = 0; done < foreignMessages; done += chunkRows) {
    const at = n + 1;
    const place = `(${done} + i) % ${foreignConversations}`;
    const turn = `((${done} + i) / ${foreignConversations}) % 2`;
    await run(`INSERT INTO tidings_message ${messageColumns} SELECT ${at} + i, ${foreign} + ${place},
      (${done} + i) / ${foreignConversations} + 1, ${idOf(`${at} + i`)}, ${firstForeigner} + 2 * (${place}) + ${turn},
      ${firstForeigner} + 2 * (${place}) + 1 - ${turn}, ${restOfMessage} FROM ${numbers(chunkRows)}`);
    n += chunkRows;
  }
  const seqs = foreignMessages / foreignConversations;
  const [, , busy] = owners;
  if (!busy) return;
  await run(
    `UPDATE tidings_conversation SET seq = ${seqs}, n = ${n - foreignConversations + 1} + key - ${foreign}, low_seq = ${seqs - 1},
      high_seq = ${seqs} WHERE key >= ${foreign}`,
    `INSERT INTO tidings_message ${messageColumns} SELECT ${n + 1} + i, ${busy.first} + i, 2, ${idOf(`${n + 1} + i`)},
      ${firstPeer} + i, ${busy.user}, ${restOfMessage} FROM ${numbers(busy.count)}`,
    `UPDATE tidings_conversation SET seq = 2, high_seq = 2, n = ${n + 1} + key - ${busy.first}
      WHERE key >= ${busy.first} AND key < ${busy.first + busy.count}`,
  );
  n += busy.count;
  await run(
    ...owners.map(({ user, name }) => {
      const acked = name === seeded.few ? n : cursor;
      return `INSERT INTO tidings_device (user, device, acked) VALUES (${user}, 'd1', ${acked})`;
    }),
    ...linkMessages,
    `UPDATE tidings_head SET n = ${n}`,
  );
}
