import { expect, test } from "bun:test";
import { createSource } from "../../../src/client/readable.ts";
import { createCache, type News } from "../../../src/client/sync/cache.ts";
import { createThread } from "../../../src/client/sync/thread.ts";
import { fakeClock } from "../../support/fake-clock.ts";
import { until } from "../../support/fake-socket.ts";
import { conversationRow, messageRow, writtenOf } from "./rows.ts";

const onFault = (fault: unknown): void => {
  throw fault;
};
const none: News = { messages: [], wishes: [], granted: [] };

test("W25 W23 the divider of a history that has ended is not shown in the next one", async () => {
  const cache = createCache();
  const unread = { unread: 2, own: { delivered: 3, read: 1 }, ranges: [[1, 3]] as const, last: messageRow("c1", 3) };
  const meta = { device: "d", cursor: null, level: 0, identity: null };
  cache.boot({ meta, outbox: [], wishes: [], conversations: [conversationRow(1, unread)] });
  const held = [1, 2, 3].map((seq) => messageRow("c1", seq));
  const vault = {
    messages: async ({ first, last }: { first: number; last: number }) =>
      held.filter(({ seq }) => seq >= first && seq <= last),
    draft: async () => null,
  };
  const thread = createThread({ with: "user1" }, {
    ...{ self: "alice", clock: fakeClock(), cache, onFault, onWake() {}, textBytesMax: { get: () => 1_000 } },
    ...{ keeper: { vault: () => vault }, sender: { isUnderWay: () => false }, wishes: { mute: () => undefined } },
    ...{ outbox: {}, pages: {}, typing: { typists: () => createSource([], { onFault }) } },
  } as never);
  thread.open();
  await until(() => thread.state.get().divider === 2);
  held.splice(1);
  const read = conversationRow(1, { own: { delivered: 1, read: 1 } });
  cache.apply({ ...writtenOf([read]), isReset: true, resets: 1 }, none);
  await until(() => thread.state.get().rows.length === 1);
  expect(thread.state.get().divider).toBeNull();
});
