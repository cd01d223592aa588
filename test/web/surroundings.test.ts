import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import type { Page } from "playwright-core";
import { bundleWebScript, webFile } from "../../src/standalone/web-file.ts";
import { online, say, texts, ticks, until } from "./page-actions.ts";
import { describePage } from "./with-page.ts";

const statusText = (page: Page) => page.textContent("#status-text");
const choose = async (page: Page, menu: string, item: string): Promise<void> => {
  await page.click(`${menu} .menu button`);
  await page.click(`[role=menuitem]:text-is("${item}")`);
};

/** Everything that the page's origin has stored in this browser, as text. */
const stored = (page: Page) =>
  page.evaluate<string>(`(async () => {
    const done = (request) => new Promise((resolve, reject) => { request.onsuccess = () => resolve(request.result); request.onerror = reject; });
    let all = JSON.stringify({ ...localStorage });
    for (const { name } of await indexedDB.databases()) {
      const database = await done(indexedDB.open(name));
      for (const store of database.objectStoreNames) all += JSON.stringify(await done(database.transaction(store).objectStore(store).getAll()));
      database.close();
    }
    return all;
  })()`);

/** The answer to the upgrade and to what the page asks about it. */
const refuse = (status: number, code: string) => async (page: Page) => {
  await page.routeWebSocket(/\/ws\?/, (socket) => void socket.close({ code: 1006 }));
  await page.route(/\/me(\?|$)/, (route) =>
    route.fulfill({
      status,
      contentType: "application/problem+json",
      body: JSON.stringify({ code, status, detail: code }),
    }),
  );
};

