import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pushReasons } from "../../src/push/decide.ts";
import { appFiles } from "../apps/app-files.ts";
import { exampleNames, startExample } from "../adapter/start-example.ts";
import { traits } from "../adapter/traits.ts";
import { peerRanges } from "../package/peers.ts";
import { describeWith } from "../support/prerequisite.ts";
import { blocksOf, onFreePort } from "./block.ts";
import { linkFaults } from "./links.ts";

const root = join(import.meta.dir, "../..");
const pages = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter((page) =>
  page.endsWith(".md"),
);
const folder = mkdtempSync(join(tmpdir(), "tidings-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An app with the installed package. */
mkdirSync(join(folder, "node_modules"));
symlinkSync(root, join(folder, "node_modules/tidings"));
for (const name of ["hono", "ws", "@libsql", "@logtape", "@nats-io"])
  symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));

writeFileSync(join(folder, "databases.txt"), "file:docs-one.db\nfile:docs-two.db # the second\n");

const blocks = pages.flatMap(blocksOf);
const fileBlocks = blocks.filter(({ language, info }) => language === "ts" && info.startsWith("file="));
const textOf = (file: string): string => fileBlocks.find(({ info }) => info === `file=${file}`)?.text ?? "";
const curlOf = (page: string): string =>
  blocks.find((one) => one.page === page && one.text.startsWith("curl "))?.text ?? "";

// Snippets that others import do not end by themselves: they run with those.
const imported = ["bot.ts"];
// A bot runs for ever, beside the server of the README.
const endless = ["echo-bot.ts"];
for (const file of imported) writeFileSync(join(folder, file), textOf(file));
// Servers that their own test signs in to, or whose users are in a cookie.
const signedIn = ["hono-login.ts", "react-server.ts"];
// The client needs the server of its page.
const client = "client.ts";

/** Runs a command in the app's folder; the caller judges its output. */
async function run(command: readonly string[]): Promise<{ code: number; output: string }> {
  const child = Bun.spawn([...command], {
    cwd: folder,
    stdout: "pipe",
    stderr: "pipe",
    env: { ...process.env, DATABASE_URL: "" },
  });
  const [stdout, stderr] = await Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  return { code: await child.exited, output: stdout + stderr };
}

