import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { denoProgram } from "../adapter/start-example.ts";
import { blocksOf } from "../docs/block.ts";
import { type App, compile, installed, installQuickly } from "../package/app.ts";
import { removeBuiltPackage, run } from "../package/built.ts";
import { describeInstalled } from "../package/can-install.ts";
import { hasText, join as joinAs } from "../support/client.ts";
import { freePort } from "../support/port.ts";
import { describeWith } from "../support/prerequisite.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { type Sqld, startSqld } from "../support/sqld.ts";
import { newId } from "../support/store.ts";
import type { AppFile } from "./app-files.ts";

const root = join(import.meta.dir, "../..");
const installMsMax = 120_000;

/** The packages of the documentation's apps, beside tidings. */
const packages = [
  ...["express@5.3.0", "express-session@1.19.0", "@types/express@5.0.6", "@types/express-session@1.19.0"],
  ...["fastify@5.12.8", "@fastify/cookie@11.1.5"],
  ...["@hono/node-server", "hono", "ws", "@types/node"].map(installed),
  // Cloudflare's own runtime.
  "miniflare@4.20260730.0",
];

/** The part of Cloudflare's types that the example uses. */
const cloudflareTypes = `
declare module "cloudflare:workers" {
  export abstract class DurableObject<Env> {
    constructor(context: DurableObjectState, env: Env);
    fetch?(request: Request): Response | Promise<Response>;
  }
}
interface DurableObjectState { readonly id: DurableObjectId }
interface DurableObjectId { toString(): string }
interface DurableObjectNamespace {
  idFromName(name: string): DurableObjectId;
  get(id: DurableObjectId): { fetch(request: Request): Promise<Response> };
}
`;

/** The path of each file in an app. */
const places = {
  express: "express.ts",
  fastify: "fastify.ts",
  "next-chat": "next/lib/chat.ts",
  "next-route": "next/app/chat/[...path]/route.ts",
  "next-sockets": "next/lib/sockets.ts",
  "next-instrumentation": "next/instrumentation.ts",
  worker: "worker.ts",
} as const satisfies Readonly<Record<AppFile, string>>;

afterAll(removeBuiltPackage);

/** A session of the app, by its cookie. */
async function login(server: RunningServer, user: string): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${server.port}/login`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user }),
  });
  expect(response.status).toBe(204);
  return response.headers.get("set-cookie")?.split(";")[0] ?? "";
}

/** The frames that a socket of that session gets, as one text; resolves once it is open. */
async function listen(server: RunningServer, cookie: string): Promise<{ got(part: string): Promise<void> }> {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/chat/ws`, { headers: { cookie } });
  let said = "";
  let look = (): void => {};
  socket.addEventListener("message", ({ data }) => {
    said += String(data);
    look();
  });
  await new Promise<void>((resolve, reject) => {
    socket.addEventListener("open", () => resolve());
    socket.addEventListener("close", ({ code }) => reject(new Error(`closed with ${code}`)));
  });
  return {
    got: (part) =>
      new Promise((resolve) => {
        look = () => void (said.includes(part) && resolve());
        look();
      }),
  };
}

