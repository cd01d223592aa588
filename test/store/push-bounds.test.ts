import { afterEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { explainPush } from "../../src/push/explain.ts";
import { defaultLimits, type Limits } from "../../src/protocol/limits.ts";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import type { Engine, Statement } from "../../src/store/engine/engine.ts";
import { selectExplained } from "../../src/store/push/push-log-sql.ts";
import { person, storeOn } from "../support/store.ts";

type Written = { readonly sql: string; readonly gone: number };

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** A store on a file that notes the number of rows that each written statement returned. */
async function open(limits: Partial<Limits> = {}) {
  const folder = mkdtempSync(join(tmpdir(), "tidings-push-bounds-"));
  const file = createEmbeddedEngine({ path: join(folder, "chat.db") });
  const written: Written[][] = [];
  const engine: Engine = {
    ...file,
    async write(statements) {
      const results = await file.write(statements);
      written.push(statements.map(({ sql }, i) => ({ sql, gone: results[i]?.length ?? 0 })));
      return results;
    },
  };
  const { store } = await storeOn(engine, { limits });
  cleanups.push(async () => {
    await store.close();
    rmSync(folder, { recursive: true, force: true });
  });
  const rows = async (sql: string): Promise<number> => {
    const [[row] = []] = await file.read([{ sql: `SELECT count(*) AS count FROM ${sql}` }]);
    return Number(row?.["count"]);
  };
  return { store, file, written, rows };
}

/** The numbers from 1. */
const numbers = (name: string, count: string): string =>
  `(WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r WHERE i < ${count}) SELECT i AS ${name} FROM r)`;

/**
 * User 1 with conversations of this many messages each: in turn their own and the other's, all unread. They have begun half of the conversations.
 */
const writesWithoutReading = (conversations: number, messages: number): readonly Statement[] =>
  [
    `INSERT INTO tidings_user (key, tenant, id) SELECT u, 'default', 'u' || u FROM ${numbers("u", "?1 + 1")} WHERE ?2 > 0`,
    `INSERT INTO tidings_conversation (key, tenant, low, high, seq, n, period, low_seq, high_seq)
      SELECT c, 'default', iif(c % 2, 1, -1 - c), iif(c % 2, c + 1, 1), ?2, (?2 - 1) * ?1 + c, ((?2 - 1) * ?1 + c) >> 18,
        iif(c % 2, ?2 - 1, ?2), iif(c % 2, ?2, ?2 - 1)
      FROM ${numbers("c", "?1")}`,
    `INSERT INTO tidings_member (conversation, user, peer)
      SELECT c, 1, c + 1 FROM ${numbers("c", "?1")} WHERE ?2 > 0 UNION ALL SELECT c, c + 1, 1 FROM ${numbers("c", "?1")}`,
    `INSERT INTO tidings_message (n, conversation, seq, id, sender, recipient, text, time, prev)
      SELECT (s - 1) * ?1 + c, c, s, printf('%08x-0000-7000-8000-%012x', c, s), iif(s % 2, 1, c + 1), iif(s % 2, c + 1, 1), 'hello', 1,
        max(0, (s - 2) * ?1 + c)
      FROM ${numbers("s", "?2")} CROSS JOIN ${numbers("c", "?1")}`,
  ].map((sql) => ({ sql, args: [conversations, messages] }));

/** The shortest of some runs: the time of the statement alone. */
async function shortestMs(work: () => Promise<unknown>): Promise<number> {
  let shortest = Infinity;
  for (let i = 0; i < 12; i++) {
    const startedAt = performance.now();
    await work();
    shortest = Math.min(shortest, performance.now() - startedAt);
  }
  return shortest;
}

const one = person("u1");

describe("U26 a badge", () => {
  async function badgeOf(conversations: number, messages: number, limits: Partial<Limits> = {}): Promise<number> {
    const { store, file } = await open(limits);
    await file.write(writesWithoutReading(conversations, messages));
    const [badge = -1] = await store.push.badges([one], 1);
    return badge;
  }

  test("U26 is exact if few messages must be counted", async () => {
    expect(await badgeOf(4, 10)).toBe(20);
    expect(await badgeOf(1, 2)).toBe(1);
  });

  test("U26 reads a bounded number of rows and conversations, the newest first, and none without need", async () => {
    // One message of each is certain. Nine more rows of the newest conversation are read, and the other seven of the next one.
    expect(await badgeOf(6, 10, { pushBadgeRowsMax: 16 })).toBe(6 + 4 + 3);
    expect(await badgeOf(6, 10, { pushBadgeRowsMax: 0 })).toBe(6);
    const { store, file } = await open({ pushBadgeRowsMax: 0 });
    await file.write(writesWithoutReading(1, 10));
    // The other user's last message is before the user's own: it counts 1.
    expect(await store.push.badges([person("u2")], 1)).toEqual([1]);
    // One conversation on each side.
    expect(await badgeOf(6, 10, { pushBadgeConversationsMax: 1 })).toBe(10);
  });

  test("U26 the other user's last messages in a row are not read, however many there are", async () => {
    const { store, file } = await open();
    await file.write(writesWithoutReading(1, 2));
    await file.write([{ sql: `UPDATE tidings_conversation SET seq = 1000000, high_seq = 1000000` }]);
    expect(await store.push.badges([one], 1)).toEqual([999_999]);
  });

  test("U26 is counted once for a user, however many notices are due", async () => {
    const { store, file } = await open();
    await file.write(writesWithoutReading(2, 4));
    const asked: (readonly Statement[])[] = [];
    const { store: watched } = await storeOn({ ...file, read: (list) => (asked.push(list), file.read(list)) });
    asked.length = 0;
    const users = [one, person("u2"), one, one];
    expect(await watched.push.badges(users, 1)).toEqual([4, 2, 4, 4]);
    expect(asked.flat().map(({ args }) => args?.[0])).toEqual([
      JSON.stringify([one, person("u2")].map((each) => [each.tenant, each.user])),
    ]);
    expect(await store.push.badges([], 1)).toEqual([]);
  });

  test("U26 takes no longer for ten times as many messages and conversations", async () => {
    const timeOf = async (conversations: number, messages: number): Promise<number> => {
      const { store, file } = await open();
      await file.write(writesWithoutReading(conversations, messages));
      return await shortestMs(() =>
        store.push.badges(
          Array.from({ length: 32 }, () => one),
          1,
        ),
      );
    };
    const limit = defaultLimits.pushBadgeConversationsMax;
    const [small, large] = [await timeOf(2 * limit, 10), await timeOf(10 * limit, 100)];
    expect(large / small).toBeLessThan(4);
  });
});

describe("U27 an explanation", () => {
  const id = "00000001-0000-7000-8000-000000000002";
  const devices = (count: number): Statement => ({
    sql: `INSERT INTO tidings_device (user, device, acked) SELECT 1, 'd' || d, d FROM ${numbers("d", "?1")}`,
    args: [count],
  });

  test("U27 shows the newest devices, and that there are more", async () => {
    const { store, file } = await open({ pushExplainedMax: 3 });
    await file.write([...writesWithoutReading(1, 2), devices(3)]);
    const why = async () => (await explainPush(store.push, { ...one, id }))[0];
    expect(await why()).toMatchObject({ decisions: [{ device: "d3" }, { device: "d2" }, { device: "d1" }] });
    expect(await why()).not.toHaveProperty("more");
    await file.write([{ sql: `INSERT INTO tidings_device (user, device, acked) VALUES (1, 'last', 9)` }]);
    expect(await why()).toMatchObject({
      decisions: [{ device: "last" }, { device: "d3" }, { device: "d2" }],
      more: true,
    });
    // Devices with an address are shown, whatever they have acked.
    const address = { provider: "p", token: "t", hash: "t" };
    await store.devices.putDevice(one, "d1", { address, now: 5 });
    expect((await why())?.decisions.map(({ device }) => device)).toEqual(["d1", "last", "d3", "d2"]);
  });

  test("U27 is no longer, and takes no longer, for ten times as many devices and decisions", async () => {
    const measure = async (count: number) => {
      const { store, file } = await open();
      await file.write([...writesWithoutReading(1, 2), devices(count)]);
      const log = `INSERT INTO tidings_push_log (conversation, seq, address, first, user, device, provider, time, decision, reason, attempts)
        SELECT 1, l / 30, l % 30, 1, 1, 'd' || (l % 30), 'p', l, 'send', 'sent', 0 FROM ${numbers("l", "?1")}`;
      await file.write([{ sql: log, args: [10 * count] }]);
      const chars = JSON.stringify(await explainPush(store.push, { ...one, id })).length;
      return { chars, ms: await shortestMs(() => explainPush(store.push, { ...one, id })) };
    };
    const [small, large] = [await measure(1_000), await measure(10_000)];
    expect(large.chars / small.chars).toBeLessThan(1.2);
    expect(large.ms / small.ms).toBeLessThan(4);
  });

  test("U27 finds a message by its id, without reading the user's other messages", async () => {
    const { file } = await open();
    const args = ["default", "u1", id, 10];
    const [plan = []] = await file.read([{ sql: `EXPLAIN QUERY PLAN ${selectExplained}`, args }]);
    expect(plan.map(({ detail }) => detail)).toContain("SEARCH m USING INDEX tidings_message_id (id=?)");
  });

  test("U27 shows the newest of the senders who have used one id", async () => {
    const { store, file } = await open();
    await file.write(writesWithoutReading(12, 2));
    await file.write([{ sql: `UPDATE tidings_message SET id = ?1 WHERE recipient = 1`, args: [id] }]);
    const found = await explainPush(store.push, { ...one, id });
    expect(found.length).toBe(10);
    expect(found.every(({ more }) => more === true)).toBe(true);
  });
});

describe("U28 the notices of an address", () => {
  /** A device with a notice of each of 23 conversations. */
  async function withNotices() {
    const place = await open({ pushNoticesGoneMax: 5 });
    const { store, file } = place;
    await file.write(writesWithoutReading(23, 2));
    const address = { provider: "p", token: "t", hash: "t" };
    await store.devices.putDevice(one, "phone", { address, now: 5 });
    await file.write([
      {
        sql: `INSERT INTO tidings_push_notice (address, conversation, provider, n, seq, first, due)
          SELECT a.key, c.key, 'p', c.n, 2, 1, 7 FROM tidings_push_address a, tidings_conversation c`,
      },
    ]);
    place.written.length = 0;
    return { ...place, address };
  }
  const goneIn = (written: readonly Written[][]): number[] =>
    // The last statement of a write reads the head.
    written.map((statements) =>
      statements.reduce((sum, { sql, gone }) => sum + (sql.includes("DELETE") ? gone : 0), 0),
    );

  test("U28 are deleted at a logout in commits of a bounded size", async () => {
    const { store, written, rows } = await withNotices();
    await store.devices.deleteDevice(one, "phone");
    expect(goneIn(written)).toEqual([5, 5, 5, 5, 3]);
    expect([await rows("tidings_push_notice"), await rows("tidings_push_address")]).toEqual([0, 0]);
  });

  test("U28 are deleted so when the token moves, before it does", async () => {
    const { store, written, rows, address } = await withNotices();
    await store.devices.putDevice(person("u2"), "phone", { address, now: 6 });
    expect(goneIn(written)).toEqual([5, 5, 5, 5, 3]);
    expect(await rows("tidings_push_notice")).toBe(0);
    expect(await rows("tidings_push_address WHERE user = 2")).toBe(1);
    expect(await rows("tidings_push_address")).toBe(1);
  });

  test("U28 are deleted so when a provider says that it is dead", async () => {
    const { store, written, rows } = await withNotices();
    const me = "this node";
    await store.push.take(me, await store.push.worker());
    const [due] = await store.push.due("p", 10, 1);
    if (!due) throw new Error("nothing is due");
    written.length = 0;
    const verdict = { due, until: null, isDone: true, attempts: 0, isDead: true };
    expect(await store.push.settle(me, [verdict], 20)).toBe(true);
    expect(goneIn(written).slice(1)).toEqual([5, 5, 5, 3]);
    expect([await rows("tidings_push_notice"), await rows("tidings_push_address")]).toEqual([0, 0]);
  });

  test("control: U28 an address that is deleted before its notices leaves them to the next one", async () => {
    const { file, rows, store } = await withNotices();
    await file.write([{ sql: `DELETE FROM tidings_push_address` }]);
    await store.devices.putDevice(person("u2"), "phone", { address: { provider: "p", token: "x", hash: "x" }, now: 6 });
    expect(await rows("tidings_push_notice p JOIN tidings_push_address a ON a.key = p.address WHERE a.user = 2")).toBe(
      23,
    );
  });

  test("U28 old decisions are deleted a bounded number at a time, and the result says whether there are more", async () => {
    const { store, file, rows } = await open({ pushPrunedMax: 3 });
    await store.push.take("me", await store.push.worker());
    await file.write([
      {
        sql: `INSERT INTO tidings_push_log (conversation, seq, address, first, user, device, provider, time, decision, reason, attempts)
          SELECT 1, l, 1, l, 1, 'd', 'p', l, 'send', 'sent', 0 FROM ${numbers("l", "?1")}`,
        args: [7],
      },
    ]);
    const more: boolean[] = [];
    for (let i = 0; i < 3; i++) more.push(await store.push.prune("me", 100));
    expect(more).toEqual([true, true, false]);
    expect(await rows("tidings_push_log")).toBe(0);
  });
});
