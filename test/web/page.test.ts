import { expect, test } from "bun:test";
import { randomUUID } from "node:crypto";
import { SignJWT } from "jose";
import type { Page } from "playwright-core";
import { connectRaw } from "../support/client.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { markPage, markup, namesOfProperties } from "./markup.ts";
import { dropDatabases, online, say, sayAll, storedCursor, texts, ticks, until } from "./page-actions.ts";
import { describePage } from "./with-page.ts";

describePage("the chat page", ({ base, port, open, names, post }) => {
  test("W5 without a user the page asks, and a + stays a +", async () => {
    const page = await open("/");
    await page.fill("#start-user", "+249912345678");
    await page.fill("#start-to", "zoë");
    await page.click("#start button");
    expect(await page.evaluate<boolean>(`document.querySelector("#start-to").validity.valid`)).toBe(false);
    await page.fill("#start-to", "+249900000001");
    await page.click("#start button");
    await online(page);
    expect(await page.textContent("#me")).toBe("+249912345678");
    expect(await page.textContent("#peer-name")).toBe("+249900000001");
    await page.goto(`${base()}/?user=+249912345678&to=+249900000001`);
    await online(page);
    expect(await page.textContent("#me")).toBe("+249912345678");
    await page.goto(`${base()}/?user=a%20b`);
    await page.waitForSelector("#start-problem:visible");
  });

  test("W6 with AUTH=jwt the page does not ask for names: `welcome` has the user", async () => {
    const secret = "a secret of at least 32 bytes, for tests";
    const token = await new SignJWT({})
      .setProtectedHeader({ alg: "HS256", typ: "JWT" })
      .setSubject("carol")
      .setExpirationTime("1h")
      .sign(new TextEncoder().encode(secret));
    const guarded = await startServer({ env: { AUTH: "jwt", JWT_SECRET: secret, JWT_COOKIE: "session" } });
    try {
      const url = `http://127.0.0.1:${guarded.port}`;
      const prepare = (page: Page) => page.context().addCookies([{ name: "session", value: token, url }]);
      const page = await open(`${url}/?to=dave`, { prepare });
      await until(() => page.textContent("#me"), "carol");
      await online(page);
      await say(page, "hello");
      await until(() => ticks(page), ["accepted"]);
      await page.reload();
      await until(() => texts(page), ["hello"]);
      await online(page);
      expect(await page.isVisible("#leave")).toBe(false);
      // The page closes before its server, or the browser logs a lost connection.
      await page.context().close();
    } finally {
      await guarded.dispose();
    }
  });

  test("W56 a browser where the user was never before asks for the first messages before the page's script is here, a later visit does not", async () => {
    const [a, b] = names();
    await post(b, a, ["hello"]);
    let asked: string[] = [];
    const messagesAsked = Promise.withResolvers<void>();
    const prepare = async (page: Page): Promise<void> => {
      page.on("request", (request) => {
        asked.push(new URL(request.url()).pathname);
        if (asked.at(-1) === "/messages") messagesAsked.resolve();
      });
      await page.route("**/page.js", async (route) => {
        await messagesAsked.promise;
        await route.continue();
      });
    };
    const page = await open(`/?user=${a}&to=${b}`, { prepare });
    await until(() => texts(page), ["hello"]);
    await online(page);
    // What came before the first connection is kept.
    expect(asked.filter((path) => path === "/messages")).toHaveLength(1);
    asked = [];
    await page.reload();
    await until(() => texts(page), ["hello"]);
    expect(asked).toContain("/page.js");
    expect(asked).not.toContain("/messages");
  });

  test("W7 W8 two people talk, and the ticks go accepted, delivered, read", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`);
    await online(alice);
    // With the mouse, as a user does it.
    await alice.fill("#text", "Hi Bob");
    await alice.click("#composer button");
    await until(() => ticks(alice), ["accepted"]);
    // Bob is here, but looks at no conversation.
    const bob = await open(`/?user=${b}`);
    await until(() => ticks(alice), ["delivered"]);
    await until(() => bob.textContent(".person .unread"), "1 unread");
    await until(async () => (await bob.title()).startsWith("(1) "), true);
    await bob.click(".person");
    await until(() => ticks(alice), ["read"]);
    await until(() => texts(bob), ["Hi Bob"]);
    await until(() => bob.locator(".person .unread").count(), 0);
    await say(bob, "Hi Alice");
    await until(() => texts(alice), ["Hi Bob", "Hi Alice"]);
    await until(() => ticks(bob), ["read"]);
    expect(await alice.getAttribute(".tick", "aria-label")).toBe("Read");
    expect(await alice.getAttribute("#log", "role")).toBe("log");
    await until(() => alice.textContent("#announcer"), `${b}: Hi Alice`);
  });

  test("W80 one's own name opens notes to oneself: on every device once, without ticks of others, a menu or a presence", async () => {
    const [a] = names();
    const [one, two] = [await open(`/?user=${a}`), await open(`/?user=${a}`)];
    await online(one);
    await online(two);
    await one.fill("#new-to", a);
    expect(await one.textContent(".person.new .name")).toBe("Note to self");
    await one.keyboard.press("Enter");
    await until(() => one.textContent("#peer-name"), "Note to self");
    expect(await one.textContent("#empty")).toContain("No notes yet");
    await say(one, "buy milk");
    await until(() => ticks(one), ["accepted"]);
    await until(() => two.textContent(".person .name"), "Note to self");
    await two.click(".person");
    await until(() => texts(two), ["buy milk"]);
    await say(two, "and bread");
    for (const page of [one, two]) {
      await until(() => texts(page), ["buy milk", "and bread"]);
      await until(() => ticks(page), ["accepted", "accepted"]);
      await until(async () => (await page.title()).startsWith("Note to self"), true);
      expect(await page.locator("#peer .menu, #presence, .person .unread, .divider").count()).toBe(0);
      expect(await page.locator(".person .last").allTextContents()).toEqual(["and bread"]);
    }
    await one.reload();
    await until(() => texts(one), ["buy milk", "and bread"]);
  });

  test("W8 a message that is scrolled out of view, or in a hidden page, is not marked as read", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`);
    const bob = await open(`/?user=${b}&to=${a}`, { viewport: { width: 390, height: 500 } });
    await Promise.all([online(alice), online(bob)]);
    await sayAll(
      alice,
      Array.from({ length: 20 }, (_, at) => `line ${at}`),
    );
    await until(async () => (await ticks(alice)).at(-1), "read");
    await bob.evaluate(`document.querySelector("#log").scrollTop = 0`);
    await say(alice, "far below");
    await bob.waitForSelector("#latest:visible");
    await until(async () => (await ticks(alice)).at(-1), "delivered");
    await Bun.sleep(300);
    expect((await ticks(alice)).at(-1)).toBe("delivered");
    await bob.click("#latest");
    await until(async () => (await ticks(alice)).at(-1), "read");

    const turn = (state: string) => `
      Object.defineProperty(document, "visibilityState", { value: "${state}", configurable: true });
      document.dispatchEvent(new Event("visibilitychange"));`;
    await bob.evaluate(turn("hidden"));
    await say(alice, "nobody looks");
    await until(async () => (await ticks(alice)).at(-1), "delivered");
    await until(async () => (await bob.title()).startsWith("(1) "), true);
    expect((await ticks(alice)).at(-1)).toBe("delivered");
    await bob.evaluate(turn("visible"));
    await until(async () => (await ticks(alice)).at(-1), "read");
  });

  test("W9 typing shows, and goes when the message comes or nothing follows for 5 s", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`);
    const bob = await open(`/?user=${b}&to=${a}`);
    await Promise.all([online(alice), online(bob)]);
    await say(alice, "first");
    await until(() => texts(bob), ["first"]);
    await alice.locator("#text").pressSequentially("seco");
    await until(() => bob.locator("#typing").textContent(), "typing…");
    await alice.keyboard.press("Enter");
    await until(() => bob.locator("#typing").textContent(), "");
    await until(() => texts(bob), ["first", "seco"]);
    await alice.locator("#text").pressSequentially("x");
    await until(() => bob.locator("#typing").textContent(), "typing…");
    await until(() => bob.locator("#typing").textContent(), "");
  });

  test("W10 messages that were sent while a user was away arrive on return, in order, exactly once", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`);
    let bob = await open(`/?user=${b}&to=${a}`);
    await Promise.all([online(alice), online(bob)]);
    await say(alice, "0");
    // His read mark goes out after he has seen it.
    await until(() => ticks(alice), ["read"]);
    const profile = bob.context();
    await bob.close();
    const wanted = Array.from({ length: 30 }, (_, at) => String(at));
    await sayAll(alice, wanted.slice(1));
    await until(() => ticks(alice), ["read", ...Array.from({ length: 29 }, () => "accepted" as const)]);
    bob = await profile.newPage();
    await bob.goto(`${base()}/?user=${b}&to=${a}`);
    await until(() => texts(bob), wanted);
    await until(
      () => ticks(alice),
      wanted.map(() => "read"),
    );
  });

  test("W11 a new browser profile is a new device: it gets the messages that no other device has acked", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`);
    await say(alice, "for whoever comes first");
    await until(() => ticks(alice), ["accepted"]);
    const devices: (string | null)[] = [];
    const watch = async (page: Page) => {
      page.on("websocket", (socket) => devices.push(new URL(socket.url()).searchParams.get("device")));
    };
    const first = await open(`/?user=${b}&to=${a}`, { prepare: watch });
    await until(() => texts(first), ["for whoever comes first"]);
    await until(() => ticks(alice), ["read"]);
    await first.reload();
    await online(first);
    // The browser drops its data under the page, which closes its storage and begins anew.
    await first.evaluate(dropDatabases);
    await until(async () => devices.length, 3);
    await online(first);
    expect(devices[0]).toBe(devices[1] ?? null);
    expect(devices[2]).not.toBe(devices[1] ?? null);
  });

  test("W12 a reload keeps the history and goes on from the stored cursor", async () => {
    const [a, b] = names();
    let frames: string[] = [];
    const prepare = async (page: Page) =>
      void page.on("websocket", (socket) =>
        socket.on("framereceived", ({ payload }) => void frames.push(String(payload))),
      );
    const alice = await open(`/?user=${a}&to=${b}`, { prepare });
    await say(alice, "one");
    await say(alice, "two");
    await until(() => ticks(alice), ["accepted", "accepted"]);
    // An empty `changes` moves the cursor past one's own messages.
    const typeOf = (frame: string | undefined): unknown => (JSON.parse(frame ?? "{}") as { type?: unknown }).type;
    await until(async () => typeOf(frames.at(-1)), "changes");
    const { cursor } = JSON.parse(frames.at(-1) ?? "{}") as { cursor: string };
    await until(() => storedCursor(alice), cursor);
    frames = [];
    await alice.reload();
    await online(alice);
    await until(() => texts(alice), ["one", "two"]);
    await until(async () => frames.some((frame) => frame.includes('"changes"')), true);
    expect(frames.join()).not.toContain('"text":"one"');
  });

  test("W13 after a crash of the server both pages reconnect, and messages written in between arrive once", async () => {
    const own = await startServer();
    const url = `http://127.0.0.1:${own.port}`;
    let again: RunningServer | null = null;
    try {
      const quiet: string[] = [];
      const alice = await open(`${url}/?user=alice&to=bob`, { complaints: quiet });
      const bob = await open(`${url}/?user=bob&to=alice`, { complaints: quiet });
      await Promise.all([online(alice), online(bob)]);
      await say(alice, "before");
      await until(() => ticks(alice), ["read"]);
      await own.kill9();
      await alice.waitForSelector("#status[data-state=waiting]");
      expect(await alice.textContent("#status")).toMatch(/Offline – reconnecting in \d+ s/);
      await say(alice, "meanwhile 1");
      await say(alice, "meanwhile 2");
      await until(() => ticks(alice), ["read", "waiting", "waiting"]);
      again = await startServer({ dir: own.dir, port: own.port });
      await until(() => ticks(alice), ["read", "read", "read"]);
      await until(() => texts(bob), ["before", "meanwhile 1", "meanwhile 2"]);
      await say(bob, "after");
      await until(() => texts(alice), ["before", "meanwhile 1", "meanwhile 2", "after"]);
      // The browser itself logs every refused connection; the page must add nothing to that.
      expect(quiet.filter((text) => !/WebSocket connection to|ERR_CONNECTION_REFUSED/.test(text))).toEqual([]);
    } finally {
      await again?.stop();
      await own.dispose();
    }
  });

  test("W14 messages that were written offline survive a reload of the page", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`);
    await online(alice);
    // From here on this page can send nothing.
    await alice.evaluate(`WebSocket.prototype.send = () => {}`);
    await say(alice, "kept");
    await until(() => ticks(alice), ["waiting"]);
    await alice.reload();
    await until(() => ticks(alice), ["accepted"]);
    expect(await texts(alice)).toEqual(["kept"]);
  });

  const payloads = [
    "<script>document.title='pwned'</script>",
    "<img src=x onerror=\"document.title='pwned'\">",
    "<svg/onload=alert(1)>",
    "<iframe srcdoc='<script>parent.document.title=1</script>'>",
    "</p></div><style>*{display:none}</style>",
    "<a href='javascript:alert(1)'>x</a>",
    "javascript:alert(1)",
    "&lt;b&gt;{{7*7}}${7*7}",
    "<math><mtext></p><img src=x onerror=alert(1)>",
    "\u202Ertl <b>\u0000\u0007 ]]>",
  ];
  test("W15 messages and names are shown as text only", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`);
    const bob = await open(`/?user=${b}&to=${a}`);
    await Promise.all([online(alice), online(bob)]);
    await sayAll(alice, payloads);
    await until(
      () => texts(bob),
      payloads.map((payload) => payload.replaceAll("\0", "")),
    );
    for (const page of [alice, bob]) {
      expect(await page.locator("#log :is(script, img, iframe, style, a, b, math)").count()).toBe(0);
      expect(await page.locator("#people :is(script, img, iframe, style, b, math)").count()).toBe(0);
      expect(await page.evaluate("[...document.scripts].map(({ src }) => new URL(src).pathname)")).toEqual([
        "/early.js",
        "/page.js",
      ]);
      expect(await page.title()).toEndWith("Tidings");
    }
  });

  /** Sends all payloads to bob from one user, and the first from each other one. Returns the elements that they became, and whether one ran. */
  async function injectInto(
    bob: Page,
    name: string,
    payloads: readonly string[] = markup,
  ): Promise<{ elements: string[]; hasRun: boolean }> {
    await online(bob);
    const sender = await connectRaw(port(), `/ws?user=${namesOfProperties[0]}`);
    for (const text of payloads) sender.text(JSON.stringify({ type: "send", id: randomUUID(), to: name, text }));
    for (const from of namesOfProperties.slice(1)) {
      const other = await connectRaw(port(), `/ws?user=${encodeURIComponent(from)}`);
      other.text(JSON.stringify({ type: "send", id: randomUUID(), to: name, text: payloads[0] }));
    }
    await until(async () => (await bob.locator(".person").count()) >= namesOfProperties.length, true);
    // A payload that is taken for markup may run a moment later.
    await Bun.sleep(200);
    const elements = await bob.evaluate<string[]>(`[...document.querySelectorAll("#log *, .person *, #peer-name *")]
      .filter((one) => /^(script|img|iframe|style|link|meta|base|object|embed|form|input|video|audio|details|template|math|a|b|i)$/i.test(one.tagName)
        || [...one.attributes].some(({ name }) => /^on|^(src|srcdoc|href|action|formaction|style)$/.test(name)))
      .map((one) => one.outerHTML.slice(0, 80))`);
    return { elements, hasRun: await hasRunIn(bob) };
  }
  const hasRunIn = (page: Page) => page.evaluate<boolean>(`"pwned" in document.documentElement.dataset`);

  test("W15 hidden markup of many kinds, and names that are properties of every object, stay text", async () => {
    const [, name] = names();
    const bob = await open(`/?user=${name}&to=__proto__`);
    expect(await injectInto(bob, name)).toEqual({ elements: [], hasRun: false });
    await until(() => texts(bob), [...markup]);
    expect(await bob.locator(".person").count()).toBe(namesOfProperties.length);
    expect(await bob.isVisible("#log")).toBe(true);
  });

  test("control: W15 a page that inserts text as markup, without its policy, is noticed", async () => {
    const [, name] = names();
    const careless = `document.createTextNode = (text) => {
        const whole = document.createElement("span");
        whole.innerHTML = text;
        return whole;
      }`;
    const prepare = async (page: Page) => void (await page.addInitScript(careless));
    const bob = await open(`/?user=${name}&to=__proto__`, { prepare, bypassCSP: true, isNoisy: true });
    // The worst payload would replace the page itself.
    const { elements } = await injectInto(bob, name, [`<img src=x onerror="${markPage}">`, "<b id=x>bold</b>"]);
    expect(elements.length).toBeGreaterThan(1);
    await until(() => hasRunIn(bob), true);
  });

  /** The elements with content that is wider than themselves, unless they clip or scroll it. */
  const overflowing = `[...document.querySelectorAll("body *")]
    .filter((one) => one.clientWidth > 0 && one.scrollWidth > one.clientWidth + 1)
    .filter((one) => getComputedStyle(one).overflowX === "visible")
    .map((one) => one.tagName + " " + one.className)`;
  /** The shorter side of each visible target. */
  const targetSides = `[...document.querySelectorAll("button, input, textarea, a[href]")]
    .filter((one) => one.checkVisibility({ visibilityProperty: true }))
    .map((one) => one.getBoundingClientRect())
    .filter(({ width, height }) => width > 0 && height > 0)
    .map(({ width, height }) => Math.min(width, height))`;
  for (const [width, height] of [
    [320, 568],
    [390, 300],
    [768, 1024],
  ] as const) {
    test(`W16 ${width}×${height}: nothing overflows, the composer is there, targets are at least 44 px`, async () => {
      const [a, b] = names();
      const alice = await open(`/?user=${a}&to=${b}`, { viewport: { width, height }, hasTouch: true, isMobile: true });
      await online(alice);
      await say(alice, "x".repeat(300));
      await say(alice, "two words\n\nand lines");
      await sayAll(
        alice,
        Array.from({ length: 10 }, (_, at) => `${at}`),
      );
      await until(async () => (await ticks(alice)).every((tick) => tick === "accepted"), true);
      const check = async () => {
        expect(await alice.evaluate<number>("document.documentElement.scrollWidth - innerWidth")).toBe(0);
        expect(await alice.evaluate<string[]>(overflowing)).toEqual([]);
        const sides = await alice.evaluate<number[]>(targetSides);
        expect(sides.length).toBeGreaterThan(2);
        expect(Math.min(...sides)).toBeGreaterThanOrEqual(44);
      };
      await check();
      const composer = await alice.locator("#composer").boundingBox();
      expect((composer?.y ?? 0) + (composer?.height ?? 0)).toBeLessThanOrEqual(height);
      const newest = await alice.locator(".message").last().boundingBox();
      expect((newest?.y ?? 0) + (newest?.height ?? 0)).toBeLessThanOrEqual(composer?.y ?? 0);
      if (width < 768) await alice.click("#back");
      await check();
    });
  }

  test("W17 conversations can be switched, and only the open one is read", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`);
    const carol = await open(`/?user=carol&to=${a}`);
    await Promise.all([online(alice), online(carol)]);
    await say(carol, "psst");
    await until(() => ticks(carol), ["delivered"]);
    await alice.fill("#new-to", "no body");
    await alice.keyboard.press("Enter");
    expect(await alice.textContent("#peer-name")).toBe(b);
    await alice.fill("#new-to", "carol");
    await alice.keyboard.press("Enter");
    await until(() => texts(alice), ["psst"]);
    await until(() => ticks(carol), ["read"]);
    await alice.goBack();
    expect(await alice.textContent("#peer-name")).toBe(b);
    await until(() => texts(alice), []);
  });

  test("W18 two tabs of one profile show the same and lose nothing", async () => {
    const [a, b] = names();
    const first = await open(`/?user=${a}&to=${b}`);
    await online(first);
    const second = await first.context().newPage();
    await second.goto(`${base()}/?user=${a}&to=${b}`);
    await online(second);
    // By keys: the tab behind draws once a second, and a click waits for two of its frames.
    const enter = async (page: Page, text: string): Promise<void> => {
      await page.fill("#text", text);
      await page.press("#text", "Enter");
    };
    for (const at of [1, 2, 3]) {
      await enter(first, `first ${at}`);
      await until(async () => (await texts(second)).includes(`first ${at}`), true);
      await enter(second, `second ${at}`);
      await until(async () => (await texts(first)).includes(`second ${at}`), true);
    }
    const all = ["first 1", "second 1", "first 2", "second 2", "first 3", "second 3"];
    for (const page of [first, second]) {
      await until(() => texts(page), all);
      await page.reload();
      await until(() => texts(page), all);
    }
  });
});
