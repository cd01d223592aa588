import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { alter } from "../../support/alter-source.ts";
import { openBrowser } from "../../support/chromium.ts";
import { deadline } from "../../support/deadline.ts";
import { describeWith } from "../../support/prerequisite.ts";
import { vaultCases } from "./vault.contract.ts";

const source = join(import.meta.dir, "../../../src/client/vault");

/** The suite for a browser, with texts of its source replaced. */
async function bundle(...alterations: { readonly from: string; readonly to: string }[]): Promise<string> {
  const built = await Bun.build({
    entrypoints: [join(import.meta.dir, "page.ts")],
    target: "browser",
    plugins: [
      {
        name: "altered source",
        setup(build) {
          build.onLoad({ filter: /client\/vault\/idb-link\.ts$/ }, async ({ path }) => ({
            contents: alter(
              path,
              await Bun.file(join(source, "idb-link.ts")).text(),
              alterations.map((one) => ({ ...one, file: path })),
            ),
            loader: "ts",
          }));
        },
      },
    ],
  });
  const [output] = built.outputs;
  if (output === undefined) throw new Error("The suite was not bundled");
  return await output.text();
}

describeWith("chromium", "indexedDb() in Chromium", () => {
  let browser: Browser;
  let server: ReturnType<typeof Bun.serve>;
  let context: BrowserContext;
  /** The tab of the suite for all storages. */
  let suite: Page | undefined;
  const scripts = new Map<string, string>();

  beforeAll(async () => {
    const bumped = { from: "export const schema = 1;", to: "export const schema = 2;" };
    scripts.set("/script.js", await bundle());
    scripts.set("/bumped.js", await bundle(bumped));
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch({ url }) {
        const { pathname } = new URL(url);
        const script = scripts.get(pathname);
        const [body, type] = script === undefined ? ["<!doctype html>", "text/html"] : [script, "text/javascript"];
        return new Response(body, { headers: { "content-type": type } });
      },
    });
    browser = await openBrowser();
    context = await browser.newContext();
  });
  afterAll(async () => {
    await browser.close();
    await server.stop(true);
  });
  afterEach(async () => {
    await Promise.all(context.pages().map((page) => page !== suite && page.close()));
  });

  /** A tab with the suite. All tabs of a context have one disk. */
  async function tab(script = "/script.js", of = context): Promise<Page> {
    const page = await of.newPage();
    page.setDefaultTimeout(deadline.answerMs);
    await page.goto(`http://127.0.0.1:${server.port}/`);
    await page.addScriptTag({ url: script });
    return page;
  }
  /** Runs a text in the page, where `p` is the page's object: the types of the tests know no browser. */
  const run = <Result>(page: Page, body: string): Promise<Result> =>
    page.evaluate<Result>(`(async () => { const p = globalThis.vaultPage; ${body} })()`);

  describe("as every storage", () => {
    beforeAll(async () => {
      suite = await tab();
    });
    afterAll(() => suite?.close());

    // One tab is enough: each case has a database of its own.
    let at = 0;
    vaultCases((name) =>
      test(name, async () => {
        await run(suite as Page, `await p.runCase(${JSON.stringify(name)}, ${++at})`);
      }),
    );
  });

  test("J64 two pages that write one conversation at once lose nothing of it, and the cursor of one of them moves", async () => {
    const pages = await Promise.all([tab(), tab()]);
    await Promise.all(pages.map((page) => run(page, `await p.open("pages")`)));
    const moved = await Promise.all(
      pages.map((page, index) =>
        run<boolean[]>(
          page,
          `return Promise.all(Array.from({ length: 100 }, async (_, count) => (await p.vault("pages").write({
             ...p.arrival(p.message("c1", 2 * count + ${index} + 1)),
             cursor: { from: count === 0 ? null : "k${index}-" + (count - 1), to: "k${index}-" + count, level: 1 },
           }, "relaxed")).cursorMoved))`,
        ),
      ),
    );
    const boot = await run<{ meta: { cursor: string }; conversations: unknown[] }>(
      pages[0] as Page,
      `return p.vault("pages").boot(9)`,
    );
    expect(boot.conversations).toMatchObject([{ ranges: [[1, 200]], counted: 200 }]);
    // The one that was first moves it each time, the other never.
    const winner = moved.findIndex(([first]) => first === true);
    expect(moved).toEqual([0, 1].map((one) => Array.from({ length: 100 }, () => one === winner)));
    expect(boot.meta.cursor).toBe(`k${winner}-99`);
  });

  test("J66 a call reads as many rows as it is asked for, of ten thousand conversations", async () => {
    const page = await tab();
    await run(
      page,
      `await p.open("many");
       for (let block = 0; block < 20; block += 1)
         await p.vault("many").write(p.arrival(...Array.from({ length: 500 }, (_, at) => p.message("c" + (block * 500 + at), 1))), "relaxed");`,
    );
    const costOf = (call: string) => run(page, `return p.costOf(() => p.vault("many").${call})`);
    expect(await costOf("boot(60)")).toEqual({ requests: 4, rows: 61, puts: 0 });
    expect(await costOf("boot(0)")).toMatchObject({ requests: 4, rows: 2 });
    expect(await costOf("conversations({ below: -100, limit: 50 })")).toMatchObject({ requests: 1, rows: 0 });
    expect(await costOf("conversations({ below: 5000, limit: 50 })")).toMatchObject({ requests: 1, rows: 50 });
    expect(await costOf('conversation({ with: "bob-c77" })')).toMatchObject({ requests: 1, rows: 1 });
    expect(await costOf("evict(3)")).toEqual({ requests: 1, rows: 3, puts: 6 });
    expect(await costOf('write(p.arrival(p.message("c9", 2)), "relaxed")')).toEqual({ requests: 3, rows: 2, puts: 3 });
  });

  test("J67 a page that crashes while it writes leaves whole writes alone", async () => {
    for (const round of [1, 2, 3]) {
      const user = `crash-${round}`;
      const page = await tab();
      await run(page, `await p.open("${user}"); void p.writeForEver("${user}")`);
      await page.waitForFunction(`globalThis.vaultPage.written > ${round * 15}`);
      const devtools = await context.newCDPSession(page);
      const crashed = page.waitForEvent("crash");
      devtools.send("Page.crash").catch(() => {});
      await crashed;
      const next = await tab();
      await run(next, `await p.open("${user}")`);
      const found = await run<{
        boot: { meta: { cursor: string }; outbox: unknown[]; conversations: unknown[] };
        draft: string;
        seqs: number[];
      }>(
        next,
        `const vault = p.vault("${user}");
         return { boot: await vault.boot(9), draft: await vault.draft("d"),
           seqs: (await vault.messages({ conversation: "c1", first: 1, last: 1e9 })).map(({ seq }) => seq) }`,
      );
      const last = found.seqs.length;
      expect(last).toBeGreaterThan(0);
      expect(found.seqs).toEqual(Array.from({ length: last }, (_, index) => index + 1));
      expect(found.boot.meta.cursor).toBe(`k${last}`);
      expect(found.boot.outbox).toHaveLength(last);
      expect(found.draft).toBe(String(last));
      expect(found.boot.conversations).toMatchObject([{ ranges: [[1, last]], counted: last }]);
      await page.close();
    }
  });

  test("J98 what a page notes as it is left is written when it is opened again, once, unless the same was written since", async () => {
    const page = await tab();
    const leave = `const leave = (key, write) => p.storage().leave(p.scopeOf("left"), { key, write });
      leave("1", { outbox: [{ do: "add", row: p.row("1") }], drafts: [["d", null, ["old"]]] });
      leave("2", { outbox: [{ do: "add", row: p.row("2") }] });
      leave("2", null);
      for (const key of ["e", "f"]) leave(key, { drafts: [[key, "half a thought", [""]]] });`;
    const found = `await p.open("left"); const vault = p.vault("left");
      return [(await vault.boot(0)).outbox.map(({ id }) => id), await vault.draft("d"), await vault.draft("e"), await vault.draft("f")]`;
    await run(
      page,
      `await p.open("left"); await p.vault("left").write({ drafts: [["d", "old"], ["f", "of another tab"]] }, "strict"); ${leave}`,
    );
    const next = await tab();
    expect(await run<unknown>(next, found)).toEqual([["1"], null, "half a thought", "of another tab"]);
    // Noted again, and then the page goes on: it cancels its message, and sends its drafts.
    await run(
      next,
      `${leave} await p.vault("left").write({ outbox: [{ do: "cancel", id: "1" }], drafts: [["d", null], ["e", null], ["f", null]] }, "strict")`,
    );
    expect(await run<unknown>(await tab(), found)).toEqual([[], null, null, null]);
    await run(next, `${leave} await p.storage().destroy(p.scopeOf("left"))`);
    expect(await run<unknown>(await tab(), found)).toEqual([[], null, null, null]);
  });

  test("J68 a newer schema drops the cache, keeps what the server does not have, and ends the vaults of older tabs", async () => {
    const old = await tab();
    await run(
      old,
      `await p.open("schema");
       await p.vault("schema").write({ ...p.arrival(p.message("c1", 1)), outbox: [{ do: "add", row: p.row("1") }], drafts: [["d", "text"]],
         relations: [{ user: "amy", contact: true, blocked: false }], wishes: [{ key: "w", kind: "block", user: "amy", is: true }],
         cursor: { from: null, to: "k1", level: 3 } }, "strict")`,
    );
    const everything = `const vault = p.vault("schema"); return { ...await vault.boot(9), draft: await vault.draft("d"), relations: await vault.relations(),
      messages: await vault.messages({ conversation: "c1", first: 1, last: 9 }) }`;
    const before = await run<{ meta: object; outbox: unknown[]; wishes: unknown[] }>(old, everything);
    const next = await tab("/bumped.js");
    await run(next, `await p.open("schema")`);
    expect(await run<unknown>(next, everything)).toEqual({
      ...before,
      meta: { ...before.meta, cursor: null, level: 0 },
      conversations: [],
      relations: [],
      messages: [],
    });
    expect(before.outbox).toHaveLength(1);
    expect(await run<number>(old, `return p.lost`)).toBe(1);
    const fault = `.catch((error) => error.fault)`;
    expect(await run<string>(old, `return p.vault("schema").draft("d")${fault}`)).toBe("lost");
    expect(await run<string>(old, `return p.open("schema")${fault}`)).toBe("unavailable");
    expect(await run<unknown>(next, `return p.vault("schema").draft("d")`)).toBe("text");
  });

  test("J69 a write without space fails as full and leaves nothing, and the earlier rows are still read", async () => {
    const own = await browser.newContext();
    const page = await tab("/script.js", own);
    const devtools = await own.newCDPSession(page);
    const origin = `http://127.0.0.1:${server.port}`;
    // Before the first write: the browser keeps the free space that it has found for half a minute.
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 400_000 });
    await run(page, `await p.open("quota")`);
    const put = (seq: number, size: number) =>
      run<string>(
        page,
        `return p.vault("quota").write(p.arrival(p.message("c1", ${seq}, { text: Array.from({ length: ${size} }, () => Math.random().toString(36)).join("") })), "relaxed")
           .then(() => "written", (error) => error.fault)`,
      );
    expect(await put(1, 100)).toBe("written");
    expect(await put(2, 400_000)).toBe("full");
    expect(
      await run<number[]>(
        page,
        `return (await p.vault("quota").messages({ conversation: "c1", first: 1, last: 9 })).map(({ seq }) => seq)`,
      ),
    ).toEqual([1]);
    await own.close();
  });

  test("J69 a browser without IndexedDB, or one that refuses it, gives the fault `unavailable`", async () => {
    const page = await tab();
    const openWith = (factory: string) =>
      run<string>(
        page,
        `return p.storage({ indexedDB: ${factory} }).open(p.scopeOf("none"), () => "d").then(() => "open", (error) => error.fault)`,
      );
    expect(await openWith("null")).toBe("unavailable");
    expect(await openWith(`{ open() { throw new DOMException("No", "SecurityError") } }`)).toBe("unavailable");
    // Another tab of an older release that does not let go of the database.
    await run(
      page,
      `const name = 'tidings 1 ' + JSON.stringify(Object.values(p.scopeOf("none")));
       await new Promise((done) => { const r = indexedDB.open(name, 0.5 + 0.5); r.onsuccess = done; });`,
    );
    const next = await tab("/bumped.js");
    const opened = run<string>(next, `return p.open("none").then(() => "open", (error) => error.fault)`);
    expect(await opened).toBe("unavailable");
  });

  test("J69 a connection that the browser ended is opened again, and the call that found it so succeeds once", async () => {
    const page = await tab();
    const found = await run<unknown>(
      page,
      `const made = [];
       const factory = { databases: () => indexedDB.databases(), open: (...args) => { const request = indexedDB.open(...args); made.push(request); return request; } };
       const vault = await p.storage({ indexedDB: factory }).open(p.scopeOf("reopen"), () => "d");
       for (const seq of [1, 2, 3]) {
         made.at(-1).result.close();
         // Not awaited: the next call is made meanwhile, and comes after it.
         void vault.write({ ...p.arrival(p.message("c1", seq)), drafts: [["d", "old" + seq]] }, "relaxed");
         await vault.write({ drafts: [["d", "new" + seq]] }, "relaxed");
         if (await vault.draft("d") !== "new" + seq) throw new Error("The later write came first");
       }
       return { opened: made.length, rows: await vault.boot(9) }`,
    );
    expect(found).toMatchObject({ opened: 4, rows: { conversations: [{ ranges: [[1, 3]], unread: 3 }] } });
  });

  test("J65 a database that the browser deleted is lost, and is not made again by the open vault", async () => {
    const page = await tab();
    const found = await run<unknown>(
      page,
      `const made = [];
       const factory = { open: (...args) => { const request = indexedDB.open(...args); made.push(request); return request; }, databases: () => indexedDB.databases() };
       const vault = await p.storage({ indexedDB: factory }).open(p.scopeOf("gone"), () => "d");
       let lost = 0;
       vault.onLost(() => (lost += 1));
       // As an eviction: the connection is closed, then the database deleted.
       made[0].result.close();
       const name = (await indexedDB.databases()).map((one) => one.name).find((one) => one.includes("gone"));
       await new Promise((done) => { indexedDB.deleteDatabase(name).onsuccess = done; });
       const fault = await vault.write({ drafts: [["d", "x"]] }, "strict").catch((error) => error.fault);
       const names = (await indexedDB.databases()).map((one) => one.name);
       return { fault, lost, again: await vault.draft("d").catch((error) => error.fault), isThere: names.includes(name) }`,
    );
    expect(found).toEqual({ fault: "lost", lost: 1, again: "lost", isThere: false });
  });

  test("J65 a vault whose database the browser deleted is lost, also where another tab has made a new one of that name", async () => {
    const page = await tab();
    const found = await run<unknown>(
      page,
      `const made = [];
       const factory = { open: (...args) => { const request = indexedDB.open(...args); made.push(request); return request; }, databases: () => indexedDB.databases() };
       const vault = await p.storage({ indexedDB: factory }).open(p.scopeOf("anew"), () => "first");
       let lost = 0;
       vault.onLost(() => (lost += 1));
       made[0].result.close();
       const name = (await indexedDB.databases()).map((one) => one.name).find((one) => one.includes("anew"));
       await new Promise((done) => { indexedDB.deleteDatabase(name).onsuccess = done; });
       const next = await p.storage().open(p.scopeOf("anew"), () => "second");
       const fault = await vault.write({ drafts: [["d", "x"]] }, "strict").catch((error) => error.fault);
       return { fault, lost, draft: await next.draft("d") }`,
    );
    expect(found).toEqual({ fault: "lost", lost: 1, draft: null });
  });

  test("J65 a scope is destroyed under a tab that writes all the time, and under one that does not let go of its database", async () => {
    const [writer, other] = [await tab(), await tab()];
    await run(writer, `await p.open("busy"); void p.writeForEver("busy").catch(() => {})`);
    await writer.waitForFunction(`globalThis.vaultPage.written > 5`);
    await run(other, `await p.storage().destroy(p.scopeOf("busy"))`);
    expect(await run<number>(writer, `return p.lost`)).toBe(1);
    await run(other, `await p.open("busy")`);
    expect(await run<unknown>(other, `return p.vault("busy").boot(9)`)).toMatchObject({
      outbox: [],
      conversations: [],
    });
    const held = await run<unknown>(
      other,
      `await p.open("held");
       const vault = p.vault("held");
       await vault.write({ drafts: [["d", "secret"]] }, "strict");
       const name = (await indexedDB.databases()).map((one) => one.name).find((one) => one.includes('"held"'));
       const frozen = await new Promise((done) => { const r = indexedDB.open(name); r.onsuccess = () => done(r.result); });
       await p.storage().destroy(p.scopeOf("held"));
       const counts = await Promise.all([...frozen.objectStoreNames].map((store) => new Promise((done) => {
         const r = frozen.transaction(store).objectStore(store).count(); r.onsuccess = () => done(r.result); })));
       frozen.close();
       return [counts.reduce((sum, count) => sum + count, 0), await vault.draft("d").catch((error) => error.fault)]`,
    );
    expect(held).toEqual([0, "lost"]);
  });

  for (const [name, end] of [
    ["goes", (frozen: Page) => frozen.close()],
    ["lets go", (frozen: Page) => run(frozen, `frozen.close()`)],
  ] as const)
    test(`J65 J99 after a destroy that a frozen tab holds up, the scope opens by itself, anew, when that tab ${name}`, async () => {
      const [frozen, other] = [await tab(), await tab()];
      const user = `frozen ${name}`;
      await run(
        other,
        `await p.open("${user}"); await p.vault("${user}").write({ drafts: [["d", "secret"]] }, "strict")`,
      );
      const device = await run<string>(other, `return (await p.vault("${user}").boot(0)).meta.device`);
      // A frozen tab does not hear that its database is to be deleted.
      await run(
        frozen,
        `const name = (await indexedDB.databases()).map((one) => one.name).find((one) => one.includes('"${user}"'));
         globalThis.frozen = await new Promise((done) => { const r = indexedDB.open(name); r.onsuccess = () => done(r.result); })`,
      );
      await run(other, `await p.storage().destroy(p.scopeOf("${user}"))`);
      await run(
        other,
        `globalThis.state = "hangs"; globalThis.opening = p.open("${user}").then(() => (globalThis.state = "open"))`,
      );
      await Bun.sleep(200);
      expect(await run<string>(other, `return globalThis.state`)).toBe("hangs");
      await end(frozen);
      const found = await run<{ draft: unknown; device: string }>(
        other,
        `await globalThis.opening; const vault = p.vault("${user}");
         return { draft: await vault.draft("d"), device: (await vault.boot(0)).meta.device }`,
      );
      expect(found).toEqual({ draft: null, device: expect.not.stringMatching(device) });
    });

  test("J68 a newer schema comes also while an older tab writes all the time", async () => {
    const [writer, next] = [await tab(), await tab("/bumped.js")];
    await run(writer, `await p.open("upgrade"); void p.writeForEver("upgrade").catch(() => {})`);
    // It waits for its writes after each eight: then those are on disk.
    await writer.waitForFunction(`globalThis.vaultPage.written >= 16`);
    await run(next, `await p.open("upgrade")`);
    const { meta, outbox } = await run<{ meta: { cursor: null }; outbox: unknown[] }>(
      next,
      `return p.vault("upgrade").boot(0)`,
    );
    expect(meta.cursor).toBeNull();
    expect(outbox.length).toBeGreaterThanOrEqual(16);
    expect(await run<number>(writer, `return p.lost`)).toBe(1);
  });

  test("J65 scopes are known in a browser that cannot list its databases", async () => {
    const page = await tab();
    const found = await run<unknown>(
      page,
      `const factory = { open: indexedDB.open.bind(indexedDB), deleteDatabase: indexedDB.deleteDatabase.bind(indexedDB) };
       const storage = p.storage({ indexedDB: factory });
       for (const user of ["amy", "bob"]) (await storage.open(p.scopeOf(user), () => "d")).close();
       const known = async () => (await storage.scopes()).filter(({ user }) => user === "amy" || user === "bob").sort((a, b) => a.user < b.user ? -1 : 1);
       const before = await known();
       await storage.destroy(p.scopeOf("amy"));
       return [before, await known()]`,
    );
    const scopeOf = (user: string) => ({ url: "https://app.example/chat", tenant: "t", user });
    expect(found).toEqual([[scopeOf("amy"), scopeOf("bob")], [scopeOf("bob")]]);
  });
});
