import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { migrateSqld } from "../support/remote-server.ts";
import { type Sqld, startSqld } from "../support/sqld.ts";

const root = join(import.meta.dir, "../..");
const folder = mkdtempSync(join(tmpdir(), "tidings-standalone-"));
let sqld: Sqld;
beforeAll(async () => {
  sqld = await startSqld();
});
afterAll(async () => {
  await sqld.stop();
  rmSync(folder, { recursive: true, force: true });
});

const environment = (more: Record<string, string>) => ({
  ...process.env,
  PORT: "0",
  DATABASE_URL: `file:${folder}/chat.db`,
  ...more,
});

/** Starts the server and waits until it ends or serves; returns its exit code, or its port. */
async function serve(more: Record<string, string>) {
  const child = Bun.spawn([process.execPath, join(root, "src/server.ts")], {
    cwd: folder,
    env: environment(more),
    stdout: "pipe",
    stderr: "pipe",
  });
  const reader = child.stdout.getReader();
  let said = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) break;
    said += new TextDecoder().decode(value);
    const [, port] = /"message":"serving".*"port":(\d+)/.exec(said) ?? [];
    if (port !== undefined) return { child, port: Number(port), errors: "" };
  }
  await child.exited;
  return { child, port: 0, errors: await new Response(child.stderr).text() };
}

async function run(script: string, ...args: string[]): Promise<number> {
  const child = Bun.spawn([process.execPath, join(root, script), ...args], {
    cwd: folder,
    stdout: "ignore",
    stderr: "ignore",
  });
  return child.exited;
}

/** The first `count` frames of a user. */
function frames(port: number, query: string, say: object | null, count: number): Promise<Record<string, unknown>[]> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws?${query}`);
    const got: Record<string, unknown>[] = [];
    socket.addEventListener("open", () => say && socket.send(JSON.stringify(say)));
    socket.addEventListener("error", () => reject(new Error("the socket failed")));
    socket.addEventListener("message", ({ data }) => {
      got.push(JSON.parse(String(data)) as Record<string, unknown>);
      if (got.length < count) return;
      socket.close();
      resolve(got);
    });
  });
}

describe("the standalone server", () => {
  test("K6 a remote database with pending migrations is refused; once migrated, it serves", async () => {
    const refused = await serve({ DATABASE_URL: sqld.url });
    expect(refused.port).toBe(0);
    expect(refused.child.exitCode).toBe(1);
    expect(refused.errors).toContain("tidings migrate up");
    expect(refused.errors).not.toContain("    at ");

    expect(await run("src/cli.ts", "migrate", "up", "--database", sqld.url)).toBe(0);
    const { child, port } = await serve({ DATABASE_URL: sqld.url });
    try {
      const id = "0198abcd-0000-7000-8000-000000000001";
      const sent = await frames(port, "user=alice", { type: "send", id, to: "bob", text: "over the network" }, 3);
      expect(sent.find(({ type }) => type === "accepted")).toMatchObject({ id, seq: 1, duplicate: false });
      const [, changes] = await frames(port, "user=bob", null, 2);
      expect(changes).toMatchObject({
        type: "changes",
        more: false,
        changes: [{ kind: "message", text: "over the network" }],
      });
    } finally {
      child.kill("SIGTERM");
      expect(await child.exited).toBe(0);
    }
  });

  test("K7 a second server on the same file is refused with a clear message, and a new epoch is refused meanwhile", async () => {
    const first = await serve({});
    try {
      const second = await serve({ START_MS: "0" });
      expect(second.child.exitCode).toBe(1);
      expect(second.errors).toMatch(/chat\.db/);
      expect(await run("src/cli.ts", "epoch", "new", "--database", `file:${folder}/chat.db`)).toBe(1);
    } finally {
      first.child.kill("SIGKILL");
      await first.child.exited;
    }
  });

  test("K8 H6 after `tidings epoch new` an older cursor is answered with reset, and nothing is lost", async () => {
    const before = await serve({});
    const id = "0198abcd-0000-7000-8000-000000000002";
    await frames(before.port, "user=alice", { type: "send", id, to: "bob", text: "kept" }, 3);
    const [welcome] = await frames(before.port, "user=bob", null, 2);
    before.child.kill("SIGKILL");
    await before.child.exited;
    expect(await run("src/cli.ts", "epoch", "new", "--database", `file:${folder}/chat.db`)).toBe(0);
    const after = await serve({});
    try {
      const got = await frames(after.port, `user=bob&cursor=${String(welcome?.["cursor"])}`, null, 3);
      expect(got.map(({ type }) => type)).toEqual(["welcome", "reset", "changes"]);
      expect(got[1]).toMatchObject({ reason: "epoch", cursor: got[0]?.["cursor"] });
      expect(got[2]).toMatchObject({ changes: [{ text: "kept" }] });
    } finally {
      after.child.kill("SIGKILL");
      await after.child.exited;
    }
  });

  test("K33 a port that is in use is reported in one line, without a stack", async () => {
    const taken = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const { port } = taken;
    const { child, errors } = await serve({ PORT: String(port) });
    await taken.stop(true);
    expect(child.exitCode).toBe(1);
    expect(errors).toBe(
      `tidings: Port ${port} of 127.0.0.1 is in use: stop what listens there, or set PORT to another one (EADDRINUSE)\n`,
    );
  });

  test("K9 a wrong environment is reported in one message, without a stack", async () => {
    const { child, errors } = await serve({ PORT: "eighty", AUTH: "jwt" });
    expect(child.exitCode).toBe(1);
    expect(errors).toContain("PORT");
    expect(errors).toContain("JWT_SECRET");
    expect(errors).not.toContain("    at ");
  });
});

test("E26 a token that is renewed in its file is taken without a restart", async () => {
  await migrateSqld(sqld);
  const file = join(folder, "token");
  let good = "";
  const renew = (token: string): void => {
    good = token;
    writeFileSync(file, `${token}\n`);
  };
  const proxy = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    async fetch(request) {
      if (request.headers.get("authorization") !== `Bearer ${good}`) return new Response("no", { status: 401 });
      const answer = await fetch(sqld.url + new URL(request.url).pathname, {
        ...{ method: request.method, body: await request.arrayBuffer() },
      });
      return new Response(await answer.arrayBuffer(), { headers: { "content-type": "application/json" } });
    },
  });
  renew("first");
  const { child, port } = await serve({
    DATABASE_URL: `http://127.0.0.1:${proxy.port}`,
    DATABASE_AUTH_TOKEN_FILE: file,
  });
  for (const token of ["first", "second"]) {
    renew(token);
    const answer = await fetch(`http://127.0.0.1:${port}/messages?user=alice`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ id: crypto.randomUUID(), to: "bob", text: token }),
    });
    expect(answer.status).toBe(201);
  }
  child.kill("SIGKILL");
  await child.exited;
  await proxy.stop(true);
});
