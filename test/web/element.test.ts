import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { bundleWebScript } from "../../src/standalone/web-file.ts";
import { plant } from "../plants/index.ts";
import { faultsOf, withAxe } from "./axe.ts";
import { ask, online, people, say, texts, ticks } from "./element-actions.ts";
import { describeElement } from "./element-host.ts";
import { until } from "./page-actions.ts";

/** Keeps the events of the page in `events`. */
const listening = `
  globalThis.events = [];
  for (const name of ["message", "accepted", "failed", "unread", "status", "open"])
    document.addEventListener("tidings-" + name, ({ target, detail }) => events.push([target.id, name, detail]));`;

describeElement({ title: "the element" }, ({ open, again, chat, names }) => {
  test("W60 W62 two people talk in their own pages, each message shows once, and events report it", async () => {
    const [a, b] = names();
    const html = (user: string, other: string): string =>
      `<tidings-chat id="one" url="/chat" user="${user}" with="${other}"></tidings-chat>`;
    const [alice, bob] = await Promise.all([
      open({ user: a, html: html(a, b), script: listening }),
      open({ user: b, html: html(b, a), script: listening }),
    ]);
    await Promise.all([online(alice), online(bob)]);
    expect(await people(alice)).toEqual([]);
    await say(alice, "<b>Hello</b>");
    await until(() => texts(bob), ["<b>Hello</b>"]);
    await until(() => ticks(alice), ["read"]);
    await say(bob, "Hi");
    await until(() => texts(alice), ["<b>Hello</b>", "Hi"]);
    // Of another conversation: it is unread, and no message of this element.
    await chat().send({ from: "carol", to: b, text: "psst" });
    await until(() => bob.evaluate<unknown>(`events.findLast(([, name]) => name === "unread")[2].messages`), 1);
    expect(await texts(bob)).toEqual(["<b>Hello</b>", "Hi"]);
    const told = await bob.evaluate<unknown[]>(
      `events.filter(([, name]) => name === "message" || name === "accepted").map(([id, name, { text }]) => [id, name, text])`,
    );
    expect(told).toEqual([
      ["one", "message", "<b>Hello</b>"],
      ["one", "accepted", "Hi"],
    ]);
    expect(await bob.evaluate(`events.findLast(([, name]) => name === "status")[2].state`)).toBe("online");
  });

  test("W60 no style of the page is in the element, and none of the element in the page", async () => {
    const [a, b] = names();
    const css = `body * { font-size: 40px !important; color: red; letter-spacing: 9px; --accent: red; --rem: 1px }
      html { font-size: 10px } button, p, li, textarea { display: none !important }
      #one { --tidings-accent: rgb(1, 2, 3); border-radius: 9px } #one::part(send) { outline: 3px solid rgb(4, 5, 6) }`;
    await chat().send({ from: b, to: a, text: "Hello" });
    const html = `<p class="hidden person" id="peer">Mine</p><tidings-chat id="one" url="/chat" user="${a}" with="${b}"></tidings-chat>`;
    const alice = await open({ user: a, html, css });
    await until(() => texts(alice), ["Hello"]);
    const styleOf = (selector: string, names: readonly string[]) =>
      alice.evaluate<string[]>(`(() => {
        const style = getComputedStyle(document.querySelector("#one").shadowRoot.querySelector(${JSON.stringify(selector)}));
        return ${JSON.stringify(names)}.map((name) => style[name]);
      })()`);
    expect(await styleOf(".message .text", ["fontSize", "color", "letterSpacing"])).toEqual([
      "16px",
      "rgb(23, 26, 33)",
      "normal",
    ]);
    expect(await styleOf("#text", ["display", "minHeight"])).toEqual(["block", "44px"]);
    expect(await styleOf("[part=send]", ["backgroundColor", "outlineColor"])).toEqual(["rgb(1, 2, 3)", "rgb(4, 5, 6)"]);
    expect(await alice.evaluate(`getComputedStyle(document.querySelector("p.hidden")).position`)).toBe("static");
  });

  test("W61 elements of one account share a client and what it shows, and one that is moved goes on with it", async () => {
    const [a, b] = names();
    await chat().send({ from: b, to: a, text: "Hello" });
    const html = `<section id="left"><tidings-chat id="one" url="/chat" user="${a}" view="list"></tidings-chat></section>
      <section id="right"><tidings-chat id="two" url="/chat/" user="${a}" view="thread"></tidings-chat></section>`;
    // A list and a thread, each in its own element.
    const script = `${listening}
      document.addEventListener("tidings-open", ({ target, detail }) => { if (target.id === "one") document.querySelector("#two").open(detail); });`;
    let sockets = 0;
    const prepare = async (page: Page) => void page.on("websocket", () => sockets++);
    const alice = await open({ user: a, html, script, prepare });
    await until(() => people(alice), [b]);
    await alice.click("#one .person");
    await until(() => texts(alice, "two"), ["Hello"]);
    await alice.locator("#one .person[aria-current=page]").waitFor();
    await online(alice);
    await alice.fill("#two #text", "half a text");
    expect(await ask(alice, `chat.client === document.querySelector("#two").client`)).toBe(true);
    await alice.evaluate(`globalThis.kept = document.querySelector("#two").client`);
    // In one turn, as sorting does, and later, as a router does.
    await alice.evaluate(`document.querySelector("#left").append(document.querySelector("#two"))`);
    expect(await alice.inputValue("#two #text")).toBe("half a text");
    await alice.evaluate(
      `globalThis.taken = [...document.querySelectorAll("tidings-chat")]; for (const one of taken) one.remove()`,
    );
    await alice.evaluate(`document.querySelector("#right").append(...taken)`);
    await until(() => texts(alice, "two"), ["Hello"]);
    expect(await alice.inputValue("#two #text")).toBe("half a text");
    expect(await alice.evaluate(`document.querySelector("#two").client === kept`)).toBe(true);
    expect(sockets).toBe(1);
  });

  /** An element whose user has written a message without a network. */
  async function writesOffline() {
    const [a, b] = names();
    const html = `<tidings-chat id="one" url="/chat" user="${a}" with="${b}"></tidings-chat>`;
    const alice = await open({ user: a, html, isNoisy: true });
    await online(alice);
    await alice.clock.install();
    await alice.context().setOffline(true);
    await alice.locator("#one #status[data-state=waiting]").waitFor();
    await say(alice, "on the train");
    await until(() => ticks(alice), ["waiting"]);
    return { a, b, alice };
  }

  test("W61 a client that no element shows ends, when everything is sent", async () => {
    const { a, b, alice } = await writesOffline();
    // What follows the queue, of the page and of the end that waits for it.
    await alice.evaluate(`{
      globalThis.kept = document.querySelector("#one").client;
      globalThis.followers = 0;
      const { outbox } = kept, { subscribe } = outbox;
      outbox.subscribe = (listener) => {
        const end = subscribe(listener);
        followers++;
        return () => (followers--, end());
      };
      globalThis.taken = document.querySelector("#one");
      globalThis.place = taken.parentNode;
      taken.remove();
    }`);
    for (let times = 0; times < 3; times++) {
      await alice.clock.runFor(6_000);
      expect(await alice.evaluate("followers")).toBe(1);
      await alice.evaluate("place.append(taken)");
      await until(() => ticks(alice), ["waiting"]);
      expect(await alice.evaluate("[followers, taken.client === kept]")).toEqual([0, true]);
      await alice.evaluate("taken.remove()");
    }
    const state = () => alice.evaluate<string>("kept.status.get().state");
    await alice.clock.runFor(6_000);
    expect(await state()).toBe("waiting");
    await alice.context().setOffline(false);
    await alice.evaluate("kept.retry()");
    await until(async () => (await alice.clock.runFor(100), await state()), "closed");
    expect((await chat().messages({ user: b, with: a })).messages.map(({ text }) => text)).toEqual(["on the train"]);
  });

  test("W61 a client that no element shows ends also where nothing can be sent, and the next one sends it", async () => {
    const { a, b, alice } = await writesOffline();
    await alice.evaluate(`globalThis.one = document.querySelector("#one"); globalThis.kept = one.client; one.remove()`);
    await alice.clock.runFor(200_000);
    expect(await alice.evaluate<string>("kept.status.get().state")).not.toBe("closed");
    await alice.clock.runFor(110_000);
    expect(await alice.evaluate<string>("kept.status.get().state")).toBe("closed");
    await alice.context().setOffline(false);
    await alice.evaluate("document.body.append(one)");
    await until(async () => (await alice.clock.runFor(100), await ticks(alice)), ["accepted"]);
    expect(await alice.evaluate<boolean>("one.client === kept")).toBe(false);
    expect((await chat().messages({ user: b, with: a })).messages.map(({ text }) => text)).toEqual(["on the train"]);
  });

  test("W62 attributes and properties can change at any time, also before the element is defined", async () => {
    const [a, b] = names();
    await chat().send({ from: b, to: a, text: "from b" });
    await chat().send({ from: "carol", to: a, text: "from carol" });
    const script = `const chat = document.querySelector("#one"); chat.user = ${JSON.stringify(a)};`;
    const alice = await open({
      user: a,
      html: `<tidings-chat id="one" url="/chat" with="${b}"></tidings-chat>`,
      script: `${listening}${script}`,
    });
    await until(() => texts(alice), ["from b"]);
    await ask(alice, `chat.with = "carol"`);
    await until(() => texts(alice), ["from carol"]);
    expect(await ask<string>(alice, `chat.getAttribute("with")`)).toBe("carol");
    await ask(alice, `chat.view = "full"`);
    await until(async () => (await people(alice)).sort(), [a.replace("alice", "bob"), "carol"].sort());
    await ask(alice, `chat.open("${b}")`);
    await until(() => texts(alice), ["from b"]);
    await ask(alice, `chat.open(null)`);
    await alice.locator("#one #app[data-view=people]").waitFor();
    // What the user opens is reported; a page that prevents it shows it elsewhere.
    await alice.evaluate(
      `document.addEventListener("tidings-open", (event) => event.preventDefault(), { once: true })`,
    );
    await alice.click(`#one .person:has-text("carol")`);
    await alice.click(`#one .person:has-text("${b}")`);
    await until(() => texts(alice), ["from b"]);
    expect(
      await alice.evaluate(`events.filter(([, name]) => name === "open").map(([, , target]) => target.with)`),
    ).toEqual(["carol", b]);
    // Nobody's: no user, or a name that is none.
    for (const user of ["", "a b", null]) {
      await ask(alice, `chat.user = ${JSON.stringify(user)}`);
      await until(() => alice.locator("#one #app").count(), 0);
      expect(await ask(alice, "chat.client")).toBe(null);
    }
    // A tenant that is empty is none, and one that is no name is nobody's.
    await ask(alice, `(chat.user = ${JSON.stringify(a)}, chat.tenant = "a b")`);
    await alice.evaluate("Promise.resolve()");
    expect(await ask(alice, "chat.client")).toBe(null);
    await ask(alice, `chat.tenant = ""`);
    await until(() => texts(alice), ["from b"]);
    // An address with a query is no place of a chat.
    const url = String(await ask(alice, "chat.url"));
    await ask(alice, `chat.url = ${JSON.stringify(`${url}?room=1`)}`);
    await until(() => alice.locator("#one #app").count(), 0);
    await ask(alice, `chat.url = ${JSON.stringify(url)}`);
    await until(() => texts(alice), ["from b"]);
    await ask(alice, `(chat.user = null, chat.tenant = null)`);
    // A client of the page's own, with which the element ends nothing.
    await ask(alice, `chat.user = ${JSON.stringify(a)}`);
    await until(() => texts(alice), ["from b"]);
    await ask(alice, `globalThis.own = chat.client, chat.user = null, chat.client = own`);
    await until(() => texts(alice), ["from b"]);
  });

  test("W63 W64 a token that comes late is used, and signing out ends all elements of the account in all tabs", async () => {
    const [a, b] = names();
    await chat().send({ from: b, to: a, text: "a secret" });
    const html = `<tidings-chat id="one" url="/chat" user="${a}" with="${b}"></tidings-chat><tidings-chat id="two" url="/chat" user="${a}"></tidings-chat>`;
    const page = { user: a, html, proof: "token", isNoisy: true } as const;
    const alice = await open(page);
    await until(() => alice.locator("#one #status-text").textContent(), "The server refuses your sign-in.");
    await ask(alice, `chat.authenticate = async () => ({ token: ${JSON.stringify(a)} })`);
    await until(() => texts(alice), ["a secret"]);
    await online(alice, "two");
    const tab = await again(alice);
    await ask(tab, `chat.token = ${JSON.stringify(a)}`);
    await until(() => texts(tab), ["a secret"]);
    expect(await ask<object>(alice, "await chat.signOut()")).toEqual({ unsent: 0 });
    for (const [where, id] of [
      [alice, "one"],
      [alice, "two"],
      [tab, "one"],
      [tab, "two"],
    ] as const)
      await until(() => where.locator(`#${id} .nothing`).textContent(), "You are signed out.");
    expect(await alice.evaluate<unknown[]>("indexedDB.databases()")).toEqual([]);
    // With other credentials it is shown again.
    await ask(alice, `chat.authenticate = async () => ({ token: ${JSON.stringify(a)}, expiresAt: Infinity })`);
    await until(() => texts(alice), ["a secret"]);
  });

  for (const width of [1180, 360])
    test(`W65 axe finds nothing in a page with elements, and everything can be done from the keyboard, ${width} px`, async () => {
      const [a, b] = names();
      await chat().send({ from: b, to: a, text: "Hello" });
      await chat().send({ from: "carol", to: a, text: "psst" });
      const html = `<input id="mine" aria-label="Mine" autofocus /><tidings-chat id="one" url="/chat" user="${a}"></tidings-chat>
        <tidings-chat id="two" url="/chat" user="${a}" with="${b}"></tidings-chat>`;
      const css = `:root { color-scheme: light dark } #one, #two { border: 1px solid; height: 400px }`;
      const alice = await open({
        user: a,
        html,
        css,
        viewport: { width, height: 900 },
        prepare: withAxe,
        colorScheme: width === 360 ? "dark" : "light",
        isNoisy: true,
      });
      await Promise.all([online(alice), online(alice, "two")]);
      await until(async () => (await people(alice)).length, 2);
      await until(() => texts(alice, "two"), ["Hello"]);
      const focused = () =>
        alice.evaluate<string>(
          `(() => { const at = document.activeElement; return (at.shadowRoot?.activeElement ?? at).id; })()`,
        );
      expect(await focused()).toBe("mine");
      expect(await faultsOf(alice)).toEqual([]);
      await alice.keyboard.press("Tab");
      expect(await focused()).toBe("new-to");
      await alice.keyboard.press("Tab");
      await alice.keyboard.press("End");
      await alice.keyboard.press("Enter");
      await until(() => focused(), "text");
      await alice.keyboard.type("from the keyboard");
      await alice.keyboard.press("Enter");
      await until(() => ticks(alice), ["accepted"]);
      // The menu is in the shadow, as the pointer that closes it.
      await alice.click("#one #peer .menu button");
      await alice.keyboard.press("ArrowDown");
      await alice.click("#one [role=menuitem] >> nth=0");
      await alice.click("#one #peer .menu button");
      await alice.click("#one #view");
      await until(() => alice.locator("#one [role=menu]").count(), 0);
      expect(await faultsOf(alice)).toEqual([]);
      // Beside the list where the element is wide, alone where it is narrow.
      expect(await alice.isVisible("#one #side")).toBe(width === 1180);
      await alice.focus("#one #text");
      await alice.keyboard.press("Escape");
      await alice.locator("#one #app[data-view=people]").waitFor();
    });

  test("W65 the element has the scheme, the direction and the language of its surroundings", async () => {
    const [a, b] = names();
    await chat().send({ from: b, to: a, text: "Hello" });
    const chatIn = (id: string): string =>
      `<tidings-chat id="${id}" url="/chat" user="${a}" view="full" with="${b}"></tidings-chat>`;
    const html = `<div dir="rtl" lang="de">${chatIn("one")}</div><div class="dark" lang="en_GB">${chatIn("two")}</div>`;
    const css = `tidings-chat { width: 900px } .dark { color-scheme: dark }`;
    const alice = await open({ user: a, html, css, colorScheme: "dark", viewport: { width: 1_000, height: 1_200 } });
    await Promise.all([until(() => texts(alice), ["Hello"]), until(() => texts(alice, "two"), ["Hello"])]);
    const box = async (selector: string) => (await alice.locator(selector).boundingBox())?.x ?? 0;
    expect(await box("#one #side")).toBeGreaterThan(await box("#one #view"));
    expect(await box("#two #side")).toBeLessThan(await box("#two #view"));
    const back = (id: string) =>
      alice.evaluate(
        `getComputedStyle(document.querySelector("#${id}").shadowRoot.querySelector("#root")).backgroundColor`,
      );
    // A page that does not say that it can be dark is light.
    expect([await back("one"), await back("two")]).toEqual(["rgb(255, 255, 255)", "rgb(22, 26, 33)"]);
    const title = await alice.locator("#one .message time").getAttribute("title");
    expect(title).toMatch(/^(Montag|Dienstag|Mittwoch|Donnerstag|Freitag|Samstag|Sonntag), /);
  });

  test("W66 the script of the element is little larger than that of the page", async () => {
    const names = ["page.js", "page-rest.js", "tidings-chat.js"] as const;
    const [page, rest, element] = await Promise.all(names.map(bundleWebScript));
    const gzip = (text = ""): number => Bun.gzipSync(text, { level: 9 }).length;
    expect(gzip(element) - gzip(page) - gzip(rest)).toBeLessThanOrEqual(5 * 1_024);
  });
});

