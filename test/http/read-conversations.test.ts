import { expect, test } from "bun:test";
import { conversationCost, readConversations, readGivenPage } from "../../src/http/read-conversations.ts";
import { systemRandom } from "../../src/internal/random.ts";
import type { Conversation } from "../../src/model.ts";
import { createCursors } from "../../src/protocol/cursor.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { newest } from "../../src/store/read/history.ts";

const cursors = createCursors({ secret: "0123456789abcdef".repeat(4), epoch: "abcdefgh", random: systemRandom });
const message = { n: 9, conversation: "c1", seq: 3, id: "m1", from: "bob", to: "alice", text: "hello", time: 7 };
const conversation: Conversation = {
  ...{ id: "c1", with: "bob", lastMessage: message, unread: 1, delivered: 3, read: 2 },
  setting: { muted: false, version: 0 },
};
const alice = { tenant: "t", user: "alice" };

function storeWith(next?: number) {
  const asked: unknown[] = [];
  const page = { conversations: [conversation], counted: 4, ...(next !== undefined && { next }) };
  return {
    asked,
    cursors,
    conversations: async (_identity: unknown, options: unknown) => (asked.push(options), page),
    conversation: async (_identity: unknown, which: unknown) => (asked.push(which), page),
  };
}

test("Q6 a page begins at the newest conversation, and its `next` goes on below the last", async () => {
  const store = storeWith(77);
  const { page } = await readConversations(store, alice, {});
  expect(page.conversations).toMatchObject([
    { id: "c1", kind: "direct", with: "bob", lastMessage: { id: "m1" }, unread: 1 },
  ]);
  // A change number is for the server alone.
  expect(page.conversations[0]?.lastMessage).not.toHaveProperty("n");
  await readConversations(store, alice, { after: page.next, limit: 3 });
  expect(store.asked).toEqual([
    { below: newest, limit: 50 },
    { below: 77, limit: 3 },
  ]);
  expect((await readConversations(storeWith(), alice, {})).page.next).toBeUndefined();
});

test("Q5 T8 an `after` that is no `next` of a list is refused", async () => {
  for (const after of [
    "x",
    cursors.seal("conversations 0"),
    cursors.seal("conversations 7 "),
    cursors.seal("7"),
    cursors.encode({ n: 7 }),
  ]) {
    const refused: unknown = await readConversations(storeWith(), alice, { after }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "bad_request", message: "The parameter after is malformed" });
  }
});

test("Q5 `with` asks for one conversation, and excludes the parameters of the list", async () => {
  const store = storeWith(77);
  expect((await readConversations(store, alice, { with: "bob" })).page).not.toHaveProperty("next");
  expect(store.asked).toEqual([{ with: "bob" }]);
  for (const other of [{ limit: 1 }, { after: "x" }]) {
    const refused: unknown = await readConversations(store, alice, { with: "bob", ...other }).catch(
      (error: unknown) => error,
    );
    expect(refused).toMatchObject({ code: "bad_request", message: "The parameter with excludes limit and after" });
  }
});

test("R44 a page costs its rows, their texts, and the messages that were counted for it", async () => {
  const one = await readConversations(storeWith(), alice, {});
  const longer = { ...one, page: { conversations: [...one.page.conversations, ...one.page.conversations] } };
  const counted = { ...one, counted: 1_004 };
  expect(conversationCost(longer)).toBeGreaterThan(conversationCost(one));
  expect(conversationCost(counted)).toBeGreaterThan(conversationCost(one));
  expect(conversationCost({ page: { conversations: [] }, counted: 0 })).toBe(0);
});

test("K65 the fields of the host's own query are checked like parameters", () => {
  expect(readGivenPage({ user: "alice", limit: 7, with: "bob" }, defaultLimits)).toEqual({ limit: 7, with: "bob" });
  expect(() => readGivenPage({ limit: 0 }, defaultLimits)).toThrow("at limit");
  expect(() => readGivenPage({ after: 7 }, defaultLimits)).toThrow("The field after must be a string");
});
