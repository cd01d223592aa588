import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { chance } from "../support/chance.ts";
import type { Message } from "../../src/model.ts";
import { encodeConversation } from "../../src/protocol/conversation-id.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { migrate } from "../../src/store/migration/migrate.ts";
import { type HistoryQuery, newest } from "../../src/store/read/history.ts";
import type { Store } from "../../src/store/store.ts";
import { accepted, person, readAll, storeOn } from "../support/store.ts";

type Place = { readonly engine: Engine; close(): Promise<void> };

type Options = {
  readonly seed: number;
  /** How many positions each is tried from, beside the edges. */
  readonly depth: number;
  /** Where the first message is before the beginning of a period. */
  readonly before: number;
};

type Row = {
  readonly n: number;
  readonly conversation: number;
  readonly seq: number;
  readonly sender: number;
  readonly recipient: number;
};

/**
 * Users 1 to 9 have some conversations each, one of them with themselves, user 10 has more than are looked at one by one. User 11 has as many, of long ago, in which only marks
 * move.
 */
const [few, wide, strangers] = [9, 10, 2_600];
const [quiet, formerPeers] = [11, 2_600];
/** User 12 has one conversation with many messages, far from each other, and some with one message, of the end. */
const [uneven, singlePeers] = [12, 30];
const period = 2 ** 18;
const name = (key: number): string => `u${key}`;

/** Some messages of each conversation, in an order by chance, around the beginning of a period. */
function population(seed: number, start: number) {
  const pick = chance(seed);
  const pairs: (readonly [number, number])[] = [];
  for (let one = 1; one <= few; one++) for (let other = one; other <= few; other++) pairs.push([one, other]);
  pairs.push([wide, wide]);
  for (let i = 0; i < strangers; i++) pairs.push([wide, 100 + i]);
  const narrow = pairs.length - strangers;
  const total = 9_000;
  const rows: (Row & { readonly prev: number; readonly others: number })[] = [];
  const last = new Map<number, { seq: number; n: number; seqs: Map<number, number> }>();
  for (let i = 0; i < formerPeers; i++) {
    const [sender, recipient] = [10_000 + i, quiet];
    last.set(pairs.length, { seq: 1, n: 1 + i, seqs: new Map([[sender, 1]]) });
    pairs.push([quiet, sender]);
    rows.push({ n: 1 + i, conversation: pairs.length, seq: 1, sender, recipient, prev: 0, others: 0 });
  }
  const many = pairs.length;
  for (let i = 0; i <= singlePeers; i++) pairs.push([uneven, 20_000 + i]);
  let n = 2 * period - start;
  const anyPair = (): number => (pick(3) > 0 ? narrow + pick(strangers) : pick(pick(2) ? narrow : 4));
  const marks = new Map<string, { readonly n: number; readonly conversation: number; readonly user: number }>();
  for (let i = 0; i < total; i++) {
    // Marks that moved lie between, and other rows of the log.
    for (const end = n + (pick(2) === 0 ? pick(4) : 0); n < end; n++) {
      const index = pick(4) > 0 ? narrow + strangers + pick(formerPeers) : anyPair();
      const user = pairs[index]?.[pick(2)];
      if (user !== undefined) marks.set(`${index} ${user}`, { n: n + 1, conversation: 1 + index, user });
    }
    n++;
    const single = i - (total - singlePeers);
    const index = single >= 0 ? many + 1 + single : i % 20 === 0 ? many : anyPair();
    const pair = pairs[index] ?? [1, 2];
    const [sender, recipient] = pick(2) === 0 ? pair : [pair[1], pair[0]];
    const before = last.get(index) ?? { seq: 0, n: 0, seqs: new Map<number, number>() };
    const seq = before.seq + 1;
    const others = sender === recipient ? 0 : (before.seqs.get(recipient) ?? 0);
    rows.push({ n, conversation: 1 + index, seq, sender, recipient, prev: before.n, others });
    last.set(index, { seq, n, seqs: new Map([...before.seqs, [sender, seq]]) });
  }
  const conversations = [...last].map(([index, { seq, n: at, seqs }]) => {
    const [low, high] = pairs[index] ?? [1, 2];
    return [1 + index, low, high, seq, at, seqs.get(low) ?? 0, low === high ? 0 : (seqs.get(high) ?? 0)];
  });
  return { rows, conversations, marks: [...marks.values()], head: n + 10, pick };
}

