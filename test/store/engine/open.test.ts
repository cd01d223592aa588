import { expect, test } from "bun:test";
import { requireUrl } from "../../../src/store/engine/open.ts";

test("E17 K15 the URL of a file or of a server is taken, in any case of its scheme", () => {
  for (const url of [
    "file:chat.db",
    "FILE:/x/chat.db",
    "libsql://a.example",
    "LIBSQL://a.example",
    "https://a.example",
    "wss://a.example",
  ])
    expect(() => requireUrl(url)).not.toThrow();
});

test("E17 C3 every other text is refused before anything is opened, without the secrets in it", () => {
  for (const url of [
    "",
    "chat.db",
    "postgres://user:hunter2@a.example/db",
    "sqlite:chat.db",
    "file:",
    "file://host/chat.db",
    "libsql://",
  ]) {
    let text = "";
    try {
      requireUrl(url);
    } catch (error) {
      text = Bun.inspect(error);
    }
    expect([url, text.includes("config_invalid")]).toEqual([url, true]);
    expect(text).not.toContain("hunter2");
  }
});
