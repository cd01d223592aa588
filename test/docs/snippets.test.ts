import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pushReasons } from "../../src/push/decide.ts";
import { appFiles } from "../apps/app-files.ts";
import { exampleNames } from "../adapter/start-example.ts";
import { traits } from "../adapter/traits.ts";
import { peerRanges } from "../package/peers.ts";
import { blocksOf } from "./block.ts";
import { linkFaults } from "./links.ts";

const root = join(import.meta.dir, "../..");
const pages = ["README.md", ...readdirSync(join(root, "docs")).map((name) => `docs/${name}`)].filter((page) =>
  page.endsWith(".md"),
);
const folder = mkdtempSync(join(tmpdir(), "tidings-docs-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** An app of somebody who installed the package. */
mkdirSync(join(folder, "node_modules"));
symlinkSync(root, join(folder, "node_modules/tidings"));
for (const name of ["hono", "ws", "@logtape", "@nats-io"])
  symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name));

writeFileSync(join(folder, "databases.txt"), "file:docs-one.db\nfile:docs-two.db # the second\n");

const blocks = pages.flatMap(blocksOf);

/** Runs a command in the app's folder; what it says is judged by who calls. */
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
  test("every TypeScript snippet names its file, so that it is run here, or is one of the examples, which run elsewhere", () => {
    const nameless = blocks.filter(
      ({ language, info }) => language === "ts" && !/^(file|example|app)=[\w.-]+$/.test(info),
    );
    expect(nameless).toEqual([]);
    expect(blocks.filter(({ language }) => language === "ts").length).toBeGreaterThan(2);
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

  test("G1 the page on mounting tells whatever a runtime keeps from the contract", () => {
    const page = readFileSync(join(root, "docs/mounting.md"), "utf8");
    for (const name of Object.values(traits).flatMap((own) => Object.keys(own))) expect(page).toContain(`\`${name}\``);
  });

  for (const { page, info, text } of blocks.filter(
    ({ language, info }) => language === "ts" && info.startsWith("file="),
  )) {
    const file = info.replace("file=", "");
    const isServer = /Bun\.serve\(|createServer\(/.test(text) && !text.includes("server.stop(");
    test(`${page}: ${file} runs as it stands`, async () => {
      rmSync(join(folder, "chat.db"), { force: true });
      writeFileSync(join(folder, file), text);
      if (isServer) return tryServer(file);
      const { code, output } = await run([process.execPath, file]);
      expect(output).not.toMatch(/error(?!":\{)/); // But for the warning that no NATS is there.
      expect(code).toBe(0);
      if (file === "send.ts") expect(output).toMatch(/message 1 of c\w+ is on disk/);
      if (file === "poll.ts")
        expect(output.match(/message \d/g)?.join()).toBe([1, 2, 3, 4, 5].map((i) => `message ${i}`).join());
      if (file === "history.ts")
        expect(output).toBe("message 1, again 1, duplicate: true\n1 unread from alice\n1 shown, older ones: false\n");
      if (file === "bot.ts") expect(output).toBe("You wrote: Is anybody there?\n");
      if (file === "reads.ts") expect(output).toBe("alice 3 message 3\nmessage 1,message 2\nmessage 3\n");
      if (file === "own-provider.ts") {
        expect(output).toContain('registered: 204\n{"to":"+249912345678","text":"New message","idempotencyKey":"');
        expect(output).toEndWith("phone: sent, 202\n");
      }
      if (file === "tenants.ts") expect(output).toBe("message 1 of acme\nmessage 1 of globex\n");
      if (file === "migrate.ts") expect(output).toMatch(/^[1-9]\d* pending\n0 pending\n$/);
      if (file === "outbox.ts") expect(output).toContain("waiting: 0");
      if (file === "webhook.ts") expect(output).toBe("message.unread alice 2\nHTTP 204 HTTP 204\n");
    });
  }

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

  test("U10 the page on pushes tells every reason that there is", () => {
    const page = readFileSync(join(root, "docs/push.md"), "utf8");
    for (const reason of Object.keys(pushReasons)) expect(page).toContain(`\n| \`${reason}\` `);
  });

  test("every link of a page leads to a file and a heading", () => {
    const all = [...pages, "CONTRIBUTING.md", "src/SPEC.md", "src/protocol/PROTOCOL.md"];
    expect(all.flatMap((page) => linkFaults(root, page))).toEqual([]);
  });
});

/** The mounted server: the app's own route, and a message from alice to bob over its socket. */
async function tryServer(file: string): Promise<void> {
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
    const http = url.replace("ws:", "http:").replace(/\/ws\?device=\w+$/, "");
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
  } finally {
    child.kill("SIGKILL");
    await child.exited;
  }
}
