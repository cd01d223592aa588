import { expect, test } from "bun:test";
import { createCache } from "../../../src/client/sync/cache.ts";
import { createReadMarker } from "../../../src/client/sync/read-marker.ts";
import { createWindow } from "../../../src/client/sync/window.ts";
import type { ConversationRow, MessageRow } from "../../../src/client/vault/rows.ts";
import { conversationRow, messageRow } from "./rows.ts";

const onFault = (fault: unknown): never => {
  throw fault;
};

/** A window whose messages come when the test gives them, with the read marks that were made. */
function opened() {
  const cache = createCache();
  const row = (last: number): ConversationRow => conversationRow(1, { last: messageRow("c1", last), counted: last });
  const loads: ((messages: readonly MessageRow[] | null) => void)[] = [];
  let found: ConversationRow | "unreachable" = row(3);
  const window = createWindow({
    ...{ cache, onChange() {}, onFault },
    find: async () => found,
    history: { load: () => new Promise((resolve) => void loads.push(resolve)) },
  });
  const marks: number[] = [];
  const wishes = { read: async ({ seq }: { readonly seq: number }) => void marks.push(seq) };
  const marker = createReadMarker({ self: "alice", window: window.state, wishes, onFault });
  return {
    ...{ window, marker, marks, row },
    find: (next: ConversationRow | "unreachable") => void (found = next),
    async give(messages: readonly MessageRow[] | null): Promise<void> {
      await Bun.sleep(0);
      loads.shift()?.(messages);
      await Bun.sleep(0);
    },
    seqs: () => window.state().messages.map(({ id }) => id),
  };
}

/** The message with this place in the history that a restore has begun. */
const renewed = (seq: number): MessageRow => ({ ...messageRow("c1", seq), id: `n${seq}` });

test("J92 after a reset nothing of the ended history is marked as read, nor joined with news", async () => {
  const { window, marker, marks, row, find, give, seqs } = opened();
  window.show("newest");
  await give([1, 2, 3].map((seq) => messageRow("c1", seq)));
  find(row(2));
  window.beginAnew();
  // It is shown until the other is here, and its reader still looks at it.
  expect(seqs()).toEqual(["m1", "m2", "m3"]);
  window.changed(row(2), [renewed(2)]);
  marker.mark(3);
  expect([seqs(), marks]).toEqual([["m1", "m2", "m3"], []]);
  await give([renewed(1), renewed(2)]);
  expect(seqs()).toEqual(["n1", "n2"]);
  marker.mark(2);
  expect(marks).toEqual([2]);
});

test("J8 after a reset without a network the new history is shown when it can be had", async () => {
  const { window, marker, marks, row, find, give, seqs } = opened();
  window.show("newest");
  await give([1, 2, 3].map((seq) => messageRow("c1", seq)));
  find("unreachable");
  window.beginAnew();
  await Bun.sleep(0);
  marker.mark(3);
  expect([window.state().before, seqs(), marks]).toEqual(["unreachable", ["m1", "m2", "m3"], []]);
  find(row(1));
  window.loadBefore();
  await give([renewed(1)]);
  expect(seqs()).toEqual(["n1"]);
});

test("J16 after a reset the window is where its reader wanted to be", async () => {
  const wanted: unknown[] = [];
  const window = createWindow({
    ...{ cache: createCache(), onChange() {}, onFault },
    find: async () => conversationRow(1, { last: messageRow("c1", 200) }),
    history: { load: async (_row, at) => (wanted.push(at), [messageRow("c1", 20)]) },
  });
  window.show(20);
  await Bun.sleep(0);
  window.beginAnew();
  await Bun.sleep(0);
  expect(wanted).toEqual([{ around: 20 }, { around: 20 }]);
});

test("J8 a conversation that is in the list before its first message is read shows that message", async () => {
  const cache = createCache();
  let found: ConversationRow | "none" = "none";
  const window = createWindow({
    ...{ cache, onChange() {}, onFault },
    find: async () => found,
    history: { load: async () => [messageRow("c1", 1)] },
  });
  window.show("newest");
  await Bun.sleep(0);
  found = conversationRow(1);
  cache.hold(found);
  // The list was faster than the answer to the message.
  window.changed(found, []);
  window.changed(found, [messageRow("c1", 1)]);
  await Bun.sleep(0);
  expect(window.state()).toMatchObject({ messages: [messageRow("c1", 1)], before: "end", after: "end" });
});
