import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { bundleScript } from "../../src/standalone/web-file.ts";
import { openBrowser } from "../support/chromium.ts";
import { describeWith } from "../support/prerequisite.ts";
import { until } from "../web/page-actions.ts";

describeWith("chromium", "useMuiChat", () => {
  let browser: Browser;
  let script: string;
  beforeAll(async () => {
    [browser, script] = await Promise.all([
      openBrowser(),
      bundleScript(`${import.meta.dir}/browser-app.ts`, { mode: "development" }),
    ]);
  });
  afterAll(() => browser.close());

  async function open(): Promise<Page> {
    const page = await browser.newPage();
    await page.evaluate(script);
    await page.waitForFunction("globalThis.renders > 0");
    return page;
  }
  const texts = (page: Page) => page.evaluate<string[]>("chat.props.messages.map(({ parts }) => parts[0].text)");

  test("J76 the props have the open thread alone, and a message that did not change is the same object", async () => {
    const page = await open();
    expect(
      await page.evaluate("[chat.props.messages, chat.props.activeConversationId ?? null, chat.props.composerValue]"),
    ).toEqual([[], null, ""]);
    await page.evaluate(`fake.append(bob, { id: "b1" }), fake.append(carol, { id: "c1" }), open({ with: "bob" })`);
    await until(() => texts(page), ["b1"]);
    expect(await page.evaluate("chat.props.activeConversationId")).toBe("with:bob");
    await page.evaluate(
      `globalThis.first = chat.props.messages[0], fake.append(carol, { id: "c2" }), fake.append(bob, { id: "b2" })`,
    );
    await until(() => texts(page), ["b1", "b2"]);
    expect(await page.evaluate("first === chat.props.messages[0]")).toBe(true);
    await page.evaluate(`chat.props.onActiveConversationChange("with:carol")`);
    await until(() => texts(page), ["c1", "c2"]);
    await page.evaluate(`chat.props.onActiveConversationChange(undefined)`);
    await until(() => texts(page), []);
    await page.close();
  });

  test("J81 the props have a renderer of texts, the same at each render", async () => {
    const page = await open();
    await page.evaluate("globalThis.given = chat.props.partRenderers");
    expect(await page.evaluate("given.text({ part: { type: 'text', text: '2*3*4' } })")).toBe("2*3*4");
    await page.evaluate(`open({ with: "bob" })`);
    await until(() => page.evaluate("chat.props.activeConversationId"), "with:bob");
    expect(await page.evaluate("given === chat.props.partRenderers")).toBe(true);
    await page.close();
  });

  test("J76 what MUI writes into its store leads to a render, after which it takes the props again", async () => {
    const page = await open();
    for (const call of ["onMessagesChange", "onConversationsChange"]) {
      const before = await page.evaluate<number>("renders");
      await page.evaluate(`chat.props.${call}([])`);
      await until(() => page.evaluate(`renders > ${before}`), true);
    }
    await page.close();
  });

  test("J77 the composer has the draft, which goes when its user empties it, and failures have their reasons", async () => {
    const page = await open();
    await page.evaluate(`open({ with: "bob" })`);
    await until(() => page.evaluate("chat.props.activeConversationId"), "with:bob");
    await page.evaluate(`chat.props.onComposerValueChange("half")`);
    await until(() => page.evaluate("chat.props.composerValue"), "half");
    await page.evaluate(`chat.props.onComposerValueChange("")`);
    await until(() => page.evaluate("chat.props.composerValue"), "");
    await page.evaluate(
      `fake.append(bob, { id: "x", state: "failed", failed: { code: "blocked", message: "Not now" } })`,
    );
    await until(
      () => page.evaluate("[...chat.failures].map(([id, { message }]) => [id, message])"),
      [["x", "Not now"]],
    );
    await page.close();
  });

  test("J78 a message is marked as read when it is on screen, and one below is not", async () => {
    const page = await open();
    await page.evaluate(`for (let at = 1; at <= 40; at++) fake.append(bob, { id: "b" + at })`);
    await page.evaluate(`open({ with: "bob" })`);
    await until(() => page.evaluate("fake.marked.length > 0"), true);
    const marked = await page.evaluate<number>("Math.max(...fake.marked)");
    expect(marked).toBeLessThan(40);
    // A row that is removed is not watched any longer, and one that comes back is again.
    await page.evaluate(`{
      globalThis.left = [];
      const { unobserve } = IntersectionObserver.prototype;
      IntersectionObserver.prototype.unobserve = function (row) {
        left.push(row.dataset.messageId);
        unobserve.call(this, row);
      };
      globalThis.last = document.querySelector("[data-message-id=b40]");
      globalThis.list = last.parentNode;
      last.remove();
    }`);
    await until(() => page.evaluate("left"), ["b40"]);
    await page.evaluate("list.append(last)");
    await page.locator("[data-message-id=b40]").scrollIntoViewIfNeeded();
    await until(() => page.evaluate("Math.max(...fake.marked)"), 40);
    await page.close();
  });
});
