import { expect, test } from "bun:test";
import type { ThreadRow } from "../../src/client/api.ts";
import { muiConversation, muiId, muiMessage, muiPartRenderers, targetOf } from "../../src/mui/rows.ts";

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

test("J76 a row is one message under its key, and the same object until the row changes", () => {
  const one = row("k", { from: "alice", state: "delivered" });
  expect(muiMessage(one)).toEqual({
    ...{ id: "k", role: "user", parts: [{ type: "text", text: "text k" }], status: "sent" },
    ...{ createdAt: "2026-05-28T20:26:40.000Z", author: { id: "alice", displayName: "alice" } },
  });
  expect(muiMessage(one)).toBe(muiMessage(one));
  const states = ["keeping", "queued", "sending", "accepted", "delivered", "read", "failed", "received"] as const;
  expect(states.map((state) => muiMessage(row("s", { state })).status)).toEqual([
    ...(["pending", "pending", "sending", "sent", "sent", "read", "error", undefined] as const),
  ]);
});

test("J76 MUI's id of a conversation leads back to it, whatever its name has", () => {
  for (const target of [
    { with: "bob" },
    { with: "conversation:c7" },
    { conversation: "c7" },
    { conversation: "with:bob" },
  ])
    expect(targetOf(muiId(target))).toEqual(target);
  const base = {
    id: "c7",
    last: null,
    lastState: null,
    isExact: true,
    own: { delivered: 0, read: 0 },
    peer: { delivered: 0, read: 0 },
    isMuted: false,
    mutedUntil: null,
  };
  expect(muiConversation({ ...base, with: "bob", unread: 2 })).toMatchObject({
    id: "with:bob",
    title: "bob",
    unreadCount: 2,
    readState: "unread",
  });
  expect(muiConversation({ ...base, with: null, unread: 0 })).toMatchObject({
    id: "conversation:c7",
    title: "c7",
    readState: "read",
  });
});

test("J81 a text is drawn as it is", () => {
  const text = "![](https://elsewhere.example/a.png) [https://bank.example](https://elsewhere.example) 2*3*4";
  expect(muiPartRenderers.text({ part: { text } })).toBe(text);
});
