import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { describeWith } from "../support/prerequisite.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { post } from "../web/page-actions.ts";
import { type Engine, type EngineName, type Tab, until } from "./tab.ts";
import { openWire, type Wire } from "./wire.ts";

const status = `document.querySelector("#status")?.dataset.state`;
const texts = `[...document.querySelectorAll(".message .text")].map((one) => one.textContent)`;
const ticks = `[...document.querySelectorAll(".message.own")].map((one) => one.dataset.tick)`;
const draft = `document.querySelector("#text")?.value`;
const focusOn = (tab: Tab, selector: string) => tab.run(`document.querySelector(${JSON.stringify(selector)}).focus()`);
const isOnline = (tab: Tab) => until(tab, status, "online");

async function say(tab: Tab, text: string): Promise<void> {
  await focusOn(tab, "#text");
  await tab.type(`${text}\n`);
}

/** The first row in view, its distance from the top of the view, and the first row of all. */
const place = `(() => {
  const log = document.querySelector("#log"), edge = log.getBoundingClientRect().top;
  const rows = [...log.querySelectorAll(".message")];
  const row = rows.find((one) => one.getBoundingClientRect().bottom > edge);
  const textOf = (one) => one.querySelector(".text").textContent;
  return { text: textOf(row), top: row.getBoundingClientRect().top - edge, first: textOf(rows[0]), count: rows.length };
})()`;
type Place = { readonly text: string; readonly top: number; readonly first: string; readonly count: number };
const drawn = `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(true)))))`;

/** Behind the next transaction of the page that writes no other one begins. */
const stallNext = `(() => {
  const { transaction } = IDBDatabase.prototype;
  IDBDatabase.prototype.transaction = function (...args) {
    const made = transaction.apply(this, args);
    if (args[1] === "readwrite" && !globalThis.isStalled) {
      globalThis.isStalled = true;
      const store = transaction.call(this, [...this.objectStoreNames], "readwrite").objectStore("outbox");
      const again = () => (store.get("none").onsuccess = again);
      again();
    }
    return made;
  };
})()`;

/** The suite of storages, as a script, on a server of its own. */
async function serveVaultSuite() {
  const { outputs } = await Bun.build({
    entrypoints: [join(import.meta.dir, "../client/vault/page.ts")],
    target: "browser",
  });
  const script = (await outputs[0]?.text()) ?? "";
  return Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) =>
      url.endsWith("/suite.js")
        ? new Response(script, { headers: { "content-type": "text/javascript" } })
        : new Response(`<!doctype html><script src="/suite.js"></script>`, {
            headers: { "content-type": "text/html" },
          }),
  });
}

