import { describe, expect, test } from "bun:test";
import type { Store } from "../../src/store/store.ts";
import { until } from "../support/fake-socket.ts";
import { startHub } from "../support/hub.ts";
import { accepted } from "../support/store.ts";

const textBytes = 16_000;
const messages = 100;

/** The bytes of the log that are read for a client that takes nothing, and the bytes that went out to it. */
async function readInVain(text: string, alter: (bound: { rows: number; bytes: number }) => typeof bound) {
  let read = 0;
  const wrapStore = (store: Store): Store => ({
    ...store,
    async changes(identity, after, bound) {
      const page = await store.changes(identity, after, alter(bound));
      for (const change of page.changes) if (change.kind === "message") read += change.text.length;
      return page;
    },
  });
  const chat = await startHub({ wrapStore, limits: { pageBytesMax: 1_000_000 } });
  try {
    for (let i = 0; i < messages; i++) await accepted(chat.store, { from: "alice", to: "bob", text });
    const bob = chat.connect("bob", { stalled: true });
    await until(() => bob.state.bufferedMax > 100_000);
    await Bun.sleep(20);
    const found = { read, sent: bob.state.bufferedMax };
    bob.drain();
    await until(() => bob.changes().filter(({ kind }) => kind === "message").length === messages);
    return found;
  } finally {
    await chat.stop();
  }
}

describe("the cost of a client that takes nothing", () => {
  test("R42 R1 no more is read than goes out, and one page", async () => {
    const { read, sent } = await readInVain("x".repeat(textBytes), (bound) => bound);
    expect(read).toBeLessThan(2 * sent);
  });

  test("R42 texts that are longer as JSON cost no more", async () => {
    const { read, sent } = await readInVain("\u0001".repeat(textBytes), (bound) => bound);
    expect(read).toBeLessThan(2 * sent);
  });

  test("control: R42 pages that are not sized by the room are found", async () => {
    const { read, sent } = await readInVain("x".repeat(textBytes), (bound) => ({ ...bound, bytes: 10_000_000 }));
    expect(read).toBeGreaterThan(3 * sent);
  });
});
