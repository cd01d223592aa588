import { afterAll, beforeAll, expect, test } from "bun:test";
import { judge, type Event } from "../checker/checker.ts";
import { createCrowd } from "../kill/crowd.ts";
import { createChance } from "../sim/chance.ts";
import { endClients, join } from "../../support/client.ts";
import { describeWith } from "../../support/prerequisite.ts";
import { type RunningServer, startServer } from "../../support/server.ts";
import { type Nginx, startNginx } from "./nginx.ts";
import { deadline } from "../../support/deadline.ts";

const readTimeoutMs = 2_000;

describeWith("nginx", "behind nginx, as docs/proxies.md has it", () => {
  let server: RunningServer;
  let nginx: Nginx;
  beforeAll(async () => {
    server = await startServer({
      env: {
        HEARTBEAT_MS: "600",
        // nginx, and one proxy before it, which the tests play.
        TRUST_PROXY: "2",
        RATE_WORK_ADDRESS: "375,0.75",
      },
    });
    nginx = await startNginx({ port: server.port, readTimeoutMs, shutdownMs: 200 });
  });
  afterAll(async () => {
    endClients();
    await nginx.stop();
    await server.dispose();
  });

  test("X13 P7 an upgrade passes, and a socket stays open for as long as the heartbeat keeps it", async () => {
    const [alice, bob] = [await join(nginx.url, { user: "alice" }), await join(nginx.url, { user: "bob" })];
    await Bun.sleep(2.5 * readTimeoutMs);
    expect([alice.isOpen(), bob.isOpen()]).toEqual([true, true]);
    await alice.sendOk({ to: "bob" }, "after a long silence");
    await bob.when(() => bob.messages().length === 1);
  });

  test("control: X13 without a heartbeat nginx cuts it", async () => {
    const silent = await startServer({ env: { HEARTBEAT_MS: "60000" } });
    const other = await startNginx({ port: silent.port, readTimeoutMs, shutdownMs: 200 });
    try {
      const alice = await join(other.url, { user: "alice" });
      await Promise.race([alice.closed, Bun.sleep(deadline.answerMs)]);
      expect(alice.isOpen()).toBe(false);
    } finally {
      await other.stop();
      await silent.dispose();
    }
  });

  test("X13 X1 the address that the client used is the chat's own origin, and no other is", async () => {
    const statusFor = async (origin: string): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${nginx.port}/tickets?user=alice`, {
        method: "POST",
        headers: { origin },
      });
      return response.status;
    };
    expect(await statusFor(`http://127.0.0.1:${nginx.port}`)).toBe(201);
    expect(await statusFor(`http://127.0.0.1:${server.port}`)).toBe(403);
    expect(await statusFor("https://evil.example")).toBe(403);
  });

  test("X13 O3 10 MB of messages arrive, in order", async () => {
    const [carol, dan] = [await join(nginx.url, { user: "carol" }), await join(nginx.url, { user: "dan" })];
    const count = 700;
    for (let i = 0; i < count; i++) {
      carol.post({ to: "dan" }, `${i} ${"x".repeat(15_000)}`);
      if (i % 50 === 49) await carol.when(() => carol.unanswered().length === 0, deadline.bulkMs);
    }
    await dan.when(() => dan.messages().length === count, deadline.bulkMs);
    expect(dan.messages().map(({ text }) => Number(text.split(" ", 1)[0]))).toEqual(
      Array.from({ length: count }, (_, i) => i),
    );
  });

  test("X13 A32 the address that counts is the one that the trusted proxies saw, whatever else is written before it", async () => {
    const ask = async (forwarded: string): Promise<number> => {
      const response = await fetch(`http://127.0.0.1:${nginx.port}/conversations?user=u${Math.random()}`, {
        headers: { "x-forwarded-for": forwarded },
      });
      return response.status;
    };
    const statuses: number[] = [];
    for (let i = 0; i < 8; i++) statuses.push(await ask(`203.0.113.${i}, 198.51.100.77`));
    expect(statuses).toEqual([200, 200, 200, 200, 200, 429, 429, 429]);
    expect(await ask("198.51.100.78")).toBe(200);
  });

  test("X13 D1 O1 O2 O3 O4 reloads of nginx during sends lose, double and reorder nothing", async () => {
    const events: Event[] = [];
    const crowd = createCrowd({ pairs: 3, chance: createChance(7), log: (event) => events.push(event) });
    for (let round = 0; round < 4; round++) {
      const before = crowd.facts.accepted;
      await crowd.enter(nginx.url);
      for (let i = 0; crowd.facts.accepted < before + 100 && i < 6_000; i++) await Bun.sleep(10);
      await nginx.reload();
      // The old workers drop the connections that they still hold.
      await crowd.left();
    }
    await crowd.settle(nginx.url);
    expect([judge(events), crowd.complaints]).toEqual([[], []]);
    expect(crowd.facts.accepted).toBeGreaterThan(400);
  });
});