const faults = {
  title: "an element with faults",
  alterations: [
    ...plant("each element has a client of its own"),
    ...plant("an element takes the focus of its page"),
    ...plant("an element of one thread reports all messages"),
    ...plant("a text cannot be drawn"),
  ],
};
describeElement(faults, ({ open, chat, names }) => {
  test("control: W61 W62 W65 two elements have two clients, take the focus, and report messages of other threads", async () => {
    const [a, b] = names();
    const html = `<input id="mine" aria-label="Mine" autofocus /><tidings-chat id="one" url="/chat" user="${a}" with="${b}"></tidings-chat>
      <tidings-chat id="two" url="/chat" user="${a}" with="carol"></tidings-chat>`;
    const alice = await open({ user: a, html, script: listening });
    await Promise.all([online(alice), online(alice, "two")]);
    expect(await ask(alice, `chat.client === document.querySelector("#two").client`)).toBe(false);
    expect(await alice.evaluate("document.activeElement.id")).not.toBe("mine");
    await chat().send({ from: "carol", to: a, text: "psst" });
    const reported = () =>
      alice.evaluate<string[]>(`events.filter(([, name]) => name === "message").map(([id]) => id)`);
    await until(async () => (await reported()).toSorted(), ["one", "two"]);
  });

  test("W55 a message that cannot be drawn is shown as plain text, and the others stay as they are", async () => {
    const [a, b] = names();
    for (const text of ["one", "not drawn", "two"]) await chat().send({ from: b, to: a, text });
    const html = `<tidings-chat id="one" url="/chat" user="${a}" with="${b}"></tidings-chat>`;
    // Its console has the faults.
    const page = await open({ user: a, html, isNoisy: true });
    await until(() => texts(page), ["one", `${b}: not drawn`, "two"]);
    await say(page, "not drawn");
    await until(() => texts(page), ["one", `${b}: not drawn`, "two", `${a}: not drawn`]);
  });
});
