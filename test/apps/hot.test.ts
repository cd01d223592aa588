import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { blocksOf, onFreePort } from "../docs/block.ts";

const root = join(import.meta.dir, "../..");
const folder = mkdtempSync(join(tmpdir(), "tidings-hot-"));
mkdirSync(join(folder, "node_modules"));
symlinkSync(root, join(folder, "node_modules/tidings"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const snippet = onFreePort(blocksOf("docs/mounting.md").find(({ info }) => info === "file=hot.ts")?.text ?? "");
const changes = 3;

type Seen = {
  /** The statuses of all requests that were made meanwhile. */
  readonly statuses: ReadonlySet<number>;
  /** The close code of the socket; null: it is still open. */
  readonly closed: number | null;
};

/** Runs a file under `bun --hot`, changes it some times while a client is connected and sends requests, and returns the client's observations. */
async function changeWhileServing(name: string, text: string): Promise<Seen> {
  const file = join(folder, name);
  const versionOf = (version: number): string =>
    text.replace("Your app answers", `Your app answers, version ${version}`);
  writeFileSync(file, versionOf(0));
  const child = Bun.spawn([process.execPath, "--hot", file], { cwd: folder, stdout: "pipe", stderr: "inherit" });
  try {
    let said = "";
    const reader = child.stdout.getReader();
    while (!said.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error("The file ended");
      said += new TextDecoder().decode(value);
    }
    const url = said.trim();
    const http = url.replace("ws:", "http:").replace(/\/chat\/ws.*$/, "");
    const headers = { "x-user": "bob" };
    const socket = new WebSocket(url, { headers });
    let closed: number | null = null;
    socket.addEventListener("close", ({ code }) => void (closed = code));
    await new Promise((resolve) => socket.addEventListener("open", resolve));

    const statuses = new Set<number>();
    for (let version = 1; version <= changes; version++) {
      writeFileSync(file, versionOf(version));
      // The new code serves once it answers; until then each request must be answered by the old or the new code.
      for (let answer = ""; !answer.endsWith(`version ${version}`);) {
        const response = await fetch(`${http}/chat/conversations`, { headers });
        statuses.add(response.status);
        await response.text();
        answer = await (await fetch(`${http}/anything`)).text();
        await Bun.sleep(5);
      }
    }
    let after = await fetch(`${http}/chat/conversations`, { headers });
    // A write may be noticed twice: then the code runs once more, and a chat that is closed first is down for a moment.
    for (let tries = 0; after.status !== 200 && tries < 500; tries++) {
      await after.text();
      await Bun.sleep(10);
      after = await fetch(`${http}/chat/conversations`, { headers });
    }
    expect([after.status, await after.json()]).toMatchObject([200, { conversations: [] }]);
    return { statuses, closed };
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

test("G39 under bun --hot the chat is kept: no request is refused, and sockets stay open", async () => {
  expect(await changeWhileServing("kept.ts", snippet)).toEqual({ statuses: new Set([200]), closed: null });
});

test("G39 under bun --hot a chat that is closed first is replaced, and sockets reconnect", async () => {
  const closing = snippet.replace("kept.chat ??= createChat", "await kept.chat?.close();\nkept.chat = createChat");
  expect(closing).not.toBe(snippet);
  const { statuses, closed } = await changeWhileServing("closing.ts", closing);
  expect(closed).toBe(1012);
  expect([...statuses].filter((status) => status !== 200 && status !== 503)).toEqual([]);
});

test("G39 a process that opens a second chat gets database_locked, with the remedy", async () => {
  const text = `import { createChat } from "tidings";
    const open = () => createChat({ database: { url: "file:twice.db" }, authenticate: () => null, limits: { startMs: 0 } });
    const first = open();
    await first.ready();
    console.log(await open().ready().then(() => "open", (error) => error.code + ": " + error.message));
    process.exit(0);`;
  writeFileSync(join(folder, "twice.ts"), text);
  const child = Bun.spawn([process.execPath, "twice.ts"], { cwd: folder, stdout: "pipe", stderr: "ignore" });
  const said = await child.stdout.text();
  expect(said).toStartWith("database_locked: ");
  expect(said).toContain("this process has it open already");
  expect(said).toContain("globalThis");
});
