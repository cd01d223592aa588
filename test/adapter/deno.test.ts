import { describe, expect, test } from "bun:test";
import { deno } from "../../src/adapter/deno.ts";
import { createChat } from "../../src/chat.ts";
import { demo } from "../../src/access/demo.ts";
import { connectRaw, type RawClient, wsPath } from "../support/client.ts";
import { type RunningServer, temporaryFolder } from "../support/server.ts";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { denoWith, startExample } from "./start-example.ts";
import { deadline } from "../support/deadline.ts";

/** `limits.connectionsPerUserMax`. */
const connectionsMax = 100;
/** Longer than the chat waits for the peer's answer to its closing handshake. */
const forgottenMs = 4_000;

/** A server of one test, and connections to it. */
async function withServer(
  start: Promise<RunningServer>,
  run: (raw: (user: string) => Promise<RawClient>, clients: readonly RawClient[]) => Promise<void>,
): Promise<void> {
  const server = await start;
  const clients: RawClient[] = [];
  try {
    await run(async (user) => {
      const client = await connectRaw(server.port, `${server.base}${wsPath({ user })}`);
      clients.push(client);
      return client;
    }, clients);
  } finally {
    for (const client of clients) client.end();
    await server.dispose();
  }
}

for (const name of ["deno", "hono-deno"] as const) {
  describe(`on Deno, ${name}`, () => {
    test.concurrent("G2 who answers no ping is closed by the runtime after twice the heartbeat", () =>
      withServer(startExample(name)({ env: { HEARTBEAT_MS: "500" } }), async (raw) => {
        const silent = await raw("silent");
        const hung = Bun.sleep(deadline.answerMs).then(() => false);
        const isGone = await Promise.race([silent.gone.then(() => true), hung]);
        expect([isGone, silent.closed()?.code]).toEqual([true, 1_001]);
      }),
    );

    // Deno cannot drop a socket: it stays until the peer answers the closing handshake, and this one never does.
    test.concurrent("G5 P14 sockets that the chat has closed count until the runtime lets go of them", () =>
      withServer(startExample(name)(), async (raw, clients) => {
        for (let i = 0; i < connectionsMax; i++) {
          const client = await raw("mallory");
          expect(client.answer.status).toBe(101);
          for (let frames = 0; frames < 11; frames++) client.text("nonsense");
        }
        await Promise.all(clients.map((client) => client.ended));
        await Bun.sleep(forgottenMs);
        expect((await raw("mallory")).answer.status).toBe(429);
        expect((await raw("alice")).answer.status).toBe(101);
        for (const client of clients) client.end();
        let status = 0;
        for (let tries = 0; tries < 600 && status !== 101; tries++) {
          await Bun.sleep(100);
          ({ status } = (await raw("mallory")).answer);
        }
        expect(status).toBe(101);
      }),
    );
  });
}

test("G3 a failure of the host's own fetch is answered 500 on Deno, and its upgrades stay apart from it", async () => {
  const folder = temporaryFolder();
  const chat = createChat({ database: { url: `file:${folder}/chat.db` }, authenticate: demo() });
  try {
    const fetch = (): Response => {
      throw new Error("planted");
    };
    const answer = await deno(chat, { fetch })(new Request("http://127.0.0.1/"));
    expect([answer.status, await answer.json()]).toMatchObject([500, { code: "internal" }]);
    const headers = { upgrade: "websocket", connection: "Upgrade" };
    const refused = await deno(chat, { fetch })(new Request("http://127.0.0.1/ws", { headers }));
    expect([refused.status, await refused.json()]).toMatchObject([401, { code: "unauthenticated" }]);
  } finally {
    await chat.close();
    rmSync(folder, { recursive: true, force: true });
  }
});

test("G30 on Deno it serves with the permissions that the page on mounting names, and not without each of them", async () => {
  const page = readFileSync(`${import.meta.dir}/../../docs/mounting.md`, "utf8");
  const permissions =
    /`deno run ([^`]+)`/
      .exec(page)?.[1]
      ?.split(" ")
      .filter((word) => word.startsWith("--")) ?? [];
  expect(permissions.length).toBeGreaterThan(4);
  // Not in memory: Deno allows paths below /dev only with all permissions.
  const dir = mkdtempSync("/var/tmp/tidings-deno-");
  try {
    const start = startExample("deno");
    await withServer(start({ dir, runtime: denoWith(permissions) }), async (raw) => {
      expect((await raw("alice")).answer.status).toBe(101);
    });
    // Together, each in a folder of its own: without some of them a start tries for as long as it may.
    const outcomes = permissions.map(async (one) => {
      const own = mkdtempSync(`${dir}-`);
      try {
        const others = permissions.filter((permission) => permission !== one);
        const running = await start({ dir: own, runtime: denoWith(others) });
        await running.dispose();
        return `${one} served`;
      } catch {
        return "refused";
      } finally {
        rmSync(own, { recursive: true, force: true });
      }
    });
    expect(await Promise.all(outcomes)).toEqual(permissions.map(() => "refused"));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
});
