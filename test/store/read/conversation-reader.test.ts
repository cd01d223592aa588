import { afterAll, beforeAll, expect, test } from "bun:test";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import { createConversationReader } from "../../../src/store/read/conversation-reader.ts";
import { newest } from "../../../src/store/read/history.ts";
import { openSmallStore } from "../../support/small-store.ts";
import { accepted, person } from "../../support/store.ts";

let small: Awaited<ReturnType<typeof openSmallStore>>;
const ids: Record<string, string> = {};
const [alice, now] = [person("alice"), 1_780_000_000_000];

beforeAll(async () => {
  small = await openSmallStore();
  for (const [other, count] of [
    ["bob", 3],
    ["carol", 1],
    ["dave", 2],
  ] as const)
    for (let i = 0; i < count; i++)
      ids[other] = (await accepted(small.store, { from: other, to: "alice", text: `${other} ${i}` })).conversation;
  await small.store.devices.mute(alice, ids["carol"] ?? "", now + 1_000);
  await small.store.devices.mute(alice, ids["dave"] ?? "", "forever");
});
afterAll(() => small.close());

const reader = (limits: Partial<typeof defaultLimits> = {}, at = now) =>
  createConversationReader({ engine: small.engine, limits: { ...defaultLimits, ...limits }, clock: { now: () => at } });
const page = async (limit: number, below = newest, limits: object = {}) => {
  const { conversations, next } = await reader(limits).page(alice, { below, limit });
  return { with: conversations.map(({ with: other, unread }) => `${other} ${unread}`).join(", "), next };
};

test("Q6 conversations are listed from the one with the newest message, and a page goes on below its last", async () => {
  expect(await page(10)).toEqual({ with: "dave 2, carol 1, bob 3", next: undefined });
  const first = await page(2);
  expect([first.with, await page(2, first.next)]).toEqual(["dave 2, carol 1", { with: "bob 3", next: undefined }]);
});

test("R41 a page ends where its texts are too long, has at least one conversation, and the next page has the rest", async () => {
  const cut = await page(10, newest, { answerBytesMax: 1 });
  expect([cut.with, (await page(10, cut.next)).with]).toEqual(["dave 2", "carol 1, bob 3"]);
});

test("P76 a mute is shown until its end, and one without an end always", async () => {
  const settings = async (at: number) =>
    (await reader({}, at).page(alice, { below: newest, limit: 10 })).conversations.map(({ setting }) => setting);
  expect(await settings(now)).toEqual([
    { muted: true, version: 1 },
    { muted: true, until: now + 1_000, version: 1 },
    { muted: false, version: 0 },
  ]);
  expect(await settings(now + 1_000)).toMatchObject([{ muted: true }, { muted: false, version: 1 }, {}]);
});

test("Q5 T4 one conversation is found by its id or its other user, and none of others is", async () => {
  const one = async (which: object, user = alice) =>
    (await reader().one(user, which)).conversations.map(({ with: other }) => other);
  expect([await one({ with: "bob" }), await one({ conversation: ids["bob"] })]).toEqual([["bob"], ["bob"]]);
  expect([
    await one({ with: "nobody" }),
    await one({ conversation: "nonsense" }),
    await one({ conversation: ids["bob"] }, person("carol")),
  ]).toEqual([[], [], []]);
  expect((await reader().one(alice, { with: "bob" })).conversations[0]).toMatchObject({
    lastMessage: { text: "bob 2", seq: 3 },
    read: 0,
    delivered: 0,
  });
});
