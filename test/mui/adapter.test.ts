import { expect, test } from "bun:test";
import type { Client, Thread, ThreadRow, ThreadState } from "../../src/client/api.ts";
import { createSource } from "../../src/client/readable.ts";
import type { Target } from "../../src/client/vault/rows.ts";
import { createMuiLink } from "../../src/mui/adapter.ts";
import { onServer } from "../../src/react/server-snapshots.ts";

const onFault = (fault: unknown): void => expect(fault).toBe(undefined);

const row = (key: string, more: Partial<ThreadRow> = {}): ThreadRow => ({
  ...{
    key,
    id: `id ${key}`,
    from: "bob",
    text: `text ${key}`,
    time: 1_780_000_000_000,
    seq: 1,
    state: "received",
    canChange: false,
  },
  ...more,
});

/** A client with one thread, which the test moves by hand; `calls` has what was asked of it. */
function fakeClient() {
  const calls: string[] = [];
  const state = createSource<ThreadState>({ ...onServer.thread, before: "more", after: "end" }, { onFault });
  const typists = createSource<readonly string[]>([], { onFault });
  const draft = createSource("", { onFault });
  const thread = {
    ...{ state, typists, draft },
    send(text: string) {
      if (text.length > 10) throw new Error("too long");
      calls.push(`send ${text}`);
      draft.set("");
      return { id: "id", kept: Promise.reject(new Error("full")), accepted: Promise.reject(new Error("full")) };
    },
    retry: (id: string) => void calls.push(`retry ${id}`),
    loadBefore: () => void calls.push("older"),
  } as unknown as Thread;
  const client = {
    thread(target: Target) {
      calls.push(`thread ${JSON.stringify(target)}`);
      return thread;
    },
  } as unknown as Client;
  return { ...{ calls, state, typists, draft, thread }, ...createMuiLink(client) };
}

const message = (id: string, text: string) => ({
  conversationId: "with:bob",
  message: { id, parts: [{ type: "text", text }, { type: "file" }] },
});

test("J77 a text is sent once, into the conversation that it was written in, and its stream ends at once", async () => {
  const { adapter, calls } = fakeClient();
  const stream = await adapter.sendMessage(message("mui's own id", "hi"));
  expect(await Array.fromAsync(stream as unknown as AsyncIterable<unknown>)).toEqual([]);
  expect(calls).toEqual(['thread {"with":"bob"}', "send hi"]);
});

test("J77 MUI empties its field before it sends: the draft goes with the message, stays if it cannot be one, and goes if its user empties the field", async () => {
  const { adapter, draft, emptied, thread } = fakeClient();
  draft.set("far too long");
  emptied(thread);
  await expect(adapter.sendMessage(message("x", "far too long"))).rejects.toThrow("too long");
  await Promise.resolve();
  expect(draft.get()).toBe("far too long");
  draft.set("short");
  const removals: string[] = [];
  draft.subscribe(() => removals.push(draft.get()));
  emptied(thread);
  await adapter.sendMessage(message("x", "short"));
  // By `send` alone, in its transaction.
  expect(removals).toEqual([""]);
  draft.set("changed my mind");
  emptied(thread);
  await Promise.resolve();
  expect(draft.get()).toBe("");
});

test("J77 a refused message is tried again under its id, and one that is on its way is not sent twice", async () => {
  const { adapter, calls, state } = fakeClient();
  state.set({
    ...state.get(),
    rows: [row("a", { failed: { code: "blocked", message: "No" }, state: "failed" }), row("b", { state: "sending" })],
  });
  await adapter.sendMessage(message("a", "again"));
  await adapter.sendMessage(message("b", "again"));
  expect(calls.filter((call) => !call.startsWith("thread"))).toEqual(["retry id a"]);
});

test("J78 older messages are asked for, and awaited", async () => {
  const { adapter, calls, state } = fakeClient();
  const ask = (cursor?: string) =>
    adapter.listMessages({ conversationId: "with:bob", ...(cursor !== undefined && { cursor }) });
  state.set({ ...state.get(), before: "loading" });
  const first = ask();
  state.set({ ...state.get(), before: "more", rows: [row("b")] });
  expect(await first).toMatchObject({ messages: [{ id: "b" }], hasMore: true });
  const second = ask((await first).cursor);
  expect(calls.at(-1)).toBe("older");
  state.set({ ...state.get(), before: "loading" });
  state.set({ ...state.get(), before: "end", rows: [row("a"), row("b")] });
  expect(await second).toMatchObject({ messages: [{ id: "a" }, { id: "b" }], hasMore: false });
  state.set({ ...state.get(), before: "more" });
  const third = ask("older");
  state.set({ ...state.get(), before: "unreachable" });
  await expect(third).rejects.toThrow("cannot be loaded");
});

test("J78 who types is reported, also that they have stopped when another thread is open", () => {
  const { adapter, followTypists, typists } = fakeClient();
  const events: unknown[] = [];
  adapter.subscribe({ onEvent: ({ userId, isTyping }) => events.push([userId, isTyping]) });
  typists.set(["bob"]);
  const end = followTypists("with:bob");
  typists.set(["bob", "carol"]);
  typists.set(["carol"]);
  end();
  typists.set(["dave"]);
  expect(events).toEqual([
    ["bob", true],
    ["carol", true],
    ["bob", false],
    ["carol", false],
  ]);
});
