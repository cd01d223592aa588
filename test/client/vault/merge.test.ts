import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { type ConversationPatch, mergeConversation, type Ranks } from "../../../src/client/vault/merge.ts";
import type { ConversationRow, Marks, MessageRow } from "../../../src/client/vault/rows.ts";

const messageAt = (seq: number, isOwn: boolean): MessageRow => ({
  conversation: "c1",
  seq,
  id: `m${seq}`,
  from: isOwn ? "me" : "bob",
  to: isOwn ? "bob" : "me",
  text: `text ${seq}`,
  time: seq,
});

/** A state of the conversation on the server. All states of one history follow from each other. */
type Moment = { readonly length: number; readonly own: Marks; readonly peer: Marks };
type History = { readonly owners: readonly boolean[]; readonly moments: readonly Moment[] };

/** The messages of others from one seq to another, the first left out. */
const unreadBetween = ({ owners }: History, read: number, last: number): number =>
  owners.slice(0, last).filter((isOwn, index) => !isOwn && index + 1 > read).length;

const momentSteps = fc.record({
  length: fc.nat(4),
  ownDelivered: fc.nat(3),
  ownRead: fc.nat(3),
  peerDelivered: fc.nat(3),
  peerRead: fc.nat(3),
});

const histories: fc.Arbitrary<History> = fc
  .record({
    owners: fc.array(fc.boolean(), { minLength: 1, maxLength: 14 }),
    steps: fc.array(momentSteps, { maxLength: 6 }),
  })
  .map(({ owners, steps }) => {
    const moments: Moment[] = [{ length: 1, own: { delivered: 0, read: 0 }, peer: { delivered: 0, read: 0 } }];
    for (const step of steps) {
      const before = moments.at(-1) as Moment;
      const length = Math.min(owners.length, before.length + step.length);
      const marks = (marked: Marks, delivered: number, read: number): Marks => {
        const nowRead = Math.min(length, marked.read + read);
        return { read: nowRead, delivered: Math.max(nowRead, Math.min(length, marked.delivered + delivered)) };
      };
      moments.push({
        length,
        own: marks(before.own, step.ownDelivered, step.ownRead),
        peer: marks(before.peer, step.peerDelivered, step.peerRead),
      });
    }
    return { owners, moments };
  });

const settingAt = (version: number) => ({ muted: version % 2 === 1, version, ...(version === 3 && { until: 9 }) });

const listedAt = (history: History, moment: Moment): ConversationPatch => ({
  kind: "listed",
  listed: {
    id: "c1",
    with: "bob",
    lastMessage: messageAt(moment.length, history.owners[moment.length - 1] === true),
    unread: unreadBetween(history, moment.own.read, moment.length),
    ...moment.own,
    peer: moment.peer,
    setting: settingAt(1 + (moment.length % 4)),
  },
});

/** Any news of a history: a message, a moment of the list, a receipt, a page, or a mark of this device. */
function newsOf(history: History): fc.Arbitrary<ConversationPatch> {
  const seqs = fc.integer({ min: 1, max: history.owners.length });
  const moments = fc.constantFrom(...history.moments);
  return fc.oneof(
    seqs.map((seq): ConversationPatch => ({
      kind: "message",
      message: messageAt(seq, history.owners[seq - 1] === true),
      self: "me",
    })),
    moments.map((moment) => listedAt(history, moment)),
    fc.tuple(moments, fc.boolean()).map(([moment, isOwn]): ConversationPatch => ({
      kind: "receipt",
      conversation: "c1",
      user: isOwn ? "me" : "bob",
      self: "me",
      ...(isOwn ? moment.own : moment.peer),
    })),
    fc.tuple(seqs, seqs).map(([a, b]): ConversationPatch => ({
      kind: "held",
      conversation: "c1",
      first: Math.min(a, b),
      last: Math.max(a, b),
    })),
    fc
      .integer({ min: 1, max: 4 })
      .map((version): ConversationPatch => ({ kind: "setting", conversation: "c1", ...settingAt(version) })),
    fc.tuple(seqs, seqs, fc.boolean()).map(([seq, to, isCounted]): ConversationPatch => ({
      kind: "read",
      conversation: "c1",
      seq,
      ...(isCounted && { rest: { unread: unreadBetween(history, seq, to), to } }),
    })),
  );
}

