import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { createElement, type ReactNode } from "react";
import { renderToString } from "react-dom/server";
import type { Browser, Page } from "playwright-core";
import { Tidings, useConversations, useStatus, useThread, useThreadState } from "../../src/react/index.ts";
import { bundleScript } from "../../src/standalone/web-file.ts";
import { openBrowser } from "../support/chromium.ts";
import { deadline } from "../support/deadline.ts";
import { describeWith } from "../support/prerequisite.ts";
import { createFakeClient } from "./fake-client.ts";

function Small(): ReactNode {
  const { rows } = useThreadState(useThread({ with: "bob" }));
  const { conversations } = useConversations();
  return createElement("p", null, `${useStatus().state} ${rows.length} ${conversations.length}`);
}

test("J73 a server renders nobody's data, whatever its client holds", () => {
  const fake = createFakeClient("alice");
  fake.append(fake.thread({ with: "bob" }), { id: "secret" });
  const html = renderToString(createElement(Tidings, { client: fake.client, children: createElement(Small) }));
  expect(html).toBe("<p>idle 0 0</p>");
  expect(fake.counts).toEqual({ retained: 0, retains: 0 });
});

test("J70 a hook outside of <Tidings> says so", () => {
  expect(() => renderToString(createElement(Small))).toThrow("inside <Tidings");
});

test("J75 the hooks are at most 1.4 KB beside React, and none has more than 15 lines", async () => {
  const folder = join(import.meta.dir, "../../src/react");
  const { outputs } = await Bun.build({ entrypoints: [join(folder, "index.ts")], minify: true, external: ["react"] });
  const bytes = Bun.gzipSync((await outputs[0]?.text()) ?? "", { level: 9 }).length;
  expect(bytes).toBeLessThanOrEqual(1_434);
  for (const file of new Bun.Glob("*.ts").scanSync({ cwd: folder })) {
    const text = await Bun.file(join(folder, file)).text();
    for (const [whole] of text.matchAll(/^export (?:function|const) use[\s\S]*?(?:^}|;)$/gm))
      expect(whole.split("\n").length).toBeLessThanOrEqual(15);
  }
});

const preact = { react: "preact/compat", "react-dom/client": "preact/compat/client" };