/** What the chat page and its storage must do in every browser engine, on a real server behind a wire that can be cut. */
export function describeEngine(name: EngineName, openEngine: () => Promise<Engine>): void {
  describeWith(name, `the chat page in ${name}`, () => {
    let server: RunningServer;
    let wire: Wire;
    let engine: Engine;
    let count = 0;
    beforeAll(async () => {
      [server, engine] = await Promise.all([startServer(), openEngine()]);
      wire = await openWire(server.port);
    });
    afterAll(async () => {
      await engine.close();
      wire.stop();
      await server.dispose();
    });
    // Also after a test that failed while it was cut.
    afterEach(() => wire.mend());
    const names = (): readonly [string, string] => [`alice${++count}`, `bob${count}`];
    const direct = (): string => `http://127.0.0.1:${server.port}`;
    const addressOf = (path: string): string => `http://127.0.0.1:${wire.port}${path}`;
    async function open(self: string, peer: string): Promise<Tab> {
      const tab = await engine.open();
      await tab.goto(addressOf(`/?user=${self}&to=${peer}`));
      return tab;
    }
    /** What the server has of a conversation, as the peer reads it. */
    async function log(self: string, peer: string): Promise<readonly string[]> {
      const response = await fetch(`${direct()}/messages?user=${self}&with=${peer}`);
      if (!response.ok) return [];
      const { messages } = (await response.json()) as { readonly messages: readonly { readonly text: string }[] };
      return messages.map(({ text }) => text).toSorted();
    }

    test("W5 W7 a user signs in, and two write to each other", async () => {
      const [a, b] = names();
      const alice = await engine.open();
      await alice.goto(addressOf("/"));
      await focusOn(alice, "#start-user");
      await alice.type(a);
      await focusOn(alice, "#start-to");
      await alice.type(`${b}\n`);
      await isOnline(alice);
      await say(alice, "Hi Bob");
      await until(alice, ticks, ["accepted"]);
      const bob = await open(b, a);
      await until(bob, texts, ["Hi Bob"]);
      await say(bob, "Hi Alice");
      await until(alice, texts, ["Hi Bob", "Hi Alice"]);
      await until(alice, `${ticks}[0] !== "accepted"`, true);
      for (const tab of [alice, bob]) await tab.close();
    });

    test("W14 J3 what was written without a network survives a reload, and is sent once", async () => {
      const [a, b] = names();
      const alice = await open(a, b);
      await isOnline(alice);
      wire.cut();
      await until(alice, status, "waiting");
      for (const text of ["one", "two"]) await say(alice, text);
      await until(alice, ticks, ["waiting", "waiting"]);
      // From here on the page can be loaded, and its connection gets no answer.
      wire.keep("up");
      await alice.goto(addressOf(`/?user=${a}&to=${b}`));
      await until(alice, texts, ["one", "two"]);
      expect(await log(b, a)).toEqual([]);
      wire.mend();
      await until(alice, ticks, ["accepted", "accepted"]);
      expect(await log(b, a)).toEqual(["one", "two"]);
      expect(await alice.run<string>(draft)).toBe("");
      await alice.close();
    });

    test("J98 what its storage has no turn for when the page is left is there when it is opened again", async () => {
      const [a, b] = names();
      const alice = await open(a, b);
      await isOnline(alice);
      await alice.run(stallNext);
      await focusOn(alice, "#text");
      await alice.type("one");
      await until(alice, "globalThis.isStalled", true);
      await alice.type("\ntwo");
      await until(alice, ticks, ["waiting"]);
      await alice.goto(addressOf(`/?user=${a}&to=${b}`));
      await until(alice, ticks, ["accepted"]);
      expect(await log(b, a)).toEqual(["one"]);
      expect(await alice.run<string>(draft)).toBe("two");
      await alice.close();
    });

    test("W13 a server that is killed and started again loses nothing and doubles nothing", async () => {
      const [a, b] = names();
      const [alice, bob] = [await open(a, b), await open(b, a)];
      await isOnline(alice);
      await isOnline(bob);
      await say(alice, "before");
      await until(bob, texts, ["before"]);
      await server.kill9();
      await until(alice, status, "waiting");
      await say(alice, "meanwhile");
      await until(alice, `${ticks}[1]`, "waiting");
      const { dir, port } = server;
      const again = await startServer({ dir, port });
      server = { ...again, dispose: async () => void (await again.stop()) };
      await until(bob, texts, ["before", "meanwhile"]);
      await until(alice, `${ticks}[1] !== "waiting"`, true);
      expect(await log(b, a)).toEqual(["before", "meanwhile"]);
      for (const tab of [alice, bob]) await tab.close();
    });

    test("W18 two tabs of one user show the same, and send once what either of them wrote", async () => {
      const [a, b] = names();
      const [first, second] = [await open(a, b), await open(a, b)];
      await isOnline(first);
      await isOnline(second);
      await say(first, "from the first");
      await until(second, texts, ["from the first"]);
      await say(second, "from the second");
      const both = ["from the first", "from the second"];
      await until(first, texts, both);
      wire.cut();
      await until(first, status, "waiting");
      await say(first, "without a network");
      await until(second, texts, [...both, "without a network"]);
      wire.mend();
      for (const tab of [first, second]) await until(tab, ticks, ["accepted", "accepted", "accepted"]);
      expect(await log(b, a)).toEqual([...both, "without a network"]);
      for (const tab of [first, second]) await tab.close();
    });

    test("W34 older messages move what is in view by at most a pixel, and 300 rows are on the page at most", async () => {
      const [a, b] = names();
      await post(direct(), a, { to: b, texts: Array.from({ length: 500 }, (_, at) => `text ${at + 1}`) });
      const alice = await open(a, b);
      // A new device asks for its first page again once it is connected.
      await isOnline(alice);
      await until(alice, `${texts}.at(-1)`, "text 500");
      for (let turn = 0; turn < 20; turn++) {
        const before = await alice.run<Place>(`(document.querySelector("#log").scrollTop = 900, ${place})`);
        if (before.first === "text 1") break;
        await until(alice, `${place}.first !== ${JSON.stringify(before.first)}`, true);
        await alice.run(drawn);
        const after = await alice.run<Place>(place);
        expect(after.text).toBe(before.text);
        expect(Math.abs(after.top - before.top)).toBeLessThanOrEqual(1);
        expect(after.count).toBeLessThanOrEqual(300);
      }
      expect(await alice.run<string>(`${texts}[0]`)).toBe("text 1");
      await alice.close();
    });

    test("W29 where WebSockets are refused messages go both ways all the same", async () => {
      const [a, b] = names();
      wire.blockSockets();
      const alice = await open(a, b);
      await isOnline(alice);
      await say(alice, "by HTTP");
      await until(alice, ticks, ["accepted"]);
      await post(direct(), b, { to: a, texts: ["an answer"] });
      await until(alice, texts, ["by HTTP", "an answer"]);
      await alice.close();
      wire.mend();
    });

    test("J54 to J69 its IndexedDB keeps what every storage must", async () => {
      const suite = await serveVaultSuite();
      const tab = await engine.open();
      await tab.goto(`http://127.0.0.1:${suite.port}/`);
      const cases = await tab.run<string[]>("vaultPage.names()");
      expect(cases.length).toBeGreaterThan(10);
      const failed: string[] = [];
      for (const [at, one] of cases.entries())
        await tab
          .run(`vaultPage.runCase(${JSON.stringify(one)}, ${at}).then(() => true)`)
          .catch((error: Error) => failed.push(`${one}: ${error.message.slice(0, 500)}`));
      expect(failed).toEqual([]);
      await tab.close();
      await suite.stop(true);
    });

    test("W1 nothing that the page did was against its policy", async () => {
      expect(wire.violations).toEqual([]);
      // Cut connections are logged by the browser itself.
      const isOfNetwork = /connection|WebSocket|ERR_|Failed to load resource|NetworkError|interrupted/i;
      expect((engine.complaints ?? []).filter((one) => !isOfNetwork.test(one))).toEqual([]);
      const [a, b] = names();
      const tab = await open(a, b);
      await isOnline(tab);
      await tab.run(`(() => { try { document.body.innerHTML = "<b>x</b>"; } catch {} })()`);
      await tab.run(
        `document.head.append(Object.assign(document.createElement("link"), { rel: "stylesheet", href: "http://127.0.0.1:1/x.css" }))`,
      );
      const end = Date.now() + 10_000;
      while (wire.violations.length === 0 && Date.now() < end) await Bun.sleep(50);
      expect(wire.violations.length).toBeGreaterThan(0);
      await tab.close();
    });
  });
}