const at = (i: number): string => `j.value ->> ${i}`;

async function fill(
  engine: Engine,
  { rows, conversations, marks, head }: ReturnType<typeof population>,
): Promise<void> {
  const users = [...new Set(rows.flatMap(({ sender, recipient }) => [sender, recipient]))];
  const messages = rows.map((row) => [
    ...[row.n, row.conversation, row.seq, row.sender, row.recipient, row.prev, row.others],
  ]);
  await engine.write([
    {
      sql: `INSERT INTO tidings_user (key, tenant, id) SELECT j.value, 'default', 'u' || j.value FROM json_each(?1) j`,
      args: [JSON.stringify(users)],
    },
    {
      sql: `INSERT INTO tidings_conversation (key, tenant, low, high, seq, n, low_seq, high_seq, period)
        SELECT ${at(0)}, 'default', ${at(1)}, ${at(2)}, ${at(3)}, ${at(4)}, ${at(5)}, ${at(6)}, (${at(4)}) >> 18 FROM json_each(?1) j`,
      args: [JSON.stringify(conversations)],
    },
    {
      sql: `INSERT INTO tidings_message (n, conversation, seq, id, sender, recipient, text, time, other_seq, prev)
        SELECT ${at(0)}, ${at(1)}, ${at(2)}, 'm' || (${at(0)}), ${at(3)}, ${at(4)}, 'hi', ${at(0)}, ${at(6)}, ${at(5)} FROM json_each(?1) j`,
      args: [JSON.stringify(messages)],
    },
    { sql: `INSERT INTO tidings_member (conversation, user, peer) SELECT key, low, high FROM tidings_conversation` },
    {
      sql: `INSERT INTO tidings_member (conversation, user, peer) SELECT key, high, low FROM tidings_conversation WHERE low < high`,
    },
    {
      sql: `UPDATE tidings_member AS member SET n = x.n, delivered = 0
        FROM (SELECT ${at(0)} AS n, ${at(1)} AS conversation, ${at(2)} AS user FROM json_each(?1) j) x
        WHERE member.conversation = x.conversation AND member.user = x.user`,
      args: [JSON.stringify(marks.map((mark) => [mark.n, mark.conversation, mark.user]))],
    },
    {
      sql: `INSERT INTO tidings_device (user, device, acked) SELECT key, 'phone', 0 FROM tidings_user WHERE key <= 10`,
    },
    { sql: `UPDATE tidings_head SET n = ${head}` },
  ]);
}

