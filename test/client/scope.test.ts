import { expect, test } from "bun:test";
import { ClientError } from "../../src/client/api.ts";
import { createClient } from "../../src/client/client.ts";
import { scopeOf } from "../../src/client/scope.ts";
import { memory } from "../../src/client/vault/memory.ts";

const options = { url: "https://app.example/chat", user: "alice", storage: memory() };

test("J96 a client without storage, user or place is refused when it is made", () => {
  const faults: Readonly<Record<string, object>> = {
    storage: { storage: undefined },
    user: { user: "" },
    tenant: { tenant: "" },
    "no url": { url: undefined },
    "an empty url": { url: "" },
    "a path of the page": { url: "chat" },
    "another host": { url: "//app.example/chat" },
    "a query": { url: "/chat?room=1" },
    "no place of HTTP": { url: "ws://app.example/chat" },
  };
  const codeOf = (fault: object): unknown => {
    try {
      return createClient({ ...options, ...fault });
    } catch (error) {
      return error instanceof ClientError && error.code;
    }
  };
  for (const [name, fault] of Object.entries(faults)) expect([name, codeOf(fault)]).toEqual([name, "config_invalid"]);
});

test("J96 one place has one name, with a slash at its end or without", () => {
  const urlOf = (url: string): string => scopeOf({ ...options, url }).url;
  expect(urlOf("https://app.example/chat/")).toBe("https://app.example/chat");
  expect(urlOf("https://app.example")).toBe("https://app.example");
  // Without a page, while a server renders, a path stays one.
  expect([urlOf("/chat"), urlOf("/chat/"), urlOf("/")]).toEqual(["/chat", "/chat", ""]);
});
