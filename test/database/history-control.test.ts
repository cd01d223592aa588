import { describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Alteration } from "../support/alter-source.ts";
import { failingTests } from "../support/failing-tests.ts";

/** Bugs, each with a part of the name of a test that must show it, by the file of that test. */
const bugs: Readonly<Record<string, readonly (readonly [bug: string, shown: string, Alteration])[]>> = {
  "history-change.test.ts": [
    [
      "a write does not say for which history it is",
      "D30 an ack and a read mark",
      { file: "store/one-history.ts", from: "const guards = guard();", to: "const guards = guard().slice(0, 0);" },
    ],
    [
      "the sockets of the old history are kept",
      "H6 D31 every socket is closed",
      { file: "database/database.ts", from: "    leave(current);\n", to: "" },
    ],
    [
      "the hub of the old history is kept",
      "D31 three nodes under load",
      { file: "database/database.ts", from: "        current = next;\n", to: "" },
    ],
    [
      "a database that went back is taken as it is",
      "D32 a database that went back",
      {
        file: "store/one-history.ts",
        from: 'end({ type: "went back", epoch: confirmed.epoch, n: newest() });',
        to: "return confirmed;",
      },
    ],
    [
      "a database that went back keeps its name",
      "D32 a database that went back",
      {
        file: "database/database.ts",
        from: "if (head.n < n) {",
        to: "if (head.n < n && head.n < 0) {",
      },
    ],
    [
      "what a write itself has added is not noted",
      "D32 a database that went back to just before",
      { file: "store/one-history.ts", from: "          note(cursorOf(row));\n", to: "" },
    ],
    [
      "a name that has ended is taken as it comes back",
      "D32 a backup that holds all that was known of its history",
      { file: "database/database.ts", from: "if (epoch !== left) ended.add(left);", to: "" },
    ],
    [
      "what was known of a database is forgotten with its runtime",
      "D32 a backup that is put back a second time",
      {
        file: "database/database.ts",
        from: "const n = before.get(head.epoch) ?? 0;",
        to: "const n = head.epoch === left ? (before.get(left) ?? 0) : 0; ended.clear();",
      },
    ],
    [
      "who is in a conversation is remembered from the old history",
      "D31 names of conversations",
      {
        file: "store/reader.ts",
        from: "  const members = createLru<string, readonly string[]>(conversationsCachedMax);",
        to: "  const kept = globalThis as typeof globalThis & { members?: ReturnType<typeof createLru<string, readonly string[]>> };\n  const members = (kept.members ??= createLru<string, readonly string[]>(conversationsCachedMax));",
      },
    ],
  ],
  "ended-history.test.ts": [
    [
      "a page of changes is taken from whatever history there is",
      "D31 is noticed by a page of changes",
      {
        file: "store/reader.ts",
        from: "      history.note(here);\n      const { items, upTo, more } = mergeCut(lists, (change) => change.n,",
        to: "      const { items, upTo, more } = mergeCut(lists, (change) => change.n,",
      },
    ],
    [
      "a stretch of the log is taken from whatever history there is",
      "D31 is noticed by a stretch",
      {
        file: "store/reader.ts",
        from: "      history.note(here);\n      const { items, upTo, more } = mergeCut(lists, ({ change }) => change.n,",
        to: "      const { items, upTo, more } = mergeCut(lists, ({ change }) => change.n,",
      },
    ],
    [
      "a device starts in whatever history there is",
      "D31 is noticed by the start",
      { file: "store/reader.ts", from: "      history.note(head);\n", to: "" },
    ],
    [
      "a page over HTTP is taken from whatever history there is",
      "D31 is noticed by a page of what",
      {
        file: "store/history-reader.ts",
        from: "      history.note(history.cursorOf(row));\n",
        to: "",
      },
    ],
    [
      "each of many names the new history",
      "D32 of many",
      { file: "store/sql.ts", from: " WHERE ?2 IS NULL OR (epoch = ?2 AND n < ?3)`", to: "`" },
    ],
    [
      "the feed of the old history goes on",
      "D31 a runtime whose history",
      {
        file: "database/runtime.ts",
        from: "      worker?.abandon();\n      feed.stop();\n",
        to: "      worker?.abandon();\n",
      },
    ],
    [
      "the push worker of the old history goes on",
      "D31 a runtime whose history",
      { file: "database/runtime.ts", from: "      worker?.abandon();\n", to: "" },
    ],
    [
      "an answer that comes late is taken for a database that went back",
      "D32 is not taken for",
      {
        file: "store/one-history.ts",
        from: "if (confirmed.n >= atLeast) return",
        to: "if (confirmed.n >= newest()) return",
      },
    ],
  ],
};

const triesMax = 8;

describe("another history", () => {
  for (const [suite, list] of Object.entries(bugs))
    for (const [bug, shown, alteration] of list)
      test.concurrent(`control: D30 D31 D32 it is seen where ${bug}`, async () => {
        // Several nodes race: which of them sees the bug first, and whether it shows, is decided anew each time.
        let isSeen = false;
        for (let i = 0; i < triesMax && !isSeen; i++) {
          const failed = await failingTests(join(import.meta.dir, suite), { alterations: [alteration], name: shown });
          isSeen = failed.some((name) => name.startsWith(shown));
        }
        expect(isSeen).toBe(true);
      });
});
