import { expect, test } from "bun:test";
import { createCache } from "../../../src/client/sync/cache.ts";
import { createEdits } from "../../../src/client/sync/edits.ts";
import type { OutboxRow } from "../../../src/client/vault/rows.ts";
import { writtenOf } from "./rows.ts";

test("J4 a cancel that finds the storage made anew is too late: what the old one held may have been sent", async () => {
  for (const [opened, answer] of [
    [1, "cancelled"],
    [2, "too-late"],
  ] as const) {
    const cache = createCache();
    const row: OutboxRow = { id: "m1", kind: "send", target: { with: "bob" }, text: "hi", time: 1, isTried: false };
    cache.setPending("m1", { row, stage: "kept" });
    let openings = 1;
    const edits = createEdits({
      ...{ cache, kept: async () => {}, openings: () => openings, newRow: () => row, onAdded() {} },
      async change() {
        openings = opened;
        return { ...writtenOf([]), outbox: new Map([["m1", null]]) };
      },
      answers: {
        ...{ of: () => new Promise(() => {}), accepted() {}, refused() {}, ended() {}, close() {} },
        ...{ wasSent: async () => false, isOpen: async () => false, find: async () => {}, caughtUp: async () => {} },
      },
    });
    expect(await edits.cancel("m1")).toBe(answer);
  }
});
