import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { type Client, endClients, join } from "../../support/client.ts";
import { type NatsServer, startNats } from "../../support/nats-server.ts";
import { type Node, type Nodes, startNodes } from "../../support/nodes.ts";
import { describeWith } from "../../support/prerequisite.ts";
import type { Start } from "../../support/server.ts";
import { startPlanted } from "./plants.ts";
import { deadline } from "../../support/deadline.ts";

const messages = 4;
/** Longer than a commit notice takes. */
const hintMs = 150;

describeWith("nats-server", "two databases on one bus", () => {
  let nats: NatsServer;
  let own: Nodes[] = [];

  beforeAll(async () => {
    nats = await startNats();
  });
  afterAll(() => nats?.stop());
  afterEach(async () => {
    endClients();
    for (const one of own.splice(0)) await one.stop();
  });

  /** The same users write the same way on both, so that both are at the same position of their logs; returns what each reader received. */
  async function readBoth(
    start?: Start,
    arriveMsMax: number = deadline.answerMs,
  ): Promise<readonly (readonly string[])[]> {
    own = await Promise.all([1, 2].map(() => startNodes({ count: 1, nats, ...(start && { start }) })));
    const readers: Client[] = [];
    const senders: Client[] = [];
    for (const node of own.map(({ all }) => all[0] as Node)) {
      readers.push(await join(node.url, { user: "reader" }));
      senders.push(await join(node.url, { user: "sender" }));
    }
    for (let i = 0; i < messages; i++)
      for (const [at, sender] of senders.entries()) {
        await sender.sendOk({ to: "reader" }, `${i} of ${at}`);
        await Bun.sleep(hintMs);
      }
    for (const reader of readers)
      await reader.when(() => reader.messages().length >= messages, arriveMsMax).catch(() => {});
    return readers.map((reader) => reader.messages().map(({ text }) => text));
  }

  const sentAt = (at: number): string[] => Array.from({ length: messages }, (_, i) => `${i} of ${at}`);

  test("T1 R9 each ignores what the other's nodes publish", async () => {
    expect(await readBoth()).toEqual([sentAt(0), sentAt(1)]);
  });

  test("control: T1 R9 nodes that believe notices of another history are caught", async () => {
    const [one, other] = await readBoth(startPlanted("gullible"), hintMs);
    expect([one?.includes("0 of 1"), other?.includes("0 of 0")]).toContain(true);
  });
});
