import { closeSync, fsyncSync, openSync } from "node:fs";
import { join } from "node:path";
import Database from "libsql";
import { buildMigrated, copyCachedFile, numbers, schemaHash } from "../cached-database.ts";
import { naiveSchema } from "../naive/store.ts";

/** Change this with the seeded rows: it is part of the cached files' names. */
const seedVersion = 3;

/** The content of a seeded file: people who write to each other at random. */
export type Population = {
  readonly messages: number;
  readonly senders: number;
  readonly conversations: number;
};

/** Twenty messages a conversation, five conversations a user; an empty file has the people of a small one already. */
export const populationOf = (messages: number, conversationsMin = 20_000): Population => {
  const senders = 48;
  const each = Math.ceil(Math.max(conversationsMin, messages / 20) / senders);
  return { messages, senders, conversations: senders * each };
};

export const senderName = (i: number): string => `sender-${i}`;

/** The peers of one sender, each in a conversation of its own. */
export function peersOf({ senders, conversations }: Population, sender: number): string[] {
  const peers = peersIn(conversations);
  return Array.from({ length: conversations / senders }, (_, k) => `peer-${peerAt(sender, k) % peers}`);
}

const peersIn = (conversations: number): number => Math.max(1, Math.ceil(conversations / 5));
// A prime, so that the peers of a sender are all different and far from each other.
const peerStep = 7_919;
const peerAt = (sender: number, k: number): number => sender * 83 + k * peerStep;
/** A prime that divides no number of conversations here: going on by it visits each conversation once in a round. */
const conversationStep = 7_368_787;

const text = "'The quick brown fox jumps over the lazy dog and looks back twice.'";
const idOf = (n: string): string => `printf('01900000-0000-7000-8000-%012x', ${n})`;
const time = 1_780_000_000_000;
const seen = 4_000_000_000_000;
const chunkRows = 100_000;

/** Copies the file of one side into a folder, as `chat.db`; built the first time. */
export async function seedInto(folder: string, side: "naive" | "tidings", population: Population): Promise<void> {
  const size = `${population.messages}-${population.conversations}`;
  const schema = side === "naive" ? Bun.hash(naiveSchema).toString(36) : await schemaHash();
  const name = `storage-${side}-${size}-${seedVersion}-${schema}`;
  const build = side === "naive" ? buildNaive : buildTidings;
  const path = join(folder, "chat.db");
  await copyCachedFile({ name, build: (file) => build(file, population) }, path);
  // Now, and not while something is measured.
  const copy = openSync(path, "r+");
  fsyncSync(copy);
  closeSync(copy);
}

async function buildTidings(file: string, population: Population): Promise<void> {
  await buildMigrated(file, async () => {});
  await letGo(file);
  fill(file, population, (run) => {
    run(`INSERT INTO tidings_user (key, tenant, id) SELECT user, 'default', name FROM person`);
    run(
      `INSERT INTO tidings_conversation (key, tenant, low, high) SELECT key, 'default', min(sender, peer), max(sender, peer) FROM pair`,
    );
    run(`INSERT INTO tidings_member (conversation, user, peer) SELECT key, sender, peer FROM pair`);
    run(`INSERT INTO tidings_member (conversation, user, peer) SELECT key, peer, sender FROM pair`);
    eachChunk(population.messages, (rows) =>
      run(`INSERT INTO tidings_message (n, conversation, seq, id, sender, recipient, text, time, other_seq, prev)
        SELECT n, key, seq, ${idOf("n")}, CASE seq % 2 WHEN 1 THEN sender ELSE peer END,
          CASE seq % 2 WHEN 1 THEN peer ELSE sender END, ${text}, ${time}, seq - 1, CASE seq WHEN 1 THEN 0 ELSE n - ${population.conversations} END
        FROM ${messageRows(population, rows)}`),
    );
    // The last round has one message of each conversation; both have written, in turn.
    run(`UPDATE tidings_conversation AS c SET seq = x.seq, n = x.n, period = x.n >> 18,
        low_seq = CASE WHEN (x.seq % 2 = 1) = (p.sender = c.low) THEN x.seq ELSE x.seq - 1 END,
        high_seq = CASE WHEN (x.seq % 2 = 1) = (p.sender = c.high) THEN x.seq ELSE x.seq - 1 END
      FROM tidings_message x CROSS JOIN pair p ON p.key = x.conversation
      WHERE x.n > ${population.messages - population.conversations} AND c.key = x.conversation`);
    // Seen a moment ago, whenever that is read: then an ack does not write it anew.
    run(
      `INSERT INTO tidings_device (user, device, acked, seen) SELECT user, 'd1', ${population.messages}, ${seen} FROM person`,
    );
    run(`UPDATE tidings_head SET n = ${population.messages}`);
  });
}

