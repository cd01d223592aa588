import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { ask, online, people, texts } from "./element-actions.ts";
import { describeElement } from "./element-host.ts";
import { until } from "./page-actions.ts";

const elementOf = (id: string, attributes: string): string =>
  `<tidings-chat id="${id}" url="/chat" ${attributes}></tidings-chat>`;
const signedOut = (page: Page, id = "one") =>
  until(() => page.locator(`#${id} .nothing`).textContent(), "You are signed out.");
const locks = (page: Page) =>
  page.evaluate<string[]>(
    `navigator.locks.query().then(({ held, pending }) => [...held, ...pending].map(({ name }) => name))`,
  );
const databases = (page: Page) => page.evaluate<unknown[]>("indexedDB.databases()");

describeElement({ title: "the accounts of elements" }, ({ open, again, chat, names }) => {
  test("W67 an element with another client, or another account, shows nothing of the one before", async () => {
    const [a, b] = names();
    const html =
      elementOf("one", `view="full"`) +
      [a, b].map((user) => elementOf(user, `user="${user}" token="${user}"`)).join("");
    const page = await open({ user: a, html, proof: "token", isNoisy: true });
    await Promise.all([online(page, a), online(page, b)]);
    await page.evaluate(`globalThis.of = (id) => document.querySelector("#" + id).client`);
    const give = (expression: string) => ask(page, `(${expression}, null)`);
    const change: readonly (readonly [first: string, next: string])[] = [
      [`chat.client = of("${a}")`, `chat.client = of("${b}")`],
      [`chat.client = null, chat.user = chat.token = "${a}"`, `chat.user = chat.token = "${b}"`],
    ];
    for (const [first, next] of change) {
      await give(first);
      await online(page);
      // The user chooses somebody, and leaves a draft for each of them.
      for (const name of ["dave", "erin"]) {
        await page.fill("#one #new-to", name);
        await page.keyboard.press("Enter");
        await until(() => page.locator("#one #peer-name").textContent(), name);
        await page.fill("#one #text", `a secret of ${a}`);
      }
      await page.fill("#one #new-to", "e");
      await until(() => people(page), ["dave", "erin", "e"]);
      await give(next);
      await until(() => ask<string>(page, "chat.client.user"), b);
      await page.locator("#one #app[data-view=people]").waitFor();
      await online(page);
      expect(await people(page)).toEqual([]);
      expect(await page.inputValue("#one #new-to")).toBe("");
      expect(await ask<string>(page, "chat.shadowRoot.textContent")).not.toMatch(/secret|dave|erin/);
    }
  });

  test("W64 signing out ends the clients of the same data in all tabs, however they name the account, and no lock is left", async () => {
    const [a, b] = names();
    await chat().send({ from: b, to: a, text: "a secret" });
    const html = elementOf("one", `user="${a}" token="${a}" with="${b}"`) + elementOf("two", `with="${b}"`);
    const page = await open({ user: a, html, proof: "token", isNoisy: true });
    const tab = await again(page);
    await ask(tab, `chat.tenant = "default"`);
    // A client of the host's own, for the element.
    for (const one of [page, tab]) {
      await until(() => texts(one), ["a secret"]);
      await ask(one, `(globalThis.two = document.querySelector("#two")).client = chat.client`);
      await until(() => texts(one, "two"), ["a secret"]);
    }
    for (const [where, expression] of [
      [page, "chat.signOut()"],
      [tab, "two.signOut()"],
    ] as const) {
      expect(await ask<object>(where, `await ${expression}`)).toEqual({ unsent: 0 });
      for (const one of [page, tab]) for (const id of ["one", "two"]) await signedOut(one, id);
      expect(await databases(page)).toEqual([]);
      await until(() => locks(page), []);
      for (const one of [page, tab]) {
        await ask(one, `chat.token = chat.token`);
        await until(() => texts(one), ["a secret"]);
        await ask(one, "two.client = chat.client");
        await until(() => texts(one, "two"), ["a secret"]);
      }
    }
    // Elements that have gone are no longer waited for either.
    await ask(page, "(two.client = null)");
    await ask(tab, "(two.client = null)");
    await until(async () => (await locks(page)).length, 2);
  });

  test("W68 a sign-out that cannot remove the data shows nothing of it, and can be tried again", async () => {
    const [a, b] = names();
    await chat().send({ from: b, to: a, text: "a secret" });
    const html = elementOf("one", `user="${a}" with="${b}"`);
    const page = await open({ user: a, html, isNoisy: true });
    await until(() => texts(page), ["a secret"]);
    await page.evaluate(`{
      const { deleteDatabase } = IDBFactory.prototype;
      globalThis.heal = () => void (IDBFactory.prototype.deleteDatabase = deleteDatabase);
      IDBFactory.prototype.deleteDatabase = () => { throw new DOMException("It fails", "UnknownError"); };
    }`);
    const signOut = () => ask<string>(page, `await chat.signOut().then(JSON.stringify, ({ message }) => message)`);
    for (let times = 0; times < 2; times++) {
      expect(await signOut()).toBe("It fails");
      await signedOut(page);
    }
    // An element that asks for the account gets a client that works.
    await page.evaluate(`{
      const { attributes: all } = document.querySelector("#one"), two = document.createElement("tidings-chat");
      for (const { name, value } of all) two.setAttribute(name, value);
      document.body.append(Object.assign(two, { id: "two" }));
    }`);
    await until(() => texts(page, "two"), ["a secret"]);
    await page.evaluate("heal()");
    expect(await signOut()).toBe('{"unsent":0}');
    await signedOut(page, "two");
    expect(await databases(page)).toEqual([]);
    expect(await signOut()).toBe('{"unsent":0}');
  });

  test("W69 credentials that were removed from an element are not used again: those of another are, or else cookies", async () => {
    const [a, b] = names();
    const html =
      elementOf("one", `user="${a}" token="${a}"`) +
      elementOf("two", `user="${a}"`) +
      elementOf("three", `user="${a}"`);
    const proofs: string[] = [];
    const prepare = async (page: Page) =>
      void page.on("request", (request) => {
        const { authorization = "", "x-proof": proof = "cookie" } = request.headers();
        if (request.url().includes("/chat/")) proofs.push(authorization || proof);
      });
    const page = await open({ user: a, html, prepare });
    await Promise.all([online(page), online(page, "two")]);
    // The other elements have none, and take none away.
    await ask(page, `document.querySelector("#three").view = "list"`);
    await chat().send({ from: b, to: a, text: "Hello" });
    await ask(page, `chat.open("${b}")`);
    await until(() => texts(page), ["Hello"]);
    expect(new Set(proofs.slice(1))).toEqual(new Set([`Bearer ${a}`]));
    let strangers = 0;
    const next = async (expression: string, proof: string): Promise<void> => {
      await ask(page, expression);
      await until(() => ask(page, `document.querySelector("#two").client.status.get().state`), "online");
      proofs.length = 0;
      // Nothing is known of another person yet.
      await ask(page, `document.querySelector("#two").open("${b}-${(strangers += 1)}")`);
      await until(async () => proofs.length > 0, true);
      await online(page, "two");
      expect(new Set(proofs)).toEqual(new Set([proof]));
    };
    // Nor does a new one where the one that brought them has gone.
    await next(
      `globalThis.one = chat, chat.remove(), document.body.append(document.querySelector("#three").cloneNode())`,
      `Bearer ${a}`,
    );
    await ask(page, "document.body.append(one)");
    await online(page);
    await ask(page, `document.querySelector("#two").authenticate = async () => ({ headers: { "x-proof": "two" } })`);
    await next("chat.token = null", "two");
    await next(`document.querySelector("#two").authenticate = null`, "cookie");
  });
});
