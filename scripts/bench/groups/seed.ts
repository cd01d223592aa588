import { join } from "node:path";
import { encodeConversation } from "../../../src/protocol/conversation-id.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { copyCached, numbers } from "../cached-database.ts";
import { linkMessages } from "../link-messages.ts";

/** Change this with the seeded rows: it is part of the cached files' names. */
const seedVersion = 3;

/** People of groups are the keys from 1 on; these come behind all of them. */
const firstOther = 10_000_000;
const firstGroup = 20_000_000;
const firstDirect = 30_000_000;
/** Keys of the groups of one size. */
const groupsApart = 1_000;

export const memberName = (i: number): string => `member-${i}`;
export const writerName = (i: number): string => `writer-${i}`;
export const peerName = (i: number): string => `peer-${i}`;

const text = "'The quick brown fox jumps over the lazy dog and looks back twice.'";
const idOf = (n: string): string => `printf('01900000-0000-7000-8000-%012x', ${n})`;
const groupColumns = "(conversation, creator, id, n, version, name, data, visibility, history, size)";
const memberColumns = "(conversation, user, status, role, since, joined, joined_n, n)";
const messageColumns = "(n, conversation, seq, id, sender, recipient, text, time, other_seq)";

type Run = (...sql: string[]) => Promise<unknown>;

const runOn =
  (engine: Engine): Run =>
  async (...sql) =>
    engine.write(sql.map((one) => ({ sql: one })));

const insertPeople = (first: number, count: number, name: string): string =>
  `INSERT INTO tidings_user (key, tenant, id) SELECT ${first} + i, 'default', '${name}-' || i FROM ${numbers(count)}`;

/** All groups of the file, and their members, whose rows are there already, get numbers of their own above `n`. Returns the highest. */
async function numberGroups(engine: Engine, n: number): Promise<number> {
  const run = runOn(engine);
  await run(
    `UPDATE tidings_group SET n = ${n} - n, size = (SELECT count(*) FROM tidings_group_member g WHERE g.conversation = tidings_group.conversation)`,
    `UPDATE tidings_head SET level = 3`,
  );
  const [[row] = []] = await engine.read([
    { sql: `SELECT max((SELECT max(n) FROM tidings_group), (SELECT max(n) FROM tidings_group_member)) AS n` },
  ]);
  return Number(row?.["n"]);
}

/** Each size has so many groups, all with the same members, and there are as many conversations of two. */
export const groupsOfSize = 10;

export const groupId = (sizeAt: number, i: number): string => encodeConversation(firstGroup + sizeAt * groupsApart + i);

/** A file with groups of each of these sizes. Their first member is the owner, and all of them are open. */
export async function seedSizes(folder: string, sizes: readonly number[]): Promise<void> {
  const fill = async (engine: Engine): Promise<void> => {
    const run = runOn(engine);
    await run(
      insertPeople(1, Math.max(...sizes), "member"),
      insertPeople(firstOther, groupsOfSize, "writer"),
      insertPeople(firstOther + groupsApart, groupsOfSize, "peer"),
      `INSERT INTO tidings_conversation (key, tenant, low, high)
        SELECT ${firstDirect} + i, 'default', ${firstOther} + i, ${firstOther + groupsApart} + i FROM ${numbers(groupsOfSize)}`,
      `INSERT INTO tidings_member (conversation, user, peer) SELECT key, low, high FROM tidings_conversation`,
      `INSERT INTO tidings_member (conversation, user, peer) SELECT key, high, low FROM tidings_conversation`,
    );
    let n = 0;
    for (const [at, size] of sizes.entries()) {
      const key = `${firstGroup + at * groupsApart} + c.i`;
      await run(
        `INSERT INTO tidings_conversation (key, tenant, kind) SELECT ${key}, 'default', 'group' FROM ${numbers(groupsOfSize)} c`,
        `INSERT INTO tidings_group ${groupColumns}
          SELECT ${key}, 1, 'g' || (${key}), -(${at * groupsApart} + c.i + 1), 1, 'group', '{}', 'open', 'joined', 0 FROM ${numbers(groupsOfSize)} c`,
        `INSERT INTO tidings_group_member ${memberColumns}
          SELECT ${key}, 1 + p.i, 0, iif(p.i, 0, 2), 0, 0, 0, ${n + 1} + c.i * ${size} + p.i FROM ${numbers(groupsOfSize)} c CROSS JOIN ${numbers(size)} p`,
      );
      n += groupsOfSize * size;
    }
    n = await numberGroups(engine, n);
    await run(`UPDATE tidings_head SET n = ${n}`);
  };
  const benchmark = `groups-${sizes.join("-")}`;
  await copyCached({ benchmark, version: seedVersion, fill }, join(folder, "chat.db"));
}

