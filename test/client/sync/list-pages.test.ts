import { expect, test } from "bun:test";
import { createCache } from "../../../src/client/sync/cache.ts";
import { createListPages } from "../../../src/client/sync/list-pages.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { keepNothing } from "./keeping.ts";
import { messageRow, writtenOf } from "./rows.ts";

const listed = (id: string) => ({
  ...{ id, kind: "direct", with: id, lastMessage: messageRow(id, 1), unread: 0, delivered: 0, read: 0 },
  ...{ peer: { delivered: 0, read: 0 }, setting: { muted: false, version: 0 } },
});

test("J10 a page of the list that cannot be stored is asked for again, and none is left out", async () => {
  const clock = fakeClock();
  const asked: (string | null)[] = [];
  const stored: string[] = [];
  let failures = 2;
  const list = createListPages({
    ...{ clock, cache: createCache(), onChange() {}, onFault() {} },
    keeper: keepNothing({
      async write({ conversations = [] }) {
        if (failures-- > 0) throw new Error("The write failed");
        stored.push(...conversations.map((patch) => ("listed" in patch ? patch.listed.id : "")));
        return writtenOf([]);
      },
    }),
    pages: {
      ...{ beginning: async () => null, messages: async () => null, conversation: async () => null },
      async conversations(after) {
        asked.push(after);
        return after === null
          ? { conversations: [listed("c1")], next: "p2" }
          : { conversations: [listed("c2")], next: null };
      },
    },
  });
  list.begin(true);
  for (let i = 0; i < 3; i++) await clock.advance(5_000);
  expect([asked, stored, list.more()]).toEqual([[null, null, null], ["c1"], "more"]);
  list.load();
  await clock.advance(0);
  expect([asked.at(-1), stored, list.more()]).toEqual(["p2", ["c1", "c2"], "end"]);
});

test("J10 J94 a page of the list that is left out as one of another history is asked for again", async () => {
  const clock = fakeClock();
  let asked = 0;
  const list = createListPages({
    ...{ clock, cache: createCache(), onChange() {}, onFault() {} },
    // After a restore one of the server's nodes names the old history for a while.
    keeper: keepNothing({ write: async ({ history }) => ({ ...writtenOf([]), isOutdated: history !== "h2" }) }),
    pages: {
      ...{ beginning: async () => null, messages: async () => null, conversation: async () => null },
      conversations: async () => ({ conversations: [listed("c1")], next: null, history: ++asked > 2 ? "h2" : "h1" }),
    },
  });
  list.begin(true);
  await clock.advance(0);
  expect([asked, list.more()]).toEqual([1, "unreachable"]);
  for (let i = 0; i < 3; i++) await clock.advance(5_000);
  expect([asked, list.more()]).toEqual([3, "end"]);
});