describe("docs", () => {
  test("every TypeScript snippet names its file, and is run here, or is one of the examples, which run elsewhere", () => {
    const nameless = blocks.filter(
      ({ language, info }) => language === "ts" && !/^(file|example|app)=[\w.-]+$/.test(info),
    );
    expect(nameless).toEqual([]);
    expect(blocks.filter(({ language }) => language === "ts").length).toBeGreaterThan(2);
  });

  test("every TypeScript snippet is named in the paragraph above it: a reader does not see the name in the fence", () => {
    const unnamed = blocks.filter(({ language, before }) => language === "ts" && !/`[^\s`]+\.ts`/.test(before));
    expect(unnamed.map(({ page, info }) => `${page}: ${info}`)).toEqual([]);
  });

  const examples = blocks.filter(({ info }) => info.startsWith("example="));
  test("examples on a page are the files that the adapters' suite starts, and every one is shown", () => {
    for (const { info, text } of examples)
      expect(text).toBe(readFileSync(join(root, `docs/examples/${info.replace("example=", "")}.ts`), "utf8"));
    expect(new Set(examples.map(({ info }) => info.replace("example=", "")))).toEqual(
      new Set(["chat", ...exampleNames]),
    );
  });

  test("apps on a page are the files that the suite of apps compiles and starts, and every one is shown", () => {
    const apps = blocks.filter(({ info }) => info.startsWith("app="));
    for (const { info, text } of apps)
      expect(text).toBe(readFileSync(join(root, `docs/examples/apps/${info.replace("app=", "")}.ts`), "utf8"));
    expect(apps.map(({ info }) => info.replace("app=", "")).sort()).toEqual([...appFiles].sort());
    expect(readdirSync(join(root, "docs/examples/apps")).sort()).toEqual(appFiles.map((name) => `${name}.ts`).sort());
  });

  test("G1 the page on mounting names every part of the contract that a runtime prevents", () => {
    const page = readFileSync(join(root, "docs/mounting.md"), "utf8");
    for (const name of Object.values(traits).flatMap((own) => Object.keys(own))) expect(page).toContain(`\`${name}\``);
  });

  for (const { page, info, text } of fileBlocks) {
    const file = info.replace("file=", "");
    if (file === client || [...imported, ...endless, ...signedIn].includes(file)) continue;
    const isServer = /Bun\.serve\(|createServer\(/.test(text) && !text.includes("server.stop(");
    test(`${page}: ${file} runs unchanged`, async () => {
      forget();
      writeFileSync(join(folder, file), onFreePort(text));
      if (isServer) return tryServer(file);
      const { code, output } = await run([process.execPath, file]);
      expect(output).not.toMatch(/error(?!":\{)/); // The exception is the warning about a missing NATS server.
      expect(code).toBe(0);
      if (file === "send.ts") expect(output).toMatch(/message 1 of c\w+ is on disk/);
      if (file === "poll.ts")
        expect(output.match(/message \d/g)?.join()).toBe([1, 2, 3, 4, 5].map((i) => `message ${i}`).join());
      if (file === "history.ts")
        expect(output).toBe("message 1, again 1, duplicate: true\n1 unread from alice\n1 shown, older ones: false\n");
      if (file === "ask.ts") expect(output).toMatch(/^You wrote: Are you there at \S+\?\n$/);
      if (file === "reads.ts") expect(output).toBe("alice 3 message 3\nmessage 1,message 2\nmessage 3\n");
      if (file === "own-provider.ts") {
        expect(output).toContain('registered: 204\n{"to":"+249912345678","text":"New message","idempotencyKey":"');
        expect(output).toEndWith("phone: sent, 202\n");
      }
      if (file === "tenants.ts") expect(output).toBe("message 1 of acme\nmessage 1 of globex\n");
      if (file === "migrate.ts") expect(output).toMatch(/^[1-9]\d* pending\n0 pending\n$/);
      if (file === "outbox.ts") expect(output).toContain("waiting: 0");
      if (file === "first-chat.ts") expect(output).toMatch(/^alice wrote: Hello at \S+\nbob has read it\n$/);
      if (file === "groups.ts")
        expect(output).toBe(
          blocks.find((one) => one.page === page && one.text.startsWith("ann (created)"))?.text ?? "",
        );
      if (file === "webhook.ts") expect(output).toBe("message.unread alice 2\nHTTP 204 HTTP 204\n");
    });
  }

  test("docs/hooks.md: ask.ts prints the answer to its own message, also when there are older ones", async () => {
    forget();
    writeFileSync(join(folder, "ask.ts"), textOf("ask.ts"));
    const said: string[] = [];
    for (let i = 0; i < 3; i++) said.push((await run([process.execPath, "ask.ts"])).output);
    for (const output of said) expect(output).toMatch(/^You wrote: Are you there at \S+\?\n$/);
    expect(new Set(said).size).toBe(said.length);
  });

  test("docs/hooks.md: the server with the bot is killed and started again, and each message has one answer", async () => {
    forget();
    const file = "bot-server.ts";
    writeFileSync(join(folder, file), onFreePort(textOf(file)));
    const headers = { "x-user": "alice", "content-type": "application/json" };
    const answersAt = async (http: string): Promise<readonly string[]> => {
      const page = await fetch(`${http}/messages?with=echo&from=echo&limit=200`, { headers });
      return ((await page.json()) as { messages: { text: string }[] }).messages.map(({ text }) => text);
    };
    const sent: string[] = [];
    for (let round = 0; round < 3; round++)
      await whileServing(file, async (_, http) => {
        for (let i = 0; i < 10; i++) {
          const body = JSON.stringify({ id: crypto.randomUUID(), to: "echo", text: `${round} ${i}` });
          expect((await fetch(`${http}/messages`, { method: "POST", headers, body })).status).toBe(201);
          sent.push(`You wrote: ${round} ${i}`);
        }
        // The bot keeps the order: a client that has the last answer of the last round has all. Other rounds are killed before that.
        if (round === 2) while (!(await answersAt(http)).includes(sent.at(-1) ?? "")) await Bun.sleep(5);
        if (round === 2) expect(await answersAt(http)).toEqual(sent);
      });
  });

  test("docs/client.md: J12 the bot is killed and started again, and each message has one answer", async () => {
    forget();
    writeFileSync(join(folder, "server.ts"), onFreePort(textOf("server.ts")));
    const headers = { "x-user": "alice", "content-type": "application/json" };
    await whileServing("server.ts", async (_, http) => {
      const { host } = new URL(http);
      writeFileSync(join(folder, "echo-bot.ts"), textOf("echo-bot.ts").replace("127.0.0.1:3000", host));
      const answers = async (): Promise<readonly string[]> => {
        const page = await fetch(`${http}/messages?with=echo&from=echo&limit=200`, { headers });
        return ((await page.json()) as { messages: { text: string }[] }).messages.map(({ text }) => text);
      };
      const wanted: string[] = [];
      for (let round = 0; round < 3; round++) {
        const bot = Bun.spawn([process.execPath, "echo-bot.ts"], { cwd: folder, stdout: "ignore", stderr: "inherit" });
        for (let i = 0; i < 5; i++) {
          const body = JSON.stringify({ id: crypto.randomUUID(), to: "echo", text: `${round} ${i}` });
          expect((await fetch(`${http}/messages`, { method: "POST", headers, body })).status).toBe(201);
          wanted.push(`You wrote: ${round} ${i}`);
        }
        // Each round is ended at another place: after its first answer, or after its last.
        const last = round === 2 ? wanted.at(-1) : wanted.at(-5);
        while (!(await answers()).includes(last ?? "")) await Bun.sleep(5);
        bot.kill("SIGKILL");
        await bot.exited;
      }
      expect(await answers()).toEqual(wanted);
    });
  });

  test("docs/react.md: the server knows its users by a cookie, and nobody without one", async () => {
    forget();
    const text = textOf("react-server.ts");
    const started = `.listen(0, "127.0.0.1", function () { console.log("ws://127.0.0.1:" + this.address().port + "/chat/ws?device=laptop"); });`;
    expect(text).toContain('.listen(3000, "127.0.0.1");');
    writeFileSync(join(folder, "react-server.ts"), text.replace('.listen(3000, "127.0.0.1");', started));
    await whileServing("react-server.ts", async (url, http) => {
      expect((await fetch(`${http}/conversations`)).status).toBe(401);
      await sendByCookies(url, http, { alice: "theme=dark; user=alice", bob: "user=bob" });
    });
  });

  test("docs/authentication.md: hono-login.ts signs in, its sessions chat, and a logout ends the socket and the session", async () => {
    forget();
    writeFileSync(join(folder, "hono-login.ts"), onFreePort(textOf("hono-login.ts")));
    await whileServing("hono-login.ts", async (url, http) => {
      const app = http.replace(/\/chat$/, "");
      const login = async (user: string): Promise<string> => {
        const headers = { "content-type": "application/json" };
        const answer = await fetch(`${app}/login`, { method: "POST", headers, body: JSON.stringify({ user }) });
        expect(answer.headers.get("set-cookie")).toContain("HttpOnly");
        return answer.headers.get("set-cookie")?.split(";")[0] ?? "";
      };
      const cookies = { alice: await login("alice"), bob: await login("bob") };
      await sendByCookies(url, http, cookies);
      const socket = new WebSocket(url, { headers: { cookie: cookies.bob } });
      await new Promise((resolve) => socket.addEventListener("open", resolve));
      const closed = new Promise<number>((resolve) => socket.addEventListener("close", ({ code }) => resolve(code)));
      expect((await fetch(`${app}/logout`, { method: "POST", headers: { cookie: cookies.bob } })).status).toBe(200);
      expect(await closed).toBe(4401);
      expect((await fetch(`${http}/conversations`, { headers: { cookie: cookies.bob } })).status).toBe(401);
      expect((await fetch(`${http}/conversations`, { headers: { cookie: cookies.alice } })).status).toBe(200);
    });
  });

  describeWith("curl", "with curl", () => {
    test("README.md: alice sends by the commands, bob reads it, and his client gets it once", async () => {
      forget();
      writeFileSync(join(folder, "server.ts"), onFreePort(textOf("server.ts")));
      await whileServing("server.ts", async (_, http) => {
        const { host } = new URL(http);
        const { output } = await run(["sh", "-euc", curlQuietly(curlOf("README.md"), "127.0.0.1:3000", host)]);
        expect(output).toMatch(/^\{"id":"01980000-0000-7000-8000-000000000001",.*\}\{"messages":\[.*"text":"hi"/);
        expect(textOf(client)).toContain("127.0.0.1:3000");
        writeFileSync(join(folder, client), textOf(client).replace("127.0.0.1:3000", host));
        // The client's ack makes the receipt, which comes to all devices of bob.
        expect(await untilSaid(client, '"delivered":1')).toContain('"text":"hi"');
        const again = await untilSaid(client, '"more":false');
        expect(again).toContain('"type":"welcome"');
        expect(again).not.toContain('"text":"hi"');
      });
    });

    test("docs/hooks.md: the bot answers by the commands", async () => {
      forget();
      writeFileSync(join(folder, "bot-server.ts"), onFreePort(textOf("bot-server.ts")));
      await whileServing("bot-server.ts", async (_, http) => {
        const script = curlQuietly(curlOf("docs/hooks.md"), "127.0.0.1:3000", new URL(http).host);
        const [send = "", read = ""] = script.trim().split("\n");
        expect((await run(["sh", "-euc", send])).output).toContain('"seq":1,');
        for (let said = ""; !said.includes('"text":"You wrote: hi"');) said = (await run(["sh", "-euc", read])).output;
      });
    });

    test("docs/mounting.md: the commands send and read, at the examples", async () => {
      const server = await startExample("bun")();
      try {
        const script = curlQuietly(curlOf("docs/mounting.md"), "127.0.0.1:6662", `127.0.0.1:${server.port}`);
        const { output } = await run(["sh", "-euc", script]);
        expect(output).toMatch(/^\{"id":"01980000-0000-7000-8000-000000000001",.*\}\{"messages":\[.*"text":"hi"/);
      } finally {
        await server.dispose();
      }
    });
  });

  test("N35 the page on releases has every peer with its range", () => {
    const page = readFileSync(join(root, "docs/publishing.md"), "utf8").replaceAll("\\|", "|");
    for (const [peer, range] of peerRanges)
      expect(page).toMatch(RegExp(`\\| \`${peer}\` +\\| \`${RegExp.escape(range)}\` `));
  });

  for (const { page, text } of blocks.filter(({ language, text }) => language === "sh" && /^tidings /m.test(text)))
    for (const line of text.trim().split("\n"))
      test(`${page}: ${line}`, async () => {
        const { code, output } = await run([process.execPath, join(root, "src/cli.ts"), ...line.split(" ").slice(1)]);
        expect(output).not.toBe("");
        expect(code).toBe(0);
      });

  test("U10 the page on pushes lists every reason", () => {
    const page = readFileSync(join(root, "docs/push.md"), "utf8");
    for (const reason of Object.keys(pushReasons)) expect(page).toContain(`\n| \`${reason}\` `);
  });

  test("every link of a page leads to a file and a heading", () => {
    const all = [...pages, "ARCHITECTURE.md", "CONTRIBUTING.md", "src/SPEC.md", "src/protocol/PROTOCOL.md"];
    expect(all.flatMap((page) => linkFaults(root, page))).toEqual([]);
  });
});

/** Removes the databases of earlier snippets. */
function forget(): void {
  for (const end of ["", "-shm", "-wal"]) rmSync(join(folder, `chat.db${end}`), { force: true });
}

/** The commands of a page, to another port, and without curl's progress. */
function curlQuietly(commands: string, from: string, to: string): string {
  expect(commands).toContain(from);
  return commands.replaceAll(from, to).replaceAll(/^curl /gm, "curl -sS ");
}

/** Runs a file until it has printed that text, kills it, and returns its output. */
async function untilSaid(file: string, wanted: string): Promise<string> {
  const child = Bun.spawn([process.execPath, file], { cwd: folder, stdout: "pipe", stderr: "inherit" });
  try {
    let said = "";
    for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
      said += part;
      if (said.includes(wanted)) return said;
    }
    throw new Error(`${file} ended, and has printed ${said}`);
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

/** Starts a server of a page, passes on the URLs of its socket and its routes, and kills it afterwards. */
async function whileServing(file: string, use: (url: string, http: string) => Promise<void>): Promise<void> {
  const child = Bun.spawn([process.execPath, file], { cwd: folder, stdout: "pipe", stderr: "inherit" });
  try {
    const reader = child.stdout.getReader();
    let said = "";
    while (!said.includes("\n")) {
      const { value, done } = await reader.read();
      if (done) throw new Error("the snippet ended");
      said += new TextDecoder().decode(value);
    }
    const url = said.trim();
    await use(url, url.replace("ws:", "http:").replace(/\/ws\?device=\w+$/, ""));
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}

/** Alice sends over HTTP, and bob's socket gets it: each by a cookie. */
async function sendByCookies(url: string, http: string, cookies: { alice: string; bob: string }): Promise<void> {
  const bob = new WebSocket(url, { headers: { cookie: cookies.bob } });
  const got = new Promise<void>((resolve) => {
    bob.addEventListener("message", ({ data }) => void (String(data).includes('"text":"by cookie"') && resolve()));
  });
  const headers = { cookie: cookies.alice, "content-type": "application/json" };
  const body = JSON.stringify({ id: crypto.randomUUID(), to: "bob", text: "by cookie" });
  expect((await fetch(`${http}/messages`, { method: "POST", headers, body })).status).toBe(201);
  await got;
  bob.close();
}

/** The mounted server: the app's own route, and a message from alice to bob over its socket. */
function tryServer(file: string): Promise<void> {
  return whileServing(file, async (url, http) => {
    expect(await (await fetch(`${http.replace(/\/chat$/, "")}/anything`)).text()).toContain("Your app");
    const posted = await fetch(`${http}/messages`, {
      method: "POST",
      headers: { "x-user": "carol", "content-type": "application/json" },
      body: JSON.stringify({ id: "01980000-0000-7000-8000-000000000002", to: "dave", text: "over HTTP" }),
    });
    expect([posted.status, await posted.json()]).toMatchObject([201, { seq: 1 }]);
    const open = (user: string): WebSocket => new WebSocket(url, { headers: { "x-user": user } });
    const bob = open("bob");
    const got = new Promise<string>((resolve) => {
      bob.addEventListener(
        "message",
        ({ data }) => void (String(data).includes('"kind":"message"') && resolve(String(data))),
      );
    });
    const alice = open("alice");
    alice.addEventListener("open", () =>
      alice.send(JSON.stringify({ type: "send", id: "01980000-0000-7000-8000-000000000001", to: "bob", text: "hi" })),
    );
    expect(await got).toContain('"text":"hi"');
    alice.close();
    bob.close();
  });
}
