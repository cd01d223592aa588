import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createChat } from "../src/chat.ts";
import { ChatError } from "../src/error.ts";
import type * as tidings from "../src/index.ts";

const src = join(import.meta.dir, "../src");
const api = readFileSync(join(src, "chat-api.ts"), "utf8");
const index = readFileSync(join(src, "index.ts"), "utf8");

/** The names in the braces of each statement that this finds. */
const namesIn = (text: string, statement: RegExp): readonly string[] =>
  [...text.matchAll(statement)].flatMap(([, names = ""]) =>
    names
      .split(",")
      .map((name) => name.replace(/^\s*type\s/, "").trim())
      .filter(Boolean),
  );

const exported = namesIn(index, /^export (?:type )?\{([^}]*)\}/gm);
const members = (): readonly string[] => {
  const [, body = ""] = /^export interface Chat \{\n([\s\S]*?)^\}/m.exec(api) ?? [];
  return [...body.matchAll(/^ {2}readonly (\w+):/gm)].map(([, name = ""]) => name);
};

describe("the public types of a chat", () => {
  test("K63 Chat is a named interface with every member of a chat, each with a doc comment", () => {
    const [, body = ""] = /^export interface Chat \{\n([\s\S]*?)^\}/m.exec(api) ?? [];
    const described = [...body.matchAll(/^ {3}\*\/\n {2}readonly (\w+):|^ {2}\/\*\* .* \*\/\n {2}readonly (\w+):/gm)];
    expect(described.map(([, one, other]) => one ?? other)).toEqual([...members()]);
    const chat = createChat({
      database: {
        url: "file:never.db",
        open() {
          throw new ChatError("config_invalid", "This test opens no database");
        },
      },
      authenticate: () => null,
    });
    expect(Object.keys(chat).toSorted()).toEqual([...members()].toSorted());
    return chat.close();
  });

  test("K63 every type that its members take or answer is exported under its name", () => {
    const own = [...api.matchAll(/^export (?:type|interface) (\w+)/gm)].map(([, name = ""]) => name);
    const imported = namesIn(api, /^import type \{([^}]*)\}/gm);
    // These have a name of their own, which is exported.
    const behind = ["FeedCounts", "Trouble"];
    const wanted = [...own, ...imported].filter((name) => !behind.includes(name));
    expect(wanted.filter((name) => !exported.includes(name))).toEqual([]);
    // The compiler sees them too.
    const chat = null as tidings.Chat | null;
    const send: tidings.ServerSend = { from: "shop", to: "alice", text: "hi" };
    expect([chat, send.from]).toEqual([null, "shop"]);
  });
});