function makeRanks(): Ranks {
  let [top, bottom] = [0, 0];
  return { up: () => ++top, down: () => --bottom };
}

const firstOf = ({ owners }: History): ConversationPatch => ({
  kind: "message",
  message: messageAt(1, owners[0] === true),
  self: "me",
});

/** Merges all news of a conversation that is not known yet; calls `check` with each step after the first. */
function mergeNew(
  news: readonly ConversationPatch[],
  check?: (row: ConversationRow, before: ConversationRow) => void,
): ConversationRow {
  const ranks = makeRanks();
  let row: ConversationRow | null = null;
  for (const patch of news) {
    const next = mergeConversation(row, { patch, ranks });
    if (row !== null) check?.(next, row);
    row = next;
  }
  if (row === null) throw new Error("There is no news");
  return row;
}

/** Merges all news, after the first message has made the row; calls `check` with each step. */
const mergeAll = (
  history: History,
  news: readonly ConversationPatch[],
  check?: (row: ConversationRow, before: ConversationRow) => void,
): ConversationRow => mergeNew([firstOf(history), ...news], check);

const joined = ({ own, peer, last, counted, ranges, setting }: ConversationRow) => ({
  own,
  peer,
  last,
  counted,
  ranges,
  setting,
});

const runs = { numRuns: 1500 };