for (const [react, replacements] of [
  ["react", {}],
  ["preact", preact],
] as const)
  describeWith("chromium", `the hooks on ${react}`, () => {
    let browser: Browser;
    let script: string;
    beforeAll(async () => {
      [browser, script] = await Promise.all([
        openBrowser(),
        bundleScript(`${import.meta.dir}/browser-app.ts`, { react: replacements, mode: "development" }),
      ]);
    });
    afterAll(() => browser.close());

    /** A page with the app on it. `wrap`: an expression around the app. */
    async function open(wrap = "app"): Promise<{ page: Page; faults: string[] }> {
      const page = await browser.newPage();
      page.setDefaultTimeout(deadline.answerMs);
      const faults: string[] = [];
      page.on("pageerror", ({ message }) => faults.push(message));
      page.on("console", (message) => message.type() === "error" && faults.push(message.text()));
      await page.setContent(`<!doctype html><div id="root"></div>`);
      await page.addScriptTag({ content: script, type: "module" });
      await page.waitForFunction("globalThis.App !== undefined");
      await page.evaluate(`{
        globalThis.fake = createFakeClient("alice");
        globalThis.bob = fake.thread({ with: "bob" });
        const app = h(App, { fake });
        globalThis.root = createRoot(document.querySelector("#root"));
        root.render(${wrap});
      }`);
      await page.waitForSelector("#log");
      return { page, faults };
    }

    /** How often each part was rendered while the page ran `code`. */
    async function rendersOf(page: Page, code: string): Promise<object> {
      await page.evaluate(`{
        for (const name of Object.keys(renders)) delete renders[name];
        ${code}
      }`);
      await page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))");
      return await page.evaluate<object>("renders");
    }

    test("J71 a message renders one row, and neither the composer, the list nor the status", async () => {
      const { page, faults } = await open();
      await page.evaluate(`for (let at = 0; at < 50; at++) fake.append(bob, { id: "m" + at })`);
      await page.waitForSelector("#log li:nth-child(50)", { state: "attached" });
      expect(await rendersOf(page, `fake.append(bob, { id: "news" })`)).toEqual({ log: 1, row: 1 });
      // A message elsewhere changes the list alone.
      const elsewhere = `fake.list.set({ conversations: [{ id: "c2" }], more: "end" })`;
      expect(await rendersOf(page, elsewhere)).toEqual({ list: 1 });
      expect(await rendersOf(page, `bob.draft.set("h")`)).toEqual({ composer: 1 });
      expect(await rendersOf(page, `bob.typists.set(["bob"])`)).toEqual({ about: 1 });
      expect(faults).toEqual([]);
      await page.close();
    });

    test("J70 the client is retained while its provider is on the page, also under StrictMode", async () => {
      const { page, faults } = await open("h(StrictMode, null, app)");
      expect(await page.evaluate("fake.counts.retained")).toBe(1);
      // React mounts everything twice here.
      expect(await page.evaluate<number>("fake.counts.retains")).toBe(react === "react" ? 2 : 1);
      await page.evaluate(`fake.append(bob, { id: "hello" })`);
      await page.waitForSelector("#log li", { state: "attached" });
      expect(await page.textContent("#log")).toBe("hello");
      await page.evaluate("root.unmount()");
      await page.waitForFunction("fake.counts.retained === 0");
      expect(faults).toEqual([]);
      await page.close();
    });

    test("J72 a thread of another user in a transition shows no row of the first", async () => {
      const { page, faults } = await open();
      await page.evaluate(
        `fake.append(bob, { id: "for alice" }); fake.append(fake.thread({ with: "carol" }), { id: "from carol" })`,
      );
      await page.waitForSelector("#log li", { state: "attached" });
      await page.evaluate(`openThread("carol"); fake.append(bob, { id: "meanwhile" })`);
      await page.waitForFunction(`document.querySelector("#log").textContent === "from carol"`);
      expect(faults).toEqual([]);
      await page.close();
    });

    test("J74 only what is on screen, in a visible document with the focus, is marked as read", async () => {
      const { page, faults } = await open();
      const marked = () => page.evaluate<number[]>("fake.marked");
      const settle = () =>
        page.evaluate(
          "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))))",
        );
      await page.evaluate(
        `document.hasFocus = () => false; for (let at = 0; at < 10; at++) fake.append(bob, { id: "m" + at })`,
      );
      await page.waitForSelector("#log li:nth-child(10)", { state: "attached" });
      await settle();
      expect(await marked()).toEqual([]);
      await page.evaluate(`document.hasFocus = () => true; dispatchEvent(new Event("focus"))`);
      await page.waitForFunction("fake.marked.length > 0");
      // 200 px show three rows of 60 px; the fourth has 20 px in sight.
      expect((await marked()).toSorted((a, b) => a - b)).toEqual([1, 2, 3]);
      await page.evaluate(
        `Object.defineProperty(document, "visibilityState", { value: "hidden", configurable: true }); document.querySelector("#log").scrollTop = 10_000`,
      );
      await settle();
      expect(await marked()).toHaveLength(3);
      await page.evaluate(`delete document.visibilityState; document.dispatchEvent(new Event("visibilitychange"))`);
      await page.waitForFunction("fake.marked.includes(10)");
      expect(await marked()).not.toContain(5);
      expect(faults).toEqual([]);
      await page.close();
    });

    if (react === "react")
      test("J73 the browser takes over what a server has rendered, with a client that holds more by then", async () => {
        const { page, faults } = await open();
        await page.evaluate(`{
          root.unmount();
          const place = document.querySelector("#root");
          const fresh = createFakeClient("alice");
          fresh.append(fresh.thread({ with: "bob" }), { id: "early" });
          place.innerHTML = '<p id="status">idle</p><p id="list"></p><main id="alice"><ul id="log" style="height:200px;overflow:auto;margin:0"></ul><input id="text" value=""/><p id="about">unknown 0 0</p></main>';
          globalThis.before = document.querySelector("#log");
          hydrateRoot(place, h(App, { fake: fresh }), { onRecoverableError: (error) => console.error(error.message) });
        }`);
        await page.waitForFunction(`document.querySelector("#log")?.textContent === "early"`);
        expect(await page.evaluate<boolean>(`before === document.querySelector("#log")`)).toBe(true);
        expect(await page.textContent("#status")).toBe("online");
        expect(faults).toEqual([]);
        await page.close();
      });
  });
