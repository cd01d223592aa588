import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { resetSync } from "@logtape/logtape";
import { createChat } from "../src/chat.ts";
import type { ChatOptions } from "../src/chat-options.ts";
import { ChatError } from "../src/error.ts";
import { configureLog } from "../src/standalone/log.ts";
import { openEngine } from "../src/store/engine/open.ts";
import { during, fakeClock, passes } from "./support/fake-clock.ts";
import { until } from "./support/fake-socket.ts";
import { startServer } from "./support/server.ts";
import { startSqld } from "./support/sqld.ts";

const root = join(import.meta.dir, "..");
const folder = mkdtempSync(join(tmpdir(), "tidings-start-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;
const freshFile = (): string => `file:${join(folder, `${files++}.db`)}`;

const authenticate = () => ({ user: "alice" });
const codeOf = (work: Promise<unknown>): Promise<string> =>
  work.then(
    () => "fine",
    (error: unknown) => (error instanceof ChatError ? error.code : String(error)),
  );
const upgrade = () => new Request("http://host/ws", { headers: { connection: "upgrade", upgrade: "websocket" } });

/** A chat with a database that the test opens. */
function lateChat(options: Partial<ChatOptions> = {}, error = new ChatError("database_locked", "somebody has it")) {
  const clock = fakeClock();
  const state = { tries: 0, error: error as ChatError | null };
  const chat = createChat({
    database: {
      url: freshFile(),
      open(database) {
        state.tries++;
        if (state.error) throw state.error;
        return openEngine(database);
      },
    },
    ...{ authenticate, clock, ...options },
  });
  return { chat, clock, state };
}

describe("a database that cannot be opened yet", () => {
  test("K13 is tried again, later and later, and served once it is open; meanwhile all is unavailable", async () => {
    const { chat, clock, state } = lateChat({ limits: { startMs: 600_000 } });
    await clock.advance(0);
    expect([state.tries, chat.trouble(), chat.isReady()]).toEqual([1, "starting", false]);
    expect(await codeOf(chat.send({ from: "shop", to: "alice", text: "hi" }))).toBe("unavailable");
    const refused = await chat.admit(upgrade());
    expect(refused instanceof Response && [refused.status, refused.headers.get("retry-after")]).toEqual([503, "1"]);
    expect((await chat.fetch(new Request("http://host/messages"))).status).toBe(503);
    const at: number[] = [];
    for (let seen = 1; at.length < 6;) {
      await clock.advance(10);
      if (state.tries === seen) continue;
      seen = state.tries;
      at.push(clock.elapsed());
    }
    const pauses = at.slice(1).map((time, i) => time - (at[i] ?? 0));
    expect(pauses[0]).toBeLessThanOrEqual(1_010);
    expect(pauses.every((ms) => ms >= 240 && ms <= 2_010)).toBe(true);
    expect(pauses[4]).toBeGreaterThan(990);
    state.error = null;
    await passes(clock, chat.ready());
    expect([chat.trouble(), chat.isReady()]).toEqual([null, true]);
    expect(await chat.send({ from: "shop", to: "alice", text: "hi" })).toMatchObject({ seq: 1 });
    await during(clock, chat.close());
  });

  test("K13 the log says that it cannot be opened at once, and then less and less often", async () => {
    const lines: string[] = [];
    configureLog({ level: "warning", write: (line) => lines.push(line) });
    const { chat, clock, state } = lateChat();
    while (state.tries < 70) await clock.advance(500);
    expect(lines.map((line) => (JSON.parse(line) as { attempt: number }).attempt)).toEqual([0, 1, 2, 4, 8, 16, 32, 64]);
    await during(clock, chat.close());
    resetSync();
  });

  test("K13 ready() rejects after startMs with the reason, and trying goes on", async () => {
    const { chat, clock, state } = lateChat({ limits: { startMs: 4_000 } });
    const code = codeOf(chat.ready());
    const ms = await passes(clock, code);
    expect([await code, ms]).toEqual(["database_locked", 4_000]);
    state.error = null;
    expect(await during(clock, codeOf(chat.ready()))).toBe("fine");
    await during(clock, chat.close());
  });

  test("K13 with startMs 0 ready() rejects after the first try, and trying goes on", async () => {
    const { chat, clock, state } = lateChat({ limits: { startMs: 0 } });
    expect(await codeOf(chat.ready())).toBe("database_locked");
    state.error = null;
    await clock.advance(600);
    await until(() => chat.isReady());
    await during(clock, chat.close());
  });

  test("K13 an error that no further try can mend rejects at once and is not tried again", async () => {
    for (const code of ["config_invalid", "migration_refused", "database_unfit"] as const) {
      const { chat, clock, state } = lateChat({}, new ChatError(code, "no"));
      expect(await codeOf(chat.ready())).toBe(code);
      await clock.advance(60_000);
      expect(state.tries).toBe(1);
      expect(await codeOf(chat.send({ from: "shop", to: "alice", text: "hi" }))).toBe(code);
      await during(clock, chat.close());
    }
  });

  test("K13 a shortage of the machine is waited for, wherever it was found", async () => {
    const lacks = (code: string): Error => Object.assign(new Error(code), { code });
    const wrapped = (code: "config_invalid" | "database_unfit", cause: Error) => new ChatError(code, "no", { cause });
    for (const error of [
      wrapped("config_invalid", lacks("EMFILE")),
      wrapped("database_unfit", lacks("SQLITE_CANTOPEN")),
      wrapped("database_unfit", new Error("outer", { cause: lacks("SQLITE_IOERR_READ") })),
      wrapped("database_unfit", lacks("ENOSPC")),
    ]) {
      const { chat, clock, state } = lateChat({}, error);
      for (let i = 0; i < 20; i++) await clock.advance(250);
      expect(state.tries).toBeGreaterThan(2);
      state.error = null;
      await passes(clock, chat.ready());
      await during(clock, chat.close());
    }
    // A fault that an operator must mend is not.
    const { chat, clock, state } = lateChat({}, wrapped("config_invalid", lacks("EACCES")));
    for (let i = 0; i < 20; i++) await clock.advance(250);
    expect([state.tries, await codeOf(chat.ready())]).toEqual([1, "config_invalid"]);
  });

  test("K13 K4 a shutdown ends the tries, and the waiting calls of ready()", async () => {
    const { chat, clock, state } = lateChat();
    const ready = codeOf(chat.ready());
    await clock.advance(1_000);
    await during(clock, chat.close());
    expect(await ready).toBe("unavailable");
    const { tries } = state;
    await clock.advance(60_000);
    expect(state.tries).toBe(tries);
  });

  test("K13 a file of a leaving process is served once that is gone", async () => {
    const url = freshFile();
    const child = Bun.spawn(
      [
        process.execPath,
        "-e",
        `const { openEngine } = await import(${JSON.stringify(join(root, "src/index.ts"))});
         openEngine({ url: ${JSON.stringify(url)} }); console.log("held"); setInterval(() => {}, 1_000);`,
      ],
      { stdout: "pipe", stderr: "inherit" },
    );
    await child.stdout.getReader().read();
    const chat = createChat({ database: { url }, authenticate });
    expect(await codeOf(chat.send({ from: "shop", to: "alice", text: "hi" }))).toBe("unavailable");
    child.kill("SIGKILL");
    await child.exited;
    await chat.ready();
    expect(await chat.send({ from: "shop", to: "alice", text: "hi" })).toMatchObject({ seq: 1 });
    await chat.close();
  });

  test("K13 a real libSQL server that comes late is served once it is there", async () => {
    const sqld = await startSqld();
    try {
      // Asked to end by SIGTERM it sometimes stays.
      await sqld.kill("SIGKILL");
      const chat = createChat({ database: { url: sqld.url, migrate: true }, authenticate });
      expect(await codeOf(chat.send({ from: "shop", to: "alice", text: "hi" }))).toBe("unavailable");
      await sqld.restart();
      await chat.ready();
      expect(await chat.send({ from: "shop", to: "alice", text: "hi" })).toMatchObject({ seq: 1 });
      await chat.close();
    } finally {
      await sqld.stop();
    }
  });

  test("K13 the standalone server takes over a file from the one before it", async () => {
    const first = await startServer({ dir: mkdtempSync(join(folder, "deploy-")) });
    const next = startServer({ dir: first.dir });
    await first.stop("SIGTERM");
    const second = await next;
    expect((await fetch(`http://127.0.0.1:${second.port}/readyz`)).status).toBe(200);
    expect(await second.stop("SIGTERM")).toBe(0);
    await Promise.all([first.dispose(), second.dispose()]);
  });

  test("K16 a signal that comes before the server has begun ends it with 0, before anything is opened", async () => {
    const dir = mkdtempSync(join(folder, "signal-"));
    // Sent as soon as its handler is there, while everything else is still to be loaded.
    const preload = join(dir, "preload.ts");
    await Bun.write(
      preload,
      `const on = process.on.bind(process);
       process.on = (event, handler) => {
         on(event, handler);
         if (event === "SIGINT") process.kill(process.pid, "SIGTERM");
         return process;
       };`,
    );
    const child = Bun.spawn([process.execPath, "--preload", preload, join(root, "src/server.ts")], {
      cwd: dir,
      env: { ...process.env, PORT: "0" },
      stdout: "pipe",
      stderr: "pipe",
    });
    expect([await child.exited, await child.stdout.text(), await child.stderr.text()]).toEqual([0, "", ""]);
  });
});
