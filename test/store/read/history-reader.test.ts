import { afterAll, beforeAll, expect, test } from "bun:test";
import { type HistoryQuery, newest } from "../../../src/store/read/history.ts";
import { openSmallStore } from "../../support/small-store.ts";
import { accepted, newId, person } from "../../support/store.ts";

let small: Awaited<ReturnType<typeof openSmallStore>>;
let conversation = "";
const ids: string[] = [];
const alice = person("alice");

beforeAll(async () => {
  small = await openSmallStore();
  // Ten messages of alice and bob in turn, then one of carol.
  for (let i = 1; i <= 10; i++) {
    const [from, to] = i % 2 === 1 ? ["alice", "bob"] : ["bob", "alice"];
    ids.push(newId());
    ({ conversation } = await accepted(small.store, { from, to, text: `${i}`, id: ids[i - 1] ?? "" }));
  }
  await accepted(small.store, { from: "carol", to: "alice", text: "hi" });
});
afterAll(() => small.close());

/** The texts of a page, and what there is before and after it. */
async function page(query: Partial<HistoryQuery>, user = alice) {
  const found = await small.store.history(user, { order: {}, limit: 50, ...query });
  if (found === null) return null;
  const { messages, more, next, cursor } = found;
  return {
    texts: messages.map(({ text }) => text).join(" "),
    more: `${more.before ? "<" : ""}${more.after ? ">" : ""}`,
    next,
    hasCursor: cursor !== undefined,
  };
}

test("Q3 Q4 a conversation is read below, above and around a seq, oldest first, and says where to go on", async () => {
  const with_ = { conversation };
  expect(await page({ ...with_, order: { down: newest }, limit: 3 })).toEqual({
    texts: "8 9 10",
    more: "<",
    next: { down: 8 },
    hasCursor: false,
  });
  expect(await page({ ...with_, order: { down: 4 } })).toMatchObject({ texts: "1 2 3", more: ">", next: undefined });
  expect(await page({ ...with_, order: { up: 0 }, limit: 3 })).toMatchObject({
    texts: "1 2 3",
    more: ">",
    next: { up: 3 },
  });
  expect(await page({ ...with_, order: { up: 9 } })).toMatchObject({ texts: "10", more: "<" });
  expect(await page({ ...with_, order: { down: 5, up: 4 }, limit: 4 })).toMatchObject({
    texts: "3 4 5 6",
    more: "<>",
    next: { down: 3, up: 6 },
  });
  // Near an end the other side gets the room.
  expect(await page({ ...with_, order: { down: 10, up: 9 }, limit: 4 })).toMatchObject({
    texts: "7 8 9 10",
    more: "<",
  });
  expect(await page({ ...with_, order: { down: 2, up: 1 }, limit: 4 })).toMatchObject({ texts: "1 2 3 4", more: ">" });
});

test("Q3 filters leave messages out, and a page goes on behind what they left out", async () => {
  expect(await page({ with: "bob", from: "bob", order: { down: newest }, limit: 2 })).toMatchObject({
    texts: "8 10",
    more: "<",
    next: { down: 8 },
  });
  const all = await small.store.history(alice, { with: "bob", order: { up: 0 }, limit: 50 });
  const times = all?.messages.map(({ time }) => time) ?? [];
  expect(await page({ with: "bob", until: (times[0] ?? 0) - 1, order: { up: 0 } })).toMatchObject({ texts: "" });
  expect(await page({ with: "bob", since: (times[9] ?? 0) + 1, order: { down: newest } })).toMatchObject({ texts: "" });
});

test("Q3 T4 a conversation of others does not exist; one with a user to whom none was written is empty", async () => {
  expect([
    await page({ conversation }, person("carol")),
    await page({ conversation: "c9" }),
    await page({ conversation: "nonsense" }),
  ]).toEqual([null, null, null]);
  expect(await page({ with: "nobody", order: { down: newest } })).toMatchObject({ texts: "", more: "" });
  // Nor with a user of the same name in another tenant.
  expect(await page({ with: "bob", order: { down: newest } }, person("alice", "other"))).toMatchObject({ texts: "" });
});

test("Q3 without a conversation all messages of the user are read, the newest page first", async () => {
  expect(await page({ order: { down: newest }, limit: 3 })).toMatchObject({ texts: "9 10 hi", more: "<" });
  expect(await page({ from: "carol", order: { down: newest } })).toMatchObject({ texts: "hi", more: "" });
});

test("Q2 Q7 the undelivered list has what others sent to a device, and a cursor that confirms it", async () => {
  const list = { undelivered: "phone", order: { up: 0 } };
  expect(await page({ ...list, limit: 2 })).toMatchObject({ texts: "2 4", more: ">", hasCursor: true });
  expect(await page(list)).toMatchObject({ texts: "2 4 6 8 10 hi", more: "", hasCursor: true });
  // With a filter the cursor would cover what the filter left out.
  expect(await page({ ...list, from: "carol" })).toMatchObject({ texts: "hi", hasCursor: false });
});

test("Q3 ids are looked up among the messages of the user, in the order of the log", async () => {
  const [first = "", , third = ""] = ids;
  expect(await page({ ids: [third, first, newId()] })).toMatchObject({ texts: "1 3", more: "" });
  expect(await page({ ids: [third, first], limit: 1 })).toMatchObject({ texts: "1", more: ">" });
  expect([await page({ ids: [first], with: "carol" }), await page({ ids: [first] }, person("carol"))]).toMatchObject([
    { texts: "" },
    { texts: "" },
  ]);
  expect(await page({ ids: [first], conversation: "c9" })).toBeNull();
});
