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
    "no host": { url: "https://:443/chat" },
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

test("J96 one place has one name, in whichever form it is written", () => {
  const urlOf = (url: string): string => scopeOf({ ...options, url }).url;
  expect(urlOf("https://app.example/chat/")).toBe("https://app.example/chat");
  for (const url of [
    "https://App.Example:443/chat",
    "HTTPS://app.example/other/../chat/.",
    "https://app.example:/chat/",
  ])
    expect(urlOf(url)).toBe("https://app.example/chat");
  expect(urlOf("http://app.example:80")).toBe("http://app.example");
  expect(urlOf("http://app.example:443/Chat")).toBe("http://app.example:443/Chat");
  // Without a page, while a server renders, a path stays one.
  expect([urlOf("/chat"), urlOf("/chat/"), urlOf("/")]).toEqual(["/chat", "/chat", ""]);
});

test("J96 a path is a place of the page's own origin, whatever is in it", () => {
  const page = globalThis as { location?: { readonly origin: string } };
  page.location = { origin: "https://page.example" };
  try {
    const urlOf = (url: string): string => scopeOf({ ...options, url }).url;
    for (const url of ["/chat", "/chat/", "/other/../chat"]) expect(urlOf(url)).toBe("https://page.example/chat");
    expect(urlOf("/")).toBe("https://page.example");
    expect(urlOf("/\\other.example")).toStartWith("https://page.example/");
  } finally {
    delete page.location;
  }
});