/** How much there is in the file of `seedReaders`. */
export const readers = {
  /** The groups of each reader. */
  groups: [10, 100, 1_000],
  /** Other members of each of these groups. */
  others: 20,
  /** Groups that no reader is in. */
  foreign: 2_000,
  /** Messages that are new to each reader. */
  news: 20,
  /** The user with one conversation of two. */
  one: "reader-one",
  nameOf: (groups: number): string => `reader-${groups}`,
} as const;

/** Positions in the log of that file. */
export type ReaderPlaces = {
  /** After this, all groups have messages, and the user with one conversation as many as the one with most groups. */
  readonly start: number;
  /** After this, foreign groups have one message each, and then the readers their news. */
  readonly foreign: number;
  /** After this, the readers have their news. */
  readonly news: number;
  readonly head: number;
};

/** Readers in few and in many groups, and one with one conversation. */
export async function seedReaders(folder: string): Promise<void> {
  const most = Math.max(...readers.groups);
  const [one, peer] = [firstOther, firstOther + 1];
  const fill = async (engine: Engine): Promise<void> => {
    const run = runOn(engine);
    await run(
      insertPeople(1, readers.others, "member"),
      ...readers.groups.map(
        (groups) =>
          `INSERT INTO tidings_user (key, tenant, id) VALUES (${100 + groups}, 'default', '${readers.nameOf(groups)}')`,
      ),
      `INSERT INTO tidings_user (key, tenant, id) VALUES (${one}, 'default', '${readers.one}'), (${peer}, 'default', 'peer')`,
      `INSERT INTO tidings_conversation (key, tenant, low, high) VALUES (${firstDirect}, 'default', ${one}, ${peer})`,
      `INSERT INTO tidings_member (conversation, user, peer) VALUES (${firstDirect}, ${one}, ${peer}), (${firstDirect}, ${peer}, ${one})`,
      `INSERT INTO tidings_conversation (key, tenant, kind) SELECT ${firstGroup} + i, 'default', 'group' FROM ${numbers(most + readers.foreign)}`,
      `INSERT INTO tidings_group ${groupColumns}
        SELECT ${firstGroup} + i, 1, 'g' || i, -(i + 1), 1, 'group', '{}', 'open', 'joined', 0 FROM ${numbers(most + readers.foreign)}`,
      `INSERT INTO tidings_group_member ${memberColumns}
        SELECT ${firstGroup} + c.i, 1 + p.i, 0, iif(p.i, 0, 2), 0, 0, 0, 1 + c.i * ${readers.others} + p.i
        FROM ${numbers(most + readers.foreign)} c CROSS JOIN ${numbers(readers.others)} p`,
    );
    let n = (most + readers.foreign) * readers.others;
    for (const groups of readers.groups) {
      await run(`INSERT INTO tidings_group_member ${memberColumns}
        SELECT ${firstGroup} + i, ${100 + groups}, 0, 0, 0, 0, 0, ${n + 1} + i FROM ${numbers(groups)}`);
      n += groups;
    }
    n = await numberGroups(engine, n);
    /** One message in each of these conversations, in their order. */
    async function write(
      key: string,
      count: number,
      { seq, recipient }: { seq: string; recipient: string },
    ): Promise<void> {
      const sender = recipient === "NULL" ? "1" : String(peer);
      await run(`INSERT INTO tidings_message ${messageColumns}
        SELECT ${n + 1} + i, ${key}, ${seq}, ${idOf(`${n + 1} + i`)}, ${sender}, ${recipient}, ${text}, 1780000000000, 0 FROM ${numbers(count)}`);
      n += count;
    }
    const toGroup = (seq: number) => ({ seq: String(seq), recipient: "NULL" });
    const places: number[] = [n];
    await write(`${firstGroup} + i`, most, toGroup(1));
    await write(String(firstDirect), most, { seq: "i + 1", recipient: String(one) });
    places.push(n);
    await write(`${firstGroup + most} + i`, readers.foreign, toGroup(1));
    places.push(n);
    // Each reader is in the first ten; all news come in two of the reader's groups of each ten.
    for (let i = 0; i < readers.news; i++) {
      await write(String(firstGroup + (i % 10)), 1, toGroup(2 + Math.floor(i / 10)));
      await write(String(firstDirect), 1, { seq: String(most + 1 + i), recipient: String(one) });
    }
    await run(
      `UPDATE tidings_conversation SET (seq, n) = (SELECT max(m.seq), max(m.n) FROM tidings_message m WHERE m.conversation = key)
        WHERE key IN (SELECT conversation FROM tidings_message)`,
      `UPDATE tidings_conversation SET high_seq = seq WHERE key = ${firstDirect}`,
      ...linkMessages,
      `UPDATE tidings_head SET n = ${n}`,
    );
  };
  await copyCached({ benchmark: "groups-readers", version: seedVersion, fill }, join(folder, "chat.db"));
}