describe("mergeConversation", () => {
  test("J50 news in any order, and repeated, gives the same marks, last message, count and ranges", () => {
    const cases = histories.chain((history) =>
      fc.array(newsOf(history), { maxLength: 14 }).chain((news) =>
        fc.record({
          history: fc.constant(history),
          news: fc.constant(news),
          other: fc
            .tuple(fc.shuffledSubarray(news, { minLength: news.length }), fc.subarray(news))
            .chain(([all, again]) => fc.shuffledSubarray([...all, ...again], { minLength: all.length + again.length })),
        }),
      ),
    );
    fc.assert(
      fc.property(cases, ({ history, news, other }) => {
        expect(joined(mergeAll(history, other))).toEqual(joined(mergeAll(history, news)));
      }),
      runs,
    );
  });

  test("J50 news that comes before its conversation is known counts once that is known", () => {
    const cases = histories.chain((history) =>
      fc.array(newsOf(history), { maxLength: 10 }).chain((news) =>
        fc.record({
          history: fc.constant(history),
          news: fc.constant(news),
          other: fc.shuffledSubarray([firstOf(history), ...news], { minLength: news.length + 1 }),
        }),
      ),
    );
    fc.assert(
      fc.property(cases, ({ history, news, other }) => {
        const row = mergeNew(other, (now) => {
          if (now.isExact) expect(now.unread).toBe(unreadBetween(history, now.own.read, now.counted));
        });
        expect({ ...joined(row), with: row.with }).toEqual({ ...joined(mergeAll(history, news)), with: "bob" });
        // It has its place in the list.
        expect(row.rank).toBeLessThan(other.length + 1);
      }),
      runs,
    );
  });

  test("J51 a number of unread messages that is called exact is right after each piece of news", () => {
    const cases = histories.chain((history) =>
      fc.tuple(fc.constant(history), fc.array(newsOf(history), { maxLength: 20 })),
    );
    fc.assert(
      fc.property(cases, ([history, news]) => {
        mergeAll(history, news, (row) => {
          expect(row.unread).toBeGreaterThanOrEqual(0);
          expect(row.unread).toBeLessThanOrEqual(Math.max(0, row.counted - row.own.read));
          if (row.isExact) expect(row.unread).toBe(unreadBetween(history, row.own.read, row.counted));
        });
      }),
      runs,
    );
  });

  test("J51 the messages of a history without a hole, in order, beside any other news, leave an exact number wherever no own mark lies between", () => {
    const cases = histories.chain((history) =>
      fc.tuple(fc.constant(history), fc.array(newsOf(history), { maxLength: 8 })),
    );
    fc.assert(
      fc.property(cases, ([history, news]) => {
        const withoutMarks = news.filter(({ kind }) => kind === "held");
        const stream = history.owners.map((isOwn, index): ConversationPatch => ({
          kind: "message",
          message: messageAt(index + 1, isOwn),
          self: "me",
        }));
        const row = mergeAll(history, [...stream, ...withoutMarks, ...stream]);
        expect(row.isExact).toBe(true);
        expect(row.unread).toBe(unreadBetween(history, 0, history.owners.length));
      }),
      runs,
    );
  });

  test("J51 the list of now makes any number exact", () => {
    const cases = histories.chain((history) =>
      fc.tuple(fc.constant(history), fc.array(newsOf(history), { maxLength: 20 })),
    );
    fc.assert(
      fc.property(cases, ([history, news]) => {
        const end = history.owners.length;
        const before = mergeAll(history, news);
        const now: Moment = { length: end, own: { delivered: end, read: before.own.read }, peer: before.peer };
        const row = mergeAll(history, [...news, listedAt(history, now)]);
        expect(row.isExact).toBe(true);
        expect(row.unread).toBe(unreadBetween(history, row.own.read, end));
      }),
      runs,
    );
  });

  test("J50 nothing goes back", () => {
    const cases = histories.chain((history) =>
      fc.tuple(fc.constant(history), fc.array(newsOf(history), { maxLength: 20 })),
    );
    fc.assert(
      fc.property(cases, ([history, news]) => {
        mergeAll(history, news, (row, before) => {
          for (const of of ["own", "peer"] as const) {
            expect(row[of].read).toBeGreaterThanOrEqual(before[of].read);
            expect(row[of].delivered).toBeGreaterThanOrEqual(before[of].delivered);
            expect(row[of].delivered).toBeGreaterThanOrEqual(row[of].read);
          }
          expect(row.counted).toBeGreaterThanOrEqual(before.counted);
          expect(row.last?.seq ?? 0).toBeGreaterThanOrEqual(before.last?.seq ?? 0);
          expect(row.rank).toBeGreaterThanOrEqual(before.rank);
          expect(row.setting.version).toBeGreaterThanOrEqual(before.setting.version);
        });
      }),
      runs,
    );
  });
});

const history = (owners: string): History => ({
  owners: owners.split("").map((owner) => owner === "m"),
  moments: [],
});
const message = (seq: number, isOwn = false): ConversationPatch => ({
  kind: "message",
  message: messageAt(seq, isOwn),
  self: "me",
});
const read = (seq: number): ConversationPatch => ({ kind: "read", conversation: "c1", seq });
const receipt = { kind: "receipt", conversation: "c1", user: "me", self: "me" } as const;

