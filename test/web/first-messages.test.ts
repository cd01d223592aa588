import { expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import type { Page, Route } from "playwright-core";
import { startServer } from "../support/server.ts";
import { online, texts, ticks, until } from "./page-actions.ts";
import { describePage } from "./with-page.ts";

const restUrl = /\/page-rest\.js/;

/** Keeps the script with the client from the page, until it is let through. */
function heldRest() {
  const { promise, resolve } = Promise.withResolvers<void>();
  const prepare = async (page: Page): Promise<void> =>
    void (await page.route(restUrl, async (route: Route) => {
      await promise;
      await route.continue();
    }));
  return { prepare, letThrough: resolve };
}

const field = (page: Page) => page.inputValue("#text");

describePage("the page before its client is here", ({ base, open, names, post }) => {
  test("W73 the first messages are shown, and are the same elements when the client is here", async () => {
    const [a, b] = names();
    await post(b, a, ["one", "two"]);
    const { prepare, letThrough } = heldRest();
    const alice = await open(`/?user=${a}&to=${b}`, { prepare });
    await until(() => texts(alice), ["one", "two"]);
    expect(await alice.locator(".divider").count()).toBe(1);
    await alice.evaluate(`globalThis.before = [...document.querySelectorAll(".message, #text")]`);
    expect(await alice.evaluate(`document.activeElement.id`)).toBe("text");
    letThrough();
    await online(alice);
    await until(() => alice.locator(".person").count(), 1);
    expect(
      await alice.evaluate(
        `JSON.stringify([...document.querySelectorAll(".message, #text")].map((one, at) => one === before[at]))`,
      ),
    ).toBe("[true,true,true]");
    expect(await alice.locator(".divider").count()).toBe(1);
    // They were on screen before, and count as read once somebody can be told.
    const bob = await open(`/?user=${b}&to=${a}`);
    await until(() => ticks(bob), ["read", "read"]);
  });

  test("W73 the focus stays where its user has put it before the client is here", async () => {
    const [a, b] = names();
    await post(b, a, ["hello"]);
    const { prepare, letThrough } = heldRest();
    const alice = await open(`/?user=${a}&to=${b}`, { prepare });
    await until(() => texts(alice), ["hello"]);
    await alice.focus("#log");
    letThrough();
    await online(alice);
    await until(() => alice.locator(".person").count(), 1);
    expect(await alice.evaluate(`document.activeElement.id`)).toBe("log");
  });

  test("W73 what is typed before stays in the field, and what is sent before is sent once", async () => {
    const [a, b] = names();
    await post(b, a, ["hello"]);
    const typing = heldRest();
    const alice = await open(`/?user=${a}&to=${b}`, typing);
    await until(() => texts(alice), ["hello"]);
    await alice.keyboard.type("half a thou");
    typing.letThrough();
    await online(alice);
    expect(await field(alice)).toBe("half a thou");
    await alice.reload();
    await online(alice);
    await until(() => field(alice), "half a thou");

    const sending = heldRest();
    const bob = await open(`/?user=${b}&to=${a}`, sending);
    await until(() => texts(bob), ["hello"]);
    await bob.keyboard.type("early");
    for (let times = 0; times < 2; times++) await bob.keyboard.press("Enter");
    expect(await field(bob)).toBe("early");
    sending.letThrough();
    await until(() => texts(bob), ["hello", "early"]);
    await until(async () => (await ticks(bob)).map((tick) => tick !== "waiting"), [true, true]);
    expect(await field(bob)).toBe("");
    await until(() => texts(alice), ["hello", "early"]);
  });

  test("W73 the script with the client is asked for after the first messages, where the device has some at once", async () => {
    const [a, b] = names();
    await post(b, a, ["hello"]);
    const shown: number[] = [];
    const prepare = async (page: Page): Promise<void> =>
      void (await page.route(restUrl, async (route) => {
        shown.push(await page.locator(".message").count());
        await route.continue();
      }));
    const alice = await open(`/?user=${a}&to=${b}`, { prepare });
    await online(alice);
    expect(shown).toEqual([1]);
    const preloads = () => alice.locator("link[rel=modulepreload]").count();
    expect(await preloads()).toBe(0);
    for (const path of [`/?user=${a}&to=${b}`, `/?user=${a}`, `/?user=${b}&to=${a}&seq=1`]) {
      await alice.goto(base() + path);
      await online(alice);
      expect(await preloads()).toBe(1);
    }
  });

  test("W73 what is chosen before is done when the client is here", async () => {
    const [a, b] = names();
    await post(b, a, ["hello"]);
    const { prepare, letThrough } = heldRest();
    const alice = await open(`/?user=${a}&to=${b}`, { prepare });
    await until(() => texts(alice), ["hello"]);
    await alice.click("#peer .menu button");
    await alice.click(`[role=menuitem]:text-is("Block")`);
    letThrough();
    await alice.waitForSelector("#blocked");
  });

  test("W73 a page that is left before its client is here has what was typed when it is opened again", async () => {
    const [a, b] = names();
    await post(b, a, ["hello"]);
    const { prepare, letThrough } = heldRest();
    const alice = await open(`/?user=${a}&to=${b}`, { prepare });
    await until(() => texts(alice), ["hello"]);
    await alice.keyboard.type("half a thou");
    await alice.goto(`${base()}/`);
    letThrough();
    await alice.goto(`${base()}/?user=${a}&to=${b}`);
    await online(alice);
    await until(() => field(alice), "half a thou");
  });

  test("W73 where a cookie proves the user, the first messages are shown as theirs", async () => {
    const secret = "a secret of at least 32 bytes, for tests";
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setSubject("carol")
      .setExpirationTime("1h")
      .sign(new TextEncoder().encode(secret));
    const guarded = await startServer({ env: { AUTH: "jwt", JWT_SECRET: secret, JWT_COOKIE: "session" } });
    try {
      const url = `http://127.0.0.1:${guarded.port}`;
      const sent = await fetch(`${url}/messages`, {
        method: "POST",
        headers: { "Content-Type": "application/json", Authorization: `Bearer ${token}` },
        body: JSON.stringify({ id: randomUUID(), to: "dave", text: "mine" }),
      });
      expect(sent.status).toBe(201);
      const { prepare, letThrough } = heldRest();
      const page = await open(`${url}/?to=dave`, {
        async prepare(made) {
          await made.context().addCookies([{ name: "session", value: token, url }]);
          await prepare(made);
        },
      });
      await until(() => ticks(page), ["accepted"]);
      expect(await texts(page)).toEqual(["mine"]);
      letThrough();
      await online(page);
      // The page closes before its server, or the browser logs a lost connection.
      await page.context().close();
    } finally {
      await guarded.dispose();
    }
  });

  test("W74 a page whose client cannot be loaded says so, keeps what it shows, and tries again", async () => {
    const [a, b] = names();
    await post(b, a, ["hello"]);
    let isBroken = true;
    const prepare = async (page: Page): Promise<void> =>
      void (await page.route(restUrl, (route) => (isBroken ? route.abort() : route.continue())));
    const alice = await open(`/?user=${a}&to=${b}`, { prepare, isNoisy: true });
    await alice.waitForSelector("#broken[role=alert]");
    expect(await texts(alice)).toEqual(["hello"]);
    await alice.keyboard.type("half a thou");
    // Without a network the browser would show a page of its own.
    await alice.context().setOffline(true);
    await alice.click("#broken button");
    await until(() => alice.textContent("#broken span"), "The server cannot be reached: nothing can be sent.");
    expect(await texts(alice)).toEqual(["hello"]);
    await alice.context().setOffline(false);
    isBroken = false;
    await alice.click("#broken button");
    await online(alice);
    await until(() => texts(alice), ["hello"]);
    await until(() => field(alice), "half a thou");
    // A device with messages of its own shows them with the client only.
    isBroken = true;
    await alice.reload();
    await alice.waitForSelector("[role=alert]");
    expect(await alice.textContent("[role=alert] h2")).toBe("The page cannot be loaded");
    isBroken = false;
    await alice.click("[role=alert] button");
    await online(alice);
    await until(() => texts(alice), ["hello"]);
    await until(() => field(alice), "half a thou");
  });

  test("W74 a page never gets the rest of another release", async () => {
    const page = await (await fetch(`${base()}/page.js`)).text();
    const [address = ""] = restAddress.exec(page) ?? [];
    expect(await (await fetch(`${base()}/`)).text()).toContain(`data-rest="/${address}"`);
    expect((await fetch(`${base()}/${address}`)).status).toBe(200);
    expect((await fetch(`${base()}/${address.slice(0, -1)}`)).status).toBe(404);
  });
});

const restAddress = /page-rest\.js\?v=\w+/;