/** Where the parts of that file's log begin, counted back from its head. */
export function readerPlaces(head: number): ReaderPlaces {
  const news = head - 2 * readers.news;
  const foreign = news - readers.foreign;
  return { head, news, foreign, start: foreign - 2 * Math.max(...readers.groups) };
}

/** A file with so many groups, and people who are each in some of them. */
export async function seedCrowd(
  folder: string,
  { people, groups, each }: { readonly people: number; readonly groups: number; readonly each: number },
): Promise<void> {
  const fill = async (engine: Engine): Promise<void> => {
    const run = runOn(engine);
    await run(
      insertPeople(1, people, "member"),
      `INSERT INTO tidings_user (key, tenant, id) VALUES (${firstOther}, 'default', 'owner')`,
      `INSERT INTO tidings_conversation (key, tenant, kind) SELECT ${firstGroup} + i, 'default', 'group' FROM ${numbers(groups)}`,
      `INSERT INTO tidings_group ${groupColumns}
        SELECT ${firstGroup} + i, ${firstOther}, 'g' || i, -(i + 1), 1, 'group', '{}', 'open', 'joined', 0 FROM ${numbers(groups)}`,
      `INSERT INTO tidings_group_member ${memberColumns}
        SELECT ${firstGroup} + i, ${firstOther}, 0, 2, 0, 0, 0, 1 + i FROM ${numbers(groups)}`,
    );
    // Neighbours are in different groups.
    if (each > 0)
      await run(`INSERT INTO tidings_group_member ${memberColumns}
        SELECT ${firstGroup} + (p.i * ${each} + k.i) % ${groups}, 1 + p.i, 0, 0, 0, 0, 0, ${groups} + 1 + p.i * ${each} + k.i
        FROM ${numbers(people)} p CROSS JOIN ${numbers(each)} k`);
    const n = await numberGroups(engine, groups + people * each);
    await run(`UPDATE tidings_head SET n = ${n}`);
  };
  const benchmark = `groups-crowd-${people}-${groups}-${each}`;
  await copyCached({ benchmark, version: seedVersion, fill }, join(folder, "chat.db"));
}