describe("the number of unread messages", () => {
  test("J51 is not exact after a hole above the read mark, and exact after one below it", () => {
    expect(mergeAll(history("b"), [message(3)])).toMatchObject({ unread: 2, isExact: false, counted: 3 });
    expect(mergeAll(history("b"), [read(2), message(3)])).toMatchObject({ unread: 1, isExact: true, counted: 3 });
  });

  test("J51 stays exact at a mark between if none, or each, of the messages above was unread", () => {
    expect(mergeAll(history("b"), [message(2), message(3), read(2)])).toMatchObject({ unread: 1, isExact: true });
    const own = [read(1), message(2, true), message(3, true)];
    expect(mergeAll(history("b"), [...own, read(2)])).toMatchObject({ unread: 0, isExact: true });
    expect(mergeAll(history("b"), [message(2, true), message(3), read(2)])).toMatchObject({
      unread: 1,
      isExact: false,
    });
  });

  test("J51 is not taken from a client that counted before another tab went on", () => {
    const rest = { unread: 1, to: 3 };
    const counted: ConversationPatch = { kind: "read", conversation: "c1", seq: 2, rest };
    const three = [message(2, true), message(3)];
    expect(mergeAll(history("b"), [...three, counted])).toMatchObject({ unread: 1, isExact: true });
    const isBehind = mergeAll(history("b"), [...three, message(4), counted]);
    expect(isBehind).toMatchObject({ counted: 4, isExact: false });
  });

  test("J51 is not exact after a message that was counted is deleted, and counts no deleted one", () => {
    const deleted: ConversationPatch = {
      kind: "message",
      message: { ...messageAt(2, false), version: 2, text: "", deleted: "bob" },
      self: "me",
    };
    expect(mergeAll(history("b"), [message(2), deleted])).toMatchObject({
      unread: 2,
      isExact: false,
      last: { deleted: "bob" },
    });
    expect(mergeAll(history("b"), [deleted])).toMatchObject({ unread: 1, isExact: true });
  });

  test("J51 of a list that is older than the own mark keeps the count", () => {
    const listed = listedAt(history("bmbb"), {
      length: 4,
      own: { delivered: 4, read: 0 },
      peer: { delivered: 0, read: 0 },
    });
    const rest: ConversationPatch = { kind: "read", conversation: "c1", seq: 2, rest: { unread: 2, to: 4 } };
    const row = mergeAll(history("b"), [message(2, true), message(3), message(4), rest, listed]);
    expect(row).toMatchObject({ own: { read: 2 }, unread: 2, isExact: true });
  });
});

describe("what a device knows of a conversation", () => {
  const listed = listedAt(history("bbb"), {
    length: 3,
    own: { delivered: 0, read: 0 },
    peer: { delivered: 2, read: 1 },
  });

  test("J102 is not all as long as only news has told of it, except where its first message was that news", () => {
    expect(mergeNew([message(1)]).isListed).toBe(true);
    expect(mergeNew([message(3)]).isListed).toBe(false);
    const deleted = { ...messageAt(1, false), version: 2, text: "", deleted: "bob" };
    expect(mergeNew([{ kind: "message", message: deleted, self: "me" }]).isListed).toBe(false);
    // All of it is read, so that the number is exact.
    const read = mergeNew([message(3), { ...receipt, delivered: 3, read: 3 }]);
    expect(read).toMatchObject({ isListed: false, unread: 0, isExact: true });
    expect(mergeNew([{ ...receipt, delivered: 3, read: 3 }, listed])).toMatchObject({ isListed: true, unread: 0 });
  });

  test("J50 names its other user, whichever news has named them", () => {
    const { to: _, ...own } = messageAt(2, true);
    // An answer to a message for a conversation that is not known names no user.
    const accepted: ConversationPatch = { kind: "message", message: own, self: "me" };
    for (const news of [
      [accepted, listed],
      [listed, accepted],
      [accepted, message(3)],
      [message(3), accepted],
    ])
      expect(mergeNew(news).with).toBe("bob");
  });
});

describe("the list", () => {
  test("J52 a newer message moves its conversation to the top, an older one and a page of the list move nothing", () => {
    const ranks = makeRanks();
    const merge = (row: ConversationRow | null, patch: ConversationPatch) => mergeConversation(row, { patch, ranks });
    const listed = listedAt(history("bb"), {
      length: 2,
      own: { delivered: 0, read: 0 },
      peer: { delivered: 0, read: 0 },
    });
    const first = merge(null, listed);
    expect(first?.rank).toBe(-1);
    const live = merge(first, message(3));
    expect(live?.rank).toBe(1);
    expect(merge(live, message(1))?.rank).toBe(1);
    expect(merge(live, listed)?.rank).toBe(1);
    // Nobody shows it without a last message, and its place is above all pages of the list.
    const unknown = merge(null, { ...receipt, delivered: 1, read: 1 });
    expect(unknown).toMatchObject({ last: null, rank: Number.MAX_SAFE_INTEGER });
    expect([merge(unknown, listed).rank, merge(unknown, message(2)).rank]).toEqual([-2, 2]);
  });
});