/** What a store must hold to about messages that are found through their conversation, or in the rows of the log. */
export function describeWays(title: string, open: () => Promise<Place>, { seed, depth, before }: Options): void {
  describe(title, () => {
    let place: Place;
    let store: Store;
    const world = population(seed, before);
    const { pick } = world;
    const rows: Row[] = [...world.rows];
    const users = [1, few, wide, 100, uneven];
    const ofUser = (user: number): Row[] =>
      rows.filter(({ sender, recipient }) => user === sender || user === recipient);
    const positions = (): number[] => [
      ...[0, 2 * period - 1, world.head],
      ...Array.from({ length: depth }, () => rows[pick(rows.length)]?.n ?? 0),
    ];
    const ns = (messages: readonly Message[]): number[] => messages.map(({ n }) => n);

    async function historyOf(user: number, query: Omit<HistoryQuery, "limit">, limit: number): Promise<Message[]> {
      const pages: Message[] = [];
      let { order } = query;
      for (let i = 0; i < 20_000; i++) {
        const page = await store.history(person(name(user)), { ...query, order, limit });
        if (page === null) throw new Error("no such conversation");
        if (order.down === undefined) pages.push(...page.messages);
        else pages.unshift(...page.messages);
        if (page.next === undefined) return pages;
        order = page.next;
      }
      throw new Error("the pages do not end");
    }

    beforeAll(async () => {
      place = await open();
      await migrate(place.engine, bundledMigrations);
      await fill(place.engine, world);
      ({ store } = await storeOn(place.engine));
      // Some by the store itself, several of one conversation in one commit.
      for (let i = 0; i < 12; i++) {
        const sent = await Promise.all(
          [1, 1, 2, wide, quiet].map(async (sender, k) => {
            const peers: Readonly<Record<number, number>> = {
              [wide]: 100 + pick(4),
              [quiet]: 10_000 + i,
              1: 2 + (k % 2) * 7,
            };
            const recipient = peers[sender] ?? 1;
            const { n, conversation, seq } = await accepted(store, { from: name(sender), to: name(recipient) });
            return { n, conversation: Number.parseInt(conversation.slice(1), 36), seq, sender, recipient };
          }),
        );
        rows.push(...sent);
      }
      rows.sort((a, b) => a.n - b.n);
    });
    afterAll(async () => {
      await store.close();
      await place.close();
    });

    test("S49 each message knows the one before it in its conversation, and each conversation its period", async () => {
      const [wrong = [], late = [], lateMarks = []] = await place.engine.read([
        {
          sql: `SELECT m.n FROM tidings_message m LEFT JOIN tidings_message b ON b.n = m.prev
            WHERE m.prev IS NOT NULL AND NOT (m.seq = 1 AND m.prev = 0) AND NOT (b.conversation = m.conversation AND b.seq = m.seq - 1)`,
        },
        { sql: `SELECT key FROM tidings_conversation WHERE period <> n >> 18` },
        {
          sql: `SELECT p.conversation, p.user FROM tidings_member p JOIN tidings_member o ON o.conversation = p.conversation AND o.user = p.peer
            WHERE p.period <> CASE WHEN p.n + o.n > 0 THEN 1 + (max(p.n, o.n) >> 18) ELSE 0 END`,
        },
      ]);
      expect([wrong, late, lateMarks]).toEqual([[], [], []]);
    });

    test("S49 a device gets what its user sent and received, from any position, in pages of any size", async () => {
      for (const user of users)
        // Also right before a message: the walk back to it must not end too early.
        for (const after of [
          ...positions(),
          ...ofUser(user)
            .slice(0, 2)
            .map(({ n }) => n - 1),
        ])
          for (const limit of [7, 256]) {
            if (limit === 7 && after < world.head - 300) continue;
            const { changes } = await readAll(store, person(name(user)), { after, limit });
            const found = changes.flatMap((change) => (change.kind === "message" ? [change.n] : []));
            expect(found).toEqual(ofUser(user).flatMap(({ n }) => (n > after ? [n] : [])));
          }
    });

    async function expectMarks(): Promise<void> {
      expect(world.marks.length).toBeGreaterThan(1_000);
      for (const user of [...users, 2, quiet]) {
        const [marks = []] = await place.engine.read([
          {
            sql: `SELECT p.n, p.conversation, u.id AS user FROM tidings_member p CROSS JOIN tidings_user u ON u.key = p.user
              WHERE p.n > 0 AND ?1 IN (p.user, p.peer) ORDER BY p.n`,
            args: [user],
          },
        ]);
        for (const after of positions())
          for (const limit of [7, 256, 5_000]) {
            if (limit === 7 && after < world.head - 300) continue;
            const { changes } = await readAll(store, person(name(user)), { after, limit });
            const found = changes.flatMap((one) =>
              one.kind === "receipt" ? [[one.n, one.conversation, one.user]] : [],
            );
            expect(found).toEqual(
              marks.flatMap((row) =>
                Number(row["n"]) > after
                  ? [[Number(row["n"]), encodeConversation(Number(row["conversation"])), String(row["user"])]]
                  : [],
              ),
            );
          }
      }
    }

    test("S49 a device learns of the marks of its user and of their peers, from any position", expectMarks);

    test("S49 the list has all conversations, the last active first, with exact numbers of unread messages", async () => {
      for (const user of users)
        for (const limit of [3, 60]) {
          if (user === wide && limit === 3) continue;
          const lasts = new Map<number, Row[]>();
          for (const row of ofUser(user)) lasts.set(row.conversation, [...(lasts.get(row.conversation) ?? []), row]);
          const wanted = [...lasts.values()]
            .sort((a, b) => (b.at(-1)?.n ?? 0) - (a.at(-1)?.n ?? 0))
            .map((list) => [list.at(-1)?.n, list.filter(({ sender }) => sender !== user).length]);
          const found: (readonly [number, number])[] = [];
          for (let below = newest; ;) {
            const page = await store.conversations(person(name(user)), { below, limit });
            expect(page.conversations.length).toBeLessThanOrEqual(limit);
            found.push(...page.conversations.map((one) => [one.lastMessage.n, one.unread] as const));
            if (page.next === undefined) break;
            expect(page.next).toBeLessThan(below);
            below = page.next;
          }
          expect(found).toEqual(wanted as [number, number][]);
        }
    });

    test("S49 all messages of a user are read backwards, from any position", async () => {
      for (const user of users) {
        const all = ofUser(user).map(({ n }) => n);
        for (const down of [newest, ...positions().slice(1)]) {
          const limit = user === wide ? 200 : 23;
          expect(ns(await historyOf(user, { order: { down } }, limit))).toEqual(all.filter((n) => n < down));
        }
        const from = name(user);
        const own = ofUser(user).flatMap(({ n, sender }) => (sender === user ? [n] : []));
        expect(ns(await historyOf(user, { from, order: { down: newest } }, 50))).toEqual(own);
      }
    });

    test("S49 a conversation is read in both directions, from any place", async () => {
      for (const conversation of [
        1,
        2,
        rows.at(-1)?.conversation ?? 1,
        ...Array.from({ length: 6 }, () => rows[pick(rows.length)]?.conversation ?? 1),
      ]) {
        const all = rows.filter((row) => row.conversation === conversation);
        const user = all[0]?.sender ?? 1;
        const id = encodeConversation(conversation);
        for (const seq of [0, 1, 16, 17, all.length + 1, pick(all.length + 1)]) {
          const above = all.flatMap((row) => (row.seq > seq ? [row.n] : []));
          expect(ns(await historyOf(user, { conversation: id, order: { up: seq } }, 40))).toEqual(above);
          const under = all.flatMap((row) => (row.seq < seq ? [row.n] : []));
          expect(ns(await historyOf(user, { conversation: id, order: { down: seq } }, 40))).toEqual(under);
          expect(await store.messageAt(id, seq)).toBe(
            seq >= 1 && seq <= all.length && (all[seq - 1]?.n ?? 0) < world.head
              ? `m${all[seq - 1]?.n}`
              : await idAt(conversation, seq),
          );
        }
      }
    });

    const idAt = async (conversation: number, seq: number): Promise<string | null> => {
      const sql = `SELECT id FROM tidings_message WHERE conversation = ?1 AND seq = ?2`;
      const [[row] = []] = await place.engine.read([{ sql, args: [conversation, seq] }]);
      return row ? String(row["id"]) : null;
    };

    test("S49 S31 acks from any position to any other one mark what was received as delivered, and the rest stays undelivered", async () => {
      const steps = positions().toSorted((a, b) => a - b);
      for (const n of [...steps, newest]) {
        const head = (await store.head()).n;
        // One that is far behind gets there in several commits.
        const ack = (user: number) =>
          new Promise((resolve) => store.ack(person(name(user)), "phone", Math.min(n, head), resolve));
        await Promise.all([1, 5, wide].map(ack));
        for (const user of [1, 5, wide]) {
          const received = ofUser(user).filter((row) => row.recipient === user && row.sender !== user);
          const wanted = new Map<number, number>();
          for (const row of received) if (row.n <= n) wanted.set(row.conversation, row.seq);
          const [marks = []] = await place.engine.read([
            {
              sql: `SELECT conversation, delivered FROM tidings_member WHERE user = ?1 AND delivered > 0`,
              args: [user],
            },
          ]);
          expect(new Map(marks.map((row) => [Number(row["conversation"]), Number(row["delivered"])]))).toEqual(wanted);
          const rest = received.flatMap((row) => (row.n > n ? [row.n] : []));
          expect(ns(await historyOf(user, { undelivered: "phone", order: { up: 0 } }, 100))).toEqual(rest);
        }
      }
      // Of those as well.
      await expectMarks();
    });
  });
}