describeInstalled("G38 apps of the documentation, with the package as installed", () => {
  let app: App;
  const builtFile = (name: string): string => join(app.folder, "built", name);
  beforeAll(async () => {
    app = await installQuickly(packages);
    for (const [name, place] of Object.entries(places)) {
      mkdirSync(dirname(join(app.folder, "app", place)), { recursive: true });
      copyFileSync(join(root, `docs/examples/apps/${name}.ts`), join(app.folder, "app", place));
    }
    writeFileSync(join(app.folder, "app/cloudflare.d.ts"), cloudflareTypes);
    const compilerOptions = {
      ...{ target: "ES2023", lib: ["ES2023"], types: ["node"], strict: true, skipLibCheck: false },
      ...{ module: "ESNext", moduleResolution: "Bundler", rootDir: "app", outDir: "built" },
    };
    writeFileSync(join(app.folder, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["app"] }));
    await compile(app.folder);
  }, installMsMax);
  afterAll(() => app.remove());

  for (const name of ["express", "fastify"] as const)
    describe(name, () => {
      let server: RunningServer;
      beforeAll(async () => {
        server = await startServer({ runtime: ["node"], script: builtFile(`${name}.js`), dir: app.folder });
      });
      afterAll(async () => {
        await server.dispose();
        for (const end of ["", "-shm", "-wal"]) rmSync(join(app.folder, `chat.db${end}`), { force: true });
      });

      const ask = async (path: string, cookie: string, init: RequestInit = {}): Promise<Response> =>
        await fetch(`http://127.0.0.1:${server.port}${path}`, {
          ...init,
          headers: { cookie, "content-type": "application/json" },
        });
      const send = (cookie: string, text: string): Promise<Response> =>
        ask("/chat/messages", cookie, { method: "POST", body: JSON.stringify({ id: newId(), to: "bob", text }) });

      test("a session of the app sends over HTTP, and another gets it over a socket", async () => {
        const [alice, bob] = await Promise.all([login(server, "alice"), login(server, "bob")]);
        const socket = await listen(server, bob);
        expect((await send(alice, "from a session")).status).toBe(201);
        await socket.got("from a session");
        expect(await (await ask("/chat/messages?with=alice", bob)).text()).toContain("from a session");
        // A content type without a body, which some parsers refuse.
        expect((await ask("/chat/contacts/bob", alice, { method: "PUT" })).status).toBe(204);
        expect((await ask("/chat/contacts/bob", alice, { method: "DELETE" })).status).toBe(204);
      });

      test("a request without a session is refused, over HTTP and by an upgrade", async () => {
        for (const cookie of ["", "user=alice", "connect.sid=s%3Aforged.signature"]) {
          expect((await send(cookie, "from nobody")).status).toBe(401);
          await expect(listen(server, cookie)).rejects.toThrow("closed with");
        }
      });

      test("the app's own routes stay the app's", async () => {
        const answer = await ask("/nothing", "");
        expect([answer.status, answer.headers.get("content-type")]).not.toEqual([404, "application/problem+json"]);
        expect(answer.status).toBe(404);
      });

      describeWith("curl", "with curl", () => {
        test("the commands of the page have the described results", async () => {
          const [commands] = blocksOf(`docs/${name}.md`).filter(({ text }) => text.startsWith("curl "));
          const script = commands?.text.replaceAll("127.0.0.1:3000", `127.0.0.1:${server.port}`) ?? "";
          const said = await run(["sh", "-euc", script.replaceAll("curl -", "curl -sS -")], app.folder);
          expect(said).toMatch(/^\{"id":"01980000-0000-7000-8000-000000000001",.*\}\{"messages":\[.*"text":"hi"/);
        });
      });

      test("it ends at once, with its sockets", async () => {
        await listen(server, await login(server, "carol"));
        expect(await server.stop()).toBe(0);
      });
    });

  describe("deno", () => {
    for (const name of ["deno", "hono-deno"])
      test(`the example ${name} carries a message`, async () => {
        const place = join(app.folder, "deno");
        cpSync(join(root, "docs/examples"), place, { recursive: true });
        // Deno gives access to a folder in memory, below /dev, only with all permissions; the adapter's test checks the permissions elsewhere.
        const runtime = [denoProgram(), "run", "--no-check", "--allow-all", "--node-modules-dir=manual"];
        const base = name === "deno" ? "" : "/chat";
        const server = await startServer({ runtime, script: join(place, `${name}.ts`), dir: app.folder, base });
        try {
          const bob = await joinAs(server.url, { user: "bob" });
          const alice = await joinAs(server.url, { user: "alice" });
          await alice.sendOk({ to: "bob" }, `through ${name}`);
          await bob.next(hasText(`through ${name}`));
          expect(await server.stop()).toBe(0);
        } finally {
          await server.dispose();
        }
      });
  });

  describe("worker", () => {
    let sqld: Sqld;
    beforeAll(async () => {
      sqld = await startSqld();
    });
    afterAll(() => sqld.stop());

    test("a bundle runs in Cloudflare's runtime with a database server, and a request waits for another's message", async () => {
      const { outputs } = await Bun.build({
        entrypoints: [join(app.folder, "app", places.worker)],
        ...{ target: "browser", conditions: ["workerd", "worker", "browser"], format: "esm" },
        // The runtime's own modules, which wrangler leaves out too.
        external: ["node:*", "cloudflare:*"],
        outdir: join(app.folder, "worker"),
      });
      expect(outputs.length).toBe(1);
      await run([...app.program, "migrate", "up", "--database", sqld.url], app.folder);
      const [settings] = blocksOf("docs/workers.md").filter(({ info }) => info === "file=wrangler.jsonc");
      writeFileSync(join(app.folder, "worker/settings.json"), settings?.text ?? "");
      writeFileSync(join(app.folder, "worker/process.mjs"), workerProcess);
      const said = await run(["env", `DATABASE_URL=${sqld.url}`, "node", "process.mjs"], join(app.folder, "worker"));
      expect(said.trim().split("\n")).toEqual(["Your app answers", "401", "201", '["hi from a worker"]']);
    });
  });

  describe("next", () => {
    /**
     * As Next does: the route, a page and the start of the server are separate bundles, each with a copy of the package, in one process.
     * Returns the lines that the process prints.
     */
    async function runBundles(chatOf: (text: string) => string): Promise<readonly string[]> {
      const next = join(app.folder, "next");
      const place = join(app.folder, "bundles");
      for (const folder of [next, place]) rmSync(folder, { recursive: true, force: true });
      cpSync(join(app.folder, "app/next"), next, { recursive: true });
      const chatFile = join(app.folder, places["next-chat"]);
      writeFileSync(chatFile, chatOf(readFileSync(chatFile, "utf8")));
      writeFileSync(join(next, "page.ts"), `export { chat } from "./lib/chat";`);
      const entries = {
        page: "next/page.ts",
        route: places["next-route"],
        instrumentation: places["next-instrumentation"],
      };
      for (const [name, entry] of Object.entries(entries)) {
        const { outputs } = await Bun.build({
          entrypoints: [join(app.folder, entry)],
          target: "node",
          external: ["libsql", "ws"],
          outdir: place,
          naming: `${name}.mjs`,
        });
        expect(outputs.length).toBe(1);
      }
      writeFileSync(join(place, "process.mjs"), nextProcess);
      const port = freePort();
      const [commands] = blocksOf("docs/next.md").filter(({ text }) => text.startsWith("curl "));
      const script = commands?.text.replaceAll("127.0.0.1:3000", `127.0.0.1:${port}`) ?? "";
      const hasCurl = Bun.which("curl") !== null;
      const variables = [
        "NEXT_RUNTIME=nodejs",
        `CHAT_PORT=${port}`,
        `PAGE_COMMANDS=${hasCurl ? script : `printf '"text":"hi"'`}`,
      ];
      const command = ["env", ...variables, "node", "process.mjs"];
      return (await run(command, place)).replaceAll(String(port), "PORT").trim().split("\n");
    }

    test("bundles of one process share the chat: one waits for another's message, and sockets get it", async () => {
      expect(await runBundles((text) => text)).toEqual([
        "sent 1",
        '["from a page"]',
        "chat sockets on PORT",
        "over a socket: thanks",
        '"text":"hi"',
      ]);
    });

    test("control: without globalThis the second bundle finds the database in use", async () => {
      const said = await runBundles((text) =>
        text.replace("= globalThis as typeof", ": { chat?: Chat } = {} as typeof"),
      );
      expect(said).toEqual(["unavailable"]);
    });
  });
});

/** The relevant part of Next's server. */
const nextProcess = `
import { exec } from "node:child_process";
import { WebSocket } from "ws";
const [{ GET, POST }, { chat }, { register }] = await Promise.all(
  ["route", "page", "instrumentation"].map((name) => import("./" + name + ".mjs")),
);
const headers = { cookie: "user=bob", "content-type": "application/json" };
const ask = (path) => GET(new Request("http://localhost/chat" + path, { headers }));
const first = await (await ask("/changes?device=web&wait=0")).json();
const waiting = ask("/changes?device=web&cursor=" + first.cursor);
const sent = await chat().send({ from: "shop", to: "bob", text: "from a page" }).then(({ seq }) => "sent " + seq, ({ code }) => code);
console.log(sent);
if (sent !== "sent 1") process.exit(0);
const { frames } = await (await waiting).json();
console.log(JSON.stringify(frames.at(-1).changes.map(({ text }) => text)));

await register();
const socket = new WebSocket("ws://127.0.0.1:" + process.env.CHAT_PORT + "/chat/ws", { headers: { cookie: "user=shop" } });
socket.on("message", (frame) => {
  if (!String(frame).includes('"text":"thanks"')) return;
  console.log("over a socket: thanks");
  // The page's own commands, to the same routes on the port of the sockets.
  exec(process.env.PAGE_COMMANDS, (error, said) => {
    console.log(/"text":"hi"/.exec(said)?.[0] ?? String(error));
    process.exit(0);
  });
});
await new Promise((resolve) => socket.once("open", resolve));
const body = JSON.stringify({ id: crypto.randomUUID(), to: "shop", text: "thanks" });
const posted = await POST(new Request("http://localhost/chat/messages", { method: "POST", headers, body }));
if (posted.status !== 201) throw new Error("The route answered " + posted.status);
`;

/** Runs the bundle with the settings of the page. */
const workerProcess = `
import { readFileSync } from "node:fs";
import { Miniflare } from "miniflare";
const settings = JSON.parse(readFileSync("settings.json", "utf8"));
const runtime = new Miniflare({
  modules: [{ type: "ESModule", path: "worker.js", contents: readFileSync("worker.js", "utf8") }],
  compatibilityDate: settings.compatibility_date,
  compatibilityFlags: settings.compatibility_flags,
  durableObjects: Object.fromEntries(
    settings.durable_objects.bindings.map(({ name, class_name }) => [name, { className: class_name, useSQLite: true }]),
  ),
  bindings: { DATABASE_URL: process.env.DATABASE_URL },
  host: "127.0.0.1",
  port: 0,
});
const base = await runtime.ready;
const ask = (path, user, init = {}) =>
  fetch(new URL(path, base), { ...init, headers: { cookie: "user=" + user, "content-type": "application/json" } });
console.log(await (await ask("/anything", "bob")).text());
console.log((await fetch(new URL("/chat/conversations", base))).status);
const first = await (await ask("/chat/changes?device=web&wait=0", "bob")).json();
const waiting = ask("/chat/changes?device=web&cursor=" + first.cursor, "bob");
const body = JSON.stringify({ id: crypto.randomUUID(), to: "bob", text: "hi from a worker" });
console.log((await ask("/chat/messages", "alice", { method: "POST", body })).status);
const { frames } = await (await waiting).json();
console.log(JSON.stringify(frames.at(-1).changes.map(({ text }) => text)));
await runtime.dispose();
`;
