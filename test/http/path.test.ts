import { expect, test } from "bun:test";
import { parseBase, pathBelow, pathOf } from "../../src/http/path.ts";

test("X1 the path of any address is read, also without a host", () => {
  for (const [url, path] of [
    ["http://localhost:6662/chat/ws?device=phone", "/chat/ws"],
    ["https://host/a#b?c", "/a"],
    ["HTTP://host", "/"],
    ["/chat/ws?x", "/chat/ws"],
    ["", "/"],
    ["http://host/a//b/", "/a//b/"],
  ] as const)
    expect([url, pathOf(url)]).toEqual([url, path]);
});

test("K14 a base is taken with or without its slashes, and other texts are refused", () => {
  for (const [base, path] of [
    ["/chat", "/chat"],
    ["chat", "/chat"],
    ["chat///", "/chat"],
    ["/a/b.c~d", "/a/b.c~d"],
    ["", ""],
    ["/", ""],
  ] as const)
    expect([base, parseBase(base)]).toEqual([base, path]);
  for (const wrong of ["/chat/*", "/:tenant", "//chat", "https://host/chat", "/a b", "/a?b", "/a//b", 7])
    expect(() => parseBase(wrong as string)).toThrow("base is the path");
});

test("K14 below a base only its own paths are the chat's", () => {
  const below = (path: string) => pathBelow(path, { heads: ["messages"], base: "/chat" });
  expect([below("/chat/messages"), below("/chat/messages/"), below("/chat/"), below("/chat")]).toEqual([
    "/messages",
    "/messages",
    "/",
    "/",
  ]);
  // Not the same folder, and not at the beginning.
  expect([below("/chats/messages"), below("/x/chat/messages")]).toEqual(["/", "/"]);
  expect(pathBelow("/messages/messages", { heads: ["messages"], base: "/messages" })).toBe("/messages");
});

test("K14 without a base the chat begins at the first segment that is one of its heads", () => {
  const heads = ["conversations", "ws"];
  const below = (path: string) => pathBelow(path, { heads });
  expect(below("/app/chat/conversations/c7/read")).toBe("/conversations/c7/read");
  expect(below("/app/ws/conversations/")).toBe("/ws/conversations");
  expect([below("/app/wsx/conversations2"), below("/"), below("/a/")]).toEqual(["/app/wsx/conversations2", "/", "/a"]);
});