/** Waits until a closed connection has given up its lock: it keeps it until its statements are collected, in a later turn of the event loop. */
async function letGo(file: string): Promise<void> {
  for (let tries = 0; tries < letGoTries; tries++) {
    Bun.gc(true);
    await Bun.sleep(letGoMs);
    const database = new Database(file);
    try {
      database.exec("PRAGMA journal_mode = DELETE");
      return;
    } catch {
      // Not yet.
    } finally {
      database.close();
    }
  }
  throw new Error(`${file} stays locked`);
}

async function buildNaive(file: string, population: Population): Promise<void> {
  fill(file, population, (run) => {
    run(naiveSchema);
    eachChunk(population.messages, (rows) =>
      run(`INSERT INTO message (n, conversation, seq, id, sender, recipient, text, time)
        SELECT n, min(a.name, b.name) || ' ' || max(a.name, b.name), seq, ${idOf("n")}, CASE seq % 2 WHEN 1 THEN a.name ELSE b.name END,
          CASE seq % 2 WHEN 1 THEN b.name ELSE a.name END, ${text}, ${time}
        FROM ${messageRows(population, rows)} m CROSS JOIN person a ON a.user = m.sender CROSS JOIN person b ON b.user = m.peer`),
    );
    run(`INSERT INTO ack (user, n) SELECT name, ${population.messages} FROM person`);
  });
}

const letGoTries = 100;
const letGoMs = 20;

type Chunk = { readonly first: number; readonly count: number };

function eachChunk(messages: number, use: (rows: Chunk) => void): void {
  for (let first = 0; first < messages; first += chunkRows)
    use({ first, count: Math.min(chunkRows, messages - first) });
}

/** Message number i is in the conversation that its round visits then: neighbours in the log are far from each other elsewhere. */
const messageRows = ({ conversations }: Population, { first, count }: Chunk): string =>
  `(SELECT ${first} + i + 1 AS n, (${first} + i) / ${conversations} + 1 AS seq, key, sender, peer
    FROM ${numbers(count)} CROSS JOIN pair ON pair.place = ((${first} + i) * ${conversationStep}) % ${conversations})`;

/**
 * Fills a file in one transaction without a log, its pages in memory: the indexes grow row by row, in the order of the messages, and their pages are as
 * full as those of a chat that has run for long. (Built from sorted rows, full pages would split at the first messages of a benchmark.)
 */
function fill(file: string, population: Population, use: (run: (sql: string) => void) => void): void {
  const database = new Database(file);
  const run = (sql: string): void => void database.exec(sql);
  run(
    "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -4000000; BEGIN",
  );
  run("CREATE TEMP TABLE person (user INTEGER PRIMARY KEY, name TEXT NOT NULL)");
  run(
    "CREATE TEMP TABLE pair (place INTEGER PRIMARY KEY, key INTEGER NOT NULL UNIQUE, sender INTEGER NOT NULL, peer INTEGER NOT NULL)",
  );
  const { senders, conversations } = population;
  const peers = peersIn(conversations);
  run(`INSERT INTO person SELECT i + 1, 'sender-' || i FROM ${numbers(senders)}`);
  run(`INSERT INTO person SELECT ${senders + 1} + i, 'peer-' || i FROM ${numbers(peers)}`);
  // Keys of conversations are random below 2^53, as the writer makes them; these are the same each time.
  run(`INSERT INTO pair SELECT i, 1 + (i + 1) * 2654435761 % 4294967291 * 2097143, 1 + i % ${senders},
      ${senders + 1} + ((i % ${senders}) * 83 + (i / ${senders}) * ${peerStep}) % ${peers} FROM ${numbers(conversations)}`);
  use(run);
  run("COMMIT");
  database.close();
}
