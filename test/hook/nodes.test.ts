import { afterEach, describe, expect, test } from "bun:test";
import type { Engine } from "../../src/store/engine/engine.ts";
import { type SharedNodes, type SharedNodesOptions, startSharedNodes } from "../tenant/shared-nodes.ts";
import { until } from "../support/fake-socket.ts";

const running: SharedNodes[] = [];
afterEach(async () => {
  for (const nodes of running.splice(0)) await nodes.stop();
});

type Called = { readonly node: number; readonly text: string };

/** Nodes on one database that note the calls of their hooks. */
async function start(options: SharedNodesOptions & { readonly act?: (called: Called) => void | Promise<void> } = {}) {
  const calls: Called[] = [];
  const nodes = await startSharedNodes({
    nodes: 2,
    ...options,
    limits: { hookLeaseMs: 200, hookRetryMs: 1, ...options.limits },
    onMessage: (node) => ({
      async handle({ text }) {
        const called = { node, text };
        calls.push(called);
        await options.act?.(called);
      },
    }),
  });
  running.push(nodes);
  const send = async (text: string, node = 0): Promise<void> =>
    void (await nodes.chats[node]?.send({ from: "alice", to: "bob", text }));
  const texts = (): readonly string[] => calls.map(({ text }) => text);
  /** The hook's position in the database, and the end of the log. */
  async function place(): Promise<{ readonly n: number; readonly head: number }> {
    const [[row] = []] = await nodes.engine.read([
      { sql: "SELECT p.n, head.n AS head FROM tidings_log_place p CROSS JOIN tidings_head head" },
    ]);
    return { n: Number(row?.["n"]), head: Number(row?.["head"]) };
  }
  /** Waits until the position of the hook is in the database. */
  async function kept(): Promise<void> {
    for (let { n, head } = await place(); n < head; { n, head } = await place()) await Bun.sleep(2);
  }
  return { nodes, calls, texts, send, place, kept };
}

const numbers = (count: number, from = 0): readonly string[] => Array.from({ length: count }, (_, i) => `${from + i}`);

describe("onMessage on several nodes", () => {
  test("K75 one node at a time calls it, once for each message of any node; when it leaves another one continues", async () => {
    const { nodes, calls, texts, send } = await start({ limits: { hookLeaseMs: 4_000 } });
    for (const [i, text] of numbers(40).entries()) await send(text, i % 2);
    await until(() => calls.length === 40);
    expect(texts()).toEqual(numbers(40));
    const [first] = calls;
    expect(new Set(calls.map(({ node }) => node)).size).toBe(1);
    const [one, other] = first?.node === 0 ? [0, 1] : [1, 0];
    await nodes.chats[one]?.close();
    // The other node looks for a free lease four times in the duration of one.
    for (const text of numbers(10, 40)) await send(text, other);
    await until(() => calls.length === 50);
    expect(texts()).toEqual(numbers(50));
    expect(calls.slice(40).every(({ node }) => node === other)).toBe(true);
  });

  test("K75 another node takes over from one that was killed: nothing is skipped, and only messages after its kept position are repeated", async () => {
    const dead = new Set<number>();
    const mortal = (engine: Engine, node: number): Engine => {
      const unlessDead =
        (call: Engine["write"]): Engine["write"] =>
        (statements) =>
          dead.has(node) ? new Promise(() => {}) : call(statements);
      return { ...engine, read: unlessDead(engine.read), write: unlessDead(engine.write) };
    };
    const { calls, texts, send, kept } = await start({ wrapEngine: mortal, limits: { shutdownMs: 100 } });
    for (const text of numbers(5)) await send(text);
    await until(() => calls.length === 5);
    await kept();
    const one = calls[0]?.node ?? 0;
    dead.add(one);
    for (const text of numbers(5, 5)) await send(text, 1 - one);
    await until(() => calls.some(({ node, text }) => node !== one && text === "9"));
    expect(texts()).toEqual(numbers(10));
    expect(calls.slice(5).every(({ node }) => node !== one)).toBe(true);
  });

  test("K76 in a restored history it continues at the position of the backup: later messages are repeated, and nothing is skipped", async () => {
    let release = (): void => {};
    const opened = new Promise<void>((resolve) => (release = resolve));
    const { nodes, calls, texts, send, kept } = await start({
      nodes: 1,
      act: ({ text }) => (text === "waits" ? opened : undefined),
    });
    await send("first");
    await until(() => calls.length === 1);
    await kept();
    await send("waits");
    await until(() => calls.length === 2);
    const backup = await nodes.backUp();
    release();
    await send("lost");
    await until(() => calls.length === 3);
    await nodes.restore(backup, "restored0001");
    await until(() => texts().slice(3).includes("waits"));
    await until(() => nodes.chats[0]?.isReady() === true);
    await send("new");
    await until(() => texts().includes("new"));
    expect(texts()).toEqual(["first", "waits", "lost", "waits", "new"]);
  });

  test("K77 after an outage of the store it continues at its position", async () => {
    let isAway = false;
    const failing =
      (call: Engine["write"]): Engine["write"] =>
      (statements) =>
        isAway ? Promise.reject(new Error("the disk is gone")) : call(statements);
    const { nodes, calls, texts, send } = await start({
      nodes: 1,
      limits: { hookLeaseMs: 1_000 },
      wrapEngine: (engine) => ({ ...engine, read: failing(engine.read), write: failing(engine.write) }),
    });
    await send("before");
    await until(() => calls.length === 1);
    isAway = true;
    await send("refused").catch(() => {});
    await until(() => nodes.chats[0]?.isReady() === false);
    isAway = false;
    await until(() => nodes.chats[0]?.isReady() === true);
    await send("after");
    await until(() => texts().includes("after"));
    expect(texts()).toEqual(["before", "after"]);
  });
});