describePage("the page and its surroundings", ({ base, open, names, post }) => {
  test("W29 the line says why there is no connection, and not `offline` for everything", async () => {
    const [a, b] = names();
    const path = `/?user=${a}&to=${b}`;
    const noNetwork = await open(path, { isNoisy: true });
    await online(noNetwork);
    await noNetwork.context().setOffline(true);
    await until(async () => (await statusText(noNetwork))?.startsWith("Your device is offline"), true);
    const refused = await open(path, { isNoisy: true, prepare: refuse(401, "unauthenticated") });
    await until(() => statusText(refused), "The server refuses your sign-in.");
    const banned = await open(path, { isNoisy: true, prepare: refuse(403, "forbidden") });
    await until(async () => (await statusText(banned))?.startsWith("The server closed the connection for good"), true);
    const full = await open(path, { isNoisy: true, prepare: refuse(503, "too_many_connections") });
    await full.waitForSelector("#status[data-state=waiting]");
    await until(async () => (await statusText(full)) !== "Offline", true);
  });

  test("W29 where WebSockets are blocked the page works all the same", async () => {
    const [a, b] = names();
    const prepare = async (page: Page) =>
      void (await page.addInitScript(`globalThis.WebSocket = class extends EventTarget {
        constructor() { super(); this.readyState = 0; setTimeout(() => this.onclose?.({ code: 1006, reason: "" })); }
        send() {} close() {}
      }`));
    const alice = await open(`/?user=${a}&to=${b}`, { isNoisy: true, prepare });
    await online(alice);
    await say(alice, "through the keyhole");
    await until(() => ticks(alice), ["accepted"]);
    await post(b, a, ["I hear you"]);
    await until(() => texts(alice), ["through the keyhole", "I hear you"]);
  });

  test("W33 signing out removes the user's texts from this browser, after a warning about what was not sent", async () => {
    const [a, b] = names();
    await post(b, a, ["a secret of b"]);
    const alice = await open(`/?user=${a}&to=${b}`, { isNoisy: true });
    await until(() => texts(alice), ["a secret of b"]);
    await online(alice);
    expect(await stored(alice)).toContain("a secret of b");
    await alice.fill("#text", "my own draft");
    await alice.evaluate("WebSocket.prototype.send = () => {}");
    await say(alice, "my own secret");
    await until(() => ticks(alice), ["waiting"]);
    await choose(alice, "#brand", "Sign out");
    expect(await alice.textContent("dialog .problem")).toContain("One message was not sent yet");
    await alice.click("dialog .second");
    await until(() => alice.locator("dialog").count(), 0);
    // Another tab of the user ends with this one, or it would store the texts again.
    const tab = await alice.context().newPage();
    await tab.goto(alice.url());
    await until(async () => (await texts(tab)).length > 0, true);
    await choose(alice, "#brand", "Sign out");
    await alice.click("#sign-out");
    await alice.waitForSelector("#start");
    await tab.waitForSelector("#start");
    const left = await stored(alice);
    for (const text of ["secret", "draft", b]) expect(left).not.toContain(text);
    await alice.goto(`${base()}/?user=somebody-else&to=${b}`);
    await online(alice);
    expect(await texts(alice)).toEqual([]);
    expect(await alice.locator(".person").count()).toBe(1);
  });

  test("W33 signing out without a network removes the texts all the same", async () => {
    const [a, b] = names();
    await post(b, a, ["a secret of b"]);
    const alice = await open(`/?user=${a}&to=${b}`, { isNoisy: true });
    await until(() => texts(alice), ["a secret of b"]);
    await alice.context().setOffline(true);
    await alice.waitForSelector("#status[data-state=waiting]");
    await choose(alice, "#brand", "Sign out");
    await alice.click("#sign-out");
    // The page leaves when all is removed; there is no network for the next one.
    await alice
      .waitForURL((url) => !url.href.includes("user="))
      .catch((error: Error) => expect(error.message).toContain("DISCONNECTED"));
    await alice.context().setOffline(false);
    await alice.goto(base());
    expect(await stored(alice)).not.toContain("secret");
  });

  test("W64 the page and an element of the same data end together, whichever signs out", async () => {
    const [a, b] = names();
    await post(b, a, ["a secret of b"]);
    const page = await open(`/?user=${a}&to=${b}`, { isNoisy: true });
    for (const chosen of ["page", "element"]) {
      await until(() => texts(page), ["a secret of b"]);
      const shop = await page.context().newPage();
      const html = `<script type="module" src="/tidings-chat.js"></script><tidings-chat url="/" user="${a}" with="${b}"></tidings-chat>`;
      await shop.route("**/shop", (route) => route.fulfill({ contentType: "text/html", body: html }));
      await shop.goto(`${base()}/shop`);
      const element = `document.querySelector("tidings-chat")`;
      await shop.evaluate(`${element}.authenticate = async () => ({ parameters: { user: "${a}" } })`);
      await until(() => texts(shop), ["a secret of b"]);
      if (chosen === "page") {
        await choose(page, "#brand", "Sign out");
        await page.click("#sign-out");
      } else await shop.evaluate(`${element}.signOut()`);
      await until(() => shop.locator(".nothing").textContent(), "You are signed out.");
      await page.waitForSelector("#start");
      expect(await stored(shop)).not.toContain("secret");
      await shop.close();
      await page.goto(`${base()}/?user=${a}&to=${b}`);
    }
  });

  test("W68 a page that cannot remove the user's data says so, and tries again", async () => {
    const [a, b] = names();
    await post(b, a, ["a secret of b"]);
    const alice = await open(`/?user=${a}&to=${b}`, { isNoisy: true });
    const fail = () =>
      alice.evaluate(`{
        const { deleteDatabase } = IDBFactory.prototype;
        globalThis.heal = () => void (IDBFactory.prototype.deleteDatabase = deleteDatabase);
        IDBFactory.prototype.deleteDatabase = () => { throw new DOMException("It fails", "UnknownError"); };
      }`);
    const signOut = async (): Promise<void> => {
      await until(() => texts(alice), ["a secret of b"]);
      await fail();
      await choose(alice, "#brand", "Sign out");
      await alice.click("#sign-out");
      await until(() => alice.textContent("dialog [role=alert]"), "They cannot be removed now. Try again.");
    };
    await signOut();
    // The user stays: the page begins anew, with a client that works.
    await alice.click("dialog .second");
    await until(() => alice.evaluate("globalThis.heal === undefined").catch(() => false), true);
    await signOut();
    await alice.evaluate("heal()");
    await alice.click("#sign-out");
    await alice.waitForSelector("#start");
    expect(await stored(alice)).not.toContain("secret");
  });

  test("W33 two users of one browser see nothing of each other", async () => {
    const [a, b] = names();
    await post("carol", a, ["for a"]);
    const page = await open(`/?user=${a}&to=carol`);
    await until(() => texts(page), ["for a"]);
    await page.goto(`${base()}/?user=${b}&to=carol`);
    await online(page);
    expect(await texts(page)).toEqual([]);
    await page.goto(`${base()}/?user=${a}`);
    await until(() => page.locator(".person .last").allTextContents(), ["for a"]);
    await online(page);
  });

  test("W35 a cut network shows at once, and what was written meanwhile arrives in order", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`, { isNoisy: true });
    await online(alice);
    await alice.context().setOffline(true);
    await alice.waitForSelector("#status[data-state=waiting]");
    const wanted = ["1", "2", "3"];
    for (const text of wanted) await say(alice, text);
    await until(() => ticks(alice), ["waiting", "waiting", "waiting"]);
    // The page was not closed, and the list shows it too.
    expect(await alice.locator(".person .last").textContent()).toBe("You: 3");
    await alice.context().setOffline(false);
    await until(() => ticks(alice), ["accepted", "accepted", "accepted"]);
    const bob = await open(`/?user=${b}&to=${a}`);
    await until(() => texts(bob), wanted);
  });

  test("W36 the head says whether the other is online, and else when they were", async () => {
    const [a, b] = names();
    // Only those who have written to each other see it.
    await post(b, a, ["hello"]);
    const alice = await open(`/?user=${a}&to=${b}`);
    await online(alice);
    const presence = () => alice.textContent("#presence");
    const bob = await open(`/?user=${b}&to=${a}`);
    await until(presence, "online");
    await bob.context().close();
    await until(async () => (await presence())?.startsWith("last seen at "), true);
  });

  test("W38 mute, contacts and blocks, from the menu of the conversation", async () => {
    const [a, b] = names();
    await post(b, a, ["hello"]);
    const alice = await open(`/?user=${a}&to=${b}`);
    await online(alice);
    await choose(alice, "#peer", "Mute");
    await alice.waitForSelector(".person .muted");
    await choose(alice, "#peer", "Unmute");
    await until(() => alice.locator(".person .muted").count(), 0);
    await choose(alice, "#peer", "Add to contacts");
    await alice.click("#peer .menu button");
    await alice.waitForSelector("[role=menuitem]:text-is('Remove from contacts')");
    await alice.keyboard.press("Escape");
    await choose(alice, "#peer", "Block");
    await until(() => alice.locator("#blocked p").textContent(), `You have blocked ${b}.`);
    expect(await alice.locator("#composer").count()).toBe(0);
    await alice.reload();
    await alice.waitForSelector("#blocked");
    await online(alice);
    await alice.click("#blocked button");
    await alice.waitForSelector("#composer");
    // A contact is found by name, also without a message.
    await alice.goto(`${base()}/?user=${a}&to=dora`);
    await online(alice);
    await Promise.all([alice.waitForResponse(/\/contacts\//), choose(alice, "#peer", "Add to contacts")]);
    await alice.goto(`${base()}/?user=${a}`);
    await until(() => alice.locator(".person .name").allTextContents(), [b]);
    await alice.fill("#new-to", "or");
    await until(() => alice.locator(".person:not(.new) .name").allTextContents(), ["dora"]);
  });

  test("W45 a page in the background notifies, once for each conversation, with the tag of the push worker", async () => {
    const [a, b] = names();
    const prepare = async (page: Page) =>
      void (await page.addInitScript(`{
        globalThis.shown = [];
        globalThis.Notification = class { static permission = "granted"; constructor(title, { body, tag }) { shown.push({ title, body, tag }); } close() {} };
      }`));
    const alice = await open(`/?user=${a}`, { prepare });
    await online(alice);
    await post(b, a, ["while I look"]);
    await until(() => alice.locator(".person").count(), 1);
    await alice.evaluate("document.hasFocus = () => false");
    await post(b, a, ["while I do not"]);
    await until(async () => (await alice.evaluate<object[]>("shown")).length, 1);
    const list = (await (await fetch(`${base()}/conversations?user=${a}`)).json()) as {
      conversations: { id: string; conversation?: string }[];
    };
    const [row] = list.conversations;
    const id = row?.id ?? "";
    const tag = createHash("sha256").update(`default ${id}`).digest().subarray(0, 24).toString("base64url");
    expect(await alice.evaluate<object[]>("shown")).toEqual([{ title: b, body: "while I do not", tag }]);
    await until(() => alice.title(), `(2) ${a} – Tidings`);
  });

  test("W43 the page's scripts and its style are small", async () => {
    const kilobytes = (text: string): number => Bun.gzipSync(text, { level: 9 }).length / 1_024;
    const [first, rest] = await Promise.all([bundleWebScript("page.js"), bundleWebScript("page-rest.js")]);
    expect(kilobytes(first)).toBeLessThanOrEqual(22);
    expect(kilobytes(first) + kilobytes(rest)).toBeLessThanOrEqual(56);
    const styles = await Promise.all([webFile("chat.css"), webFile("page.css")]);
    expect(kilobytes(styles.join("\n"))).toBeLessThanOrEqual(4.5);
  });
});
