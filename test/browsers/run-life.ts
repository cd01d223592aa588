import { afterEach, expect, test } from "bun:test";
import { SignJWT } from "jose";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { deadline } from "../support/deadline.ts";
import { describeWith, programPath } from "../support/prerequisite.ts";
import { startServer } from "../support/server.ts";
import { online, post, say, texts, ticks, until } from "../web/page-actions.ts";
import { startWired } from "./start-wired.ts";

const eightHoursMs = 8 * 3_600_000;

describeWith("chromium", "what the day of a laptop does to the chat page", () => {
  const wired = startWired({ isWhole: true });
  let count = 0;
  afterEach(async () => {
    const { wire, browser } = wired();
    wire.mend();
    await Promise.all(browser.contexts().map((context) => context.close()));
  });
  const names = (): readonly [string, string] => [`alice${++count}`, `bob${count}`];
  const direct = (): string => `http://127.0.0.1:${wired().server.port}`;
  async function openIn(context: BrowserContext, path: string): Promise<Page> {
    const page = await context.newPage();
    page.setDefaultTimeout(deadline.answerMs);
    await page.goto(`http://127.0.0.1:${wired().wire.port}${path}`);
    return page;
  }
  const open = async (path: string): Promise<Page> => await openIn(await wired().browser.newContext(), path);
  const freeze = async (page: Page): Promise<() => Promise<unknown>> => {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("Page.setWebLifecycleState", { state: "frozen" });
    return () => devtools.send("Page.setWebLifecycleState", { state: "active" });
  };
  const drawn = `new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => done(true)))))`;

  test("W18 a tab that the browser has frozen holds up no other tab, and shows everything when it goes on", async () => {
    const [a, b] = names();
    const frozen = await open(`/?user=${a}&to=${b}`);
    await online(frozen);
    const other = await openIn(frozen.context(), `/?user=${a}&to=${b}`);
    await online(other);
    // It also holds a message that waits.
    await frozen.evaluate(`WebSocket.prototype.send = () => {}`);
    await say(frozen, "of the frozen tab");
    await until(() => texts(other), ["of the frozen tab"]);
    const thaw = await freeze(frozen);
    await say(other, "of the other tab");
    await post(direct(), b, { to: a, texts: ["an answer"] });
    await until(async () => (await ticks(other)).includes("waiting"), false);
    const all = (await texts(other)).toSorted();
    expect(all).toEqual(["an answer", "of the frozen tab", "of the other tab"]);
    await thaw();
    await until(async () => (await texts(frozen)).toSorted(), all);
  });

  test("J27 W35 a laptop that was closed for the night shows what came, although its connection died unnoticed", async () => {
    const [a, b] = names();
    const context = await wired().browser.newContext();
    const page = await context.newPage();
    page.setDefaultTimeout(deadline.answerMs);
    await page.clock.install();
    await page.goto(`http://127.0.0.1:${wired().wire.port}/?user=${a}&to=${b}`);
    await page.clock.resume();
    await online(page);
    await say(page, "good night");
    await until(() => ticks(page), ["accepted"]);
    const thaw = await freeze(page);
    // As when a router has forgotten the connection: nothing more comes from it, and nothing says so.
    wired().wire.lose();
    await post(direct(), b, { to: a, texts: ["good morning"] });
    await thaw();
    await page.clock.fastForward(eightHoursMs);
    await until(() => texts(page), ["good night", "good morning"]);
    await say(page, "awake");
    await until(async () => (await ticks(page)).at(-1), "accepted");
  });

  test("J29 W10 a page that comes back by the browser's back button goes on where it was", async () => {
    const own = await chromium.launch({
      executablePath: process.env["CHROMIUM_PATH"] ?? programPath("chromium"),
      args: ["--no-sandbox"],
      ignoreDefaultArgs: ["--disable-back-forward-cache"],
    });
    try {
      const [a, b] = names();
      const page = await openIn(await own.newContext(), `/?user=${a}&to=${b}`);
      await online(page);
      await page.fill("#text", "half a thought");
      await page.evaluate(`globalThis.isSamePage = true;
        addEventListener("pageshow", ({ persisted }) => (globalThis.wasKept = persisted))`);
      await page.goto(`http://127.0.0.1:${wired().wire.port}/favicon.svg`);
      await post(direct(), b, { to: a, texts: ["while you were away"] });
      // It is answered by the page that is left, or by none.
      await page.evaluate("history.back()").catch(() => {});
      const kept = () => page.evaluate<unknown>("[globalThis.isSamePage, globalThis.wasKept]").catch(() => null);
      await until(kept, [true, true]);
      await until(() => texts(page), ["while you were away"]);
      expect(await page.inputValue("#text")).toBe("half a thought");
      await say(page, "back");
      await until(() => ticks(page), ["accepted"]);
    } finally {
      await own.close();
    }
  });

  test("W34 5,000 messages are scrolled through to the first one, without a jump and with 300 rows at most", async () => {
    const [a, b] = names();
    const numbered = Array.from({ length: 5_000 }, (_, at) => `text ${at + 1}`);
    await post(direct(), a, { to: b, texts: numbered });
    const page = await open(`/?user=${a}&to=${b}`);
    await until(async () => (await texts(page)).at(-1), "text 5000");
    const place = `(() => {
      const log = document.querySelector("#log"), edge = log.getBoundingClientRect().top;
      const rows = [...log.querySelectorAll(".message")];
      const row = rows.find((one) => one.getBoundingClientRect().bottom > edge);
      const textOf = (one) => one.querySelector(".text").textContent;
      return { text: textOf(row), top: row.getBoundingClientRect().top - edge, first: textOf(rows[0]), count: rows.length };
    })()`;
    type Place = { readonly text: string; readonly top: number; readonly first: string; readonly count: number };
    let worst = 0;
    let most = 0;
    for (let turn = 0; turn < 400; turn++) {
      const before = await page.evaluate<Place>(`(document.querySelector("#log").scrollTop = 900, ${place})`);
      if (before.first === "text 1") break;
      await until(async () => (await page.evaluate<Place>(place)).first !== before.first, true);
      await page.evaluate(drawn);
      const after = await page.evaluate<Place>(place);
      expect(after.text).toBe(before.text);
      worst = Math.max(worst, Math.abs(after.top - before.top));
      most = Math.max(most, after.count);
    }
    expect((await texts(page))[0]).toBe("text 1");
    expect(worst).toBeLessThanOrEqual(1);
    expect(most).toBeLessThanOrEqual(300);
  });

  test("W27 J69 a disk that is full shows, keeps the text in the composer, and nothing that was stored is lost", async () => {
    const [a, b] = names();
    const page = await open("/favicon.svg");
    const devtools = await page.context().newCDPSession(page);
    const origin = `http://127.0.0.1:${wired().wire.port}`;
    // Before the first write: the browser keeps the free space that it has found for half a minute.
    await devtools.send("Storage.overrideQuotaForOrigin", { origin, quotaSize: 300_000 });
    await page.goto(`${origin}/?user=${a}&to=${b}`);
    await online(page);
    await say(page, "there was room");
    await until(() => ticks(page), ["accepted"]);
    // More than there is room for, of texts that no browser can pack.
    const long = (): string =>
      Buffer.from(crypto.getRandomValues(new Uint8Array(12_000)))
        .toString("base64")
        .slice(0, 16_000);
    await post(direct(), b, { to: a, texts: Array.from({ length: 60 }, long) });
    await page.waitForSelector("#storage[data-storage=full]");
    await page.fill("#text", long());
    await page.keyboard.press("Enter");
    await page.waitForSelector("#composer-problem:visible");
    expect((await page.inputValue("#text")).length).toBe(16_000);
    await devtools.send("Storage.overrideQuotaForOrigin", { origin });
  });

  test("J22 W29 a session that ends says so, and goes on with the queue when the user has signed in again", async () => {
    const secret = "a secret of at least 32 bytes, for tests";
    const tokenFor = (expires: string) =>
      new SignJWT({})
        .setProtectedHeader({ alg: "HS256", typ: "JWT" })
        .setSubject("carol")
        .setExpirationTime(expires)
        .sign(new TextEncoder().encode(secret));
    const guarded = await startServer({ env: { AUTH: "jwt", JWT_SECRET: secret, JWT_COOKIE: "session" } });
    try {
      const url = `http://127.0.0.1:${guarded.port}`;
      const context = await wired().browser.newContext();
      const signIn = async (expires: string) =>
        await context.addCookies([{ name: "session", value: await tokenFor(expires), url }]);
      await signIn("4s");
      const page = await context.newPage();
      page.setDefaultTimeout(deadline.answerMs);
      await page.goto(`${url}/?to=dave`);
      await online(page);
      await page.waitForSelector("#status[data-state=unauthenticated]");
      await say(page, "written while signed out");
      await until(() => ticks(page), ["waiting"]);
      await signIn("1h");
      await page.click("#retry");
      await until(() => ticks(page), ["accepted"]);
      expect(await texts(page)).toEqual(["written while signed out"]);
    } finally {
      await guarded.dispose();
    }
  });
});
