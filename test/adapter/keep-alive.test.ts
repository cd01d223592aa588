import { expect, test } from "bun:test";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Hono } from "hono";
import { upgradeWebSocket, websocket } from "hono/bun";
import { hono } from "../../src/adapter/hono.ts";
import { bun } from "../../src/adapter/bun.ts";
import { createChat } from "../../src/chat.ts";

const root = join(import.meta.dir, "../..");

test("G7 the standalone server on Node keeps an idle connection for longer than a proxy does", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tidings-keep-alive-"));
  try {
    symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
    writeFileSync(
      join(folder, "entry.ts"),
      `import { get } from "node:http";
       import { listenOnNode } from ${JSON.stringify(join(root, "src/standalone/listen-node.ts"))};
       const fetch = () => new Response("hi");
       const server = await listenOnNode({ fetch, limits: { frameBytesMax: 1 } }, { port: 0, hostname: "127.0.0.1", fetch });
       get({ port: server.port, agent: false, headers: { connection: "keep-alive" } }, ({ headers }) => {
         console.log(headers["keep-alive"]);
         process.exit(0);
       });`,
    );
    await Bun.build({
      entrypoints: [join(folder, "entry.ts")],
      target: "node",
      external: ["ws"],
      outdir: folder,
      naming: "entry.mjs",
    });
    const child = Bun.spawn(["node", "entry.mjs"], { cwd: folder, stdout: "pipe", stderr: "inherit" });
    expect(await child.stdout.text()).toBe("timeout=75\n");
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

/** Bun closes idle connections after 10 s to 12 s. */
const bunIdleMs = 13_000;

test("G37 on Bun an idle connection is kept for longer than Bun keeps one, and one with a dripping body is not", async () => {
  const folder = mkdtempSync(join(tmpdir(), "tidings-keep-alive-"));
  const chat = createChat({
    database: { url: `file:${join(folder, "chat.db")}` },
    authenticate: ({ headers }) => ({ user: headers.get("x-user") ?? "" }),
  });
  await chat.ready();
  const served = bun(chat, { port: 0, hostname: "127.0.0.1" });
  const seconds: number[] = [];
  const server = Bun.serve({
    ...served,
    fetch(request, real) {
      const timeout = (asked: Request, until: number): void => {
        seconds.push(until);
        real.timeout(asked, until);
      };
      return served.fetch(
        request,
        new Proxy(real, {
          get: (_, name) => (name === "timeout" ? timeout : (Reflect.get(real, name) as () => void).bind(real)),
        }),
      );
    },
  });
  const app = new Hono().route("/chat", hono(chat, upgradeWebSocket));
  const honoServer = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch, websocket });
  const head = (line: string, { length = 0, user = "alice" } = {}): string =>
    `${line} HTTP/1.1\r\nHost: 127.0.0.1\r\nX-User: ${user}\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
  const ask = (text: string, port = server.port) => {
    const socket: Socket = connect(port ?? 0, "127.0.0.1");
    let said = "";
    socket.on("data", (bytes) => void (said += bytes.toString()));
    socket.on("error", () => {});
    socket.write(text);
    const answered = Promise.race([once(socket, "data"), once(socket, "close")]);
    return { socket, said: () => said, answered };
  };
  const read = head("GET /conversations");
  const body = JSON.stringify({ id: "01980000-0000-7000-8000-000000000001", to: "bob", text: "hi" });
  const kept = [ask(read), ask(head("POST /messages", { length: body.length }) + body), ask(head("PUT /contacts/bob"))];
  const dripping = ask(head("POST /messages", { length: 1_000 }));
  const waiting = [
    ask(head("GET /changes?device=web&wait=15", { user: "carol" })),
    ask(head("GET /chat/changes?device=phone&wait=15", { user: "carol" }), honoServer.port),
  ];
  const drip = setInterval(() => dripping.socket.write("x"), 500);
  try {
    // This long by intent: a slow machine only makes the connections idle for longer.
    await Promise.all([once(dripping.socket, "close"), Bun.sleep(bunIdleMs)]);
    for (const { socket, said } of kept) {
      expect(said()).toStartWith("HTTP/1.1 20");
      socket.write(read);
      await once(socket, "data");
      expect(said().match(/HTTP\/1\.1 20\d/g)).toHaveLength(2);
    }
    for (const { said, answered } of waiting) {
      await answered;
      expect(said()).toStartWith("HTTP/1.1 200");
      // It waited for its whole time.
      expect(said()).not.toContain('"kind":"message"');
    }
    // As long as a proxy keeps one, and not for ever.
    expect(new Set(seconds)).toEqual(new Set([75]));
  } finally {
    clearInterval(drip);
    for (const { socket } of [...kept, dripping, ...waiting]) socket.destroy();
    await chat.close();
    await server.stop(true);
    await honoServer.stop(true);
    rmSync(folder, { recursive: true, force: true });
  }
});
