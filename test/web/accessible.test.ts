import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { colourFaultsOf, faultsOf, withAxe as prepare } from "./axe.ts";
import { online, say, texts, ticks, until } from "./page-actions.ts";
import { describePage } from "./with-page.ts";

const focused = (page: Page) =>
  page.evaluate<string>(
    `document.activeElement.id || document.activeElement.querySelector(".name")?.textContent || document.activeElement.textContent`,
  );

describePage("the page for everybody", ({ base, open, names, post }) => {
  for (const [width, height] of [
    [1180, 760],
    [360, 640],
  ] as const)
    test(`W42 axe finds nothing in the list, the thread and the composer, light and dark, ${width} px`, async () => {
      const [a, b] = names();
      await post("carol", a, ["See you at eight", "https://example.org"]);
      await post(b, a, ["Hey!", "word ".repeat(500)]);
      const alice = await open(`/?user=${a}`, { viewport: { width, height }, isNoisy: true, prepare });
      await online(alice);
      await until(() => alice.locator(".person").count(), 2);
      const faults: Record<string, string[]> = {};
      const look = async (name: string): Promise<void> => {
        faults[name] = await faultsOf(alice);
        await alice.emulateMedia({ colorScheme: "dark" });
        faults[`${name}, dark`] = await colourFaultsOf(alice);
        await alice.emulateMedia({ colorScheme: "light" });
      };
      await look("list");
      await alice.click(`.person:has(.name:text-is("${b}"))`);
      await until(async () => (await texts(alice)).length, 2);
      await say(alice, "one of mine");
      await until(() => ticks(alice), ["accepted"]);
      await look("thread");
      await alice.fill("#text", "x".repeat(16_300));
      await alice.waitForSelector(".left");
      await look("bytes left");
      await alice.fill("#text", "");
      await alice.click("#peer .menu button");
      await look("menu");
      await alice.keyboard.press("Escape");
      await alice.context().setOffline(true);
      await alice.waitForSelector("#status[data-state=waiting]");
      await say(alice, "waits");
      await alice.focus("#text");
      await alice.keyboard.press("ArrowUp");
      await alice.waitForSelector(".editing");
      await look("offline, changing");
      await alice.keyboard.press("Escape");
      await alice.context().setOffline(false);
      await online(alice);
      await alice.click("#peer .menu button");
      await alice.click("[role=menuitem]:text-is('Block')");
      await alice.waitForSelector("#blocked");
      await look("blocked");
      expect(faults).toEqual(Object.fromEntries(Object.keys(faults).map((name) => [name, []])));
    });

  test("W42 axe finds nothing in the start, an empty list, a refused message and the dialog", async () => {
    const [a, b] = names();
    const page = await open("/", { prepare });
    expect(await faultsOf(page)).toEqual([]);
    await page.goto(`${base()}/?user=${a}`);
    await page.waitForSelector(".nobody");
    expect(await faultsOf(page)).toEqual([]);
    await page.click("#brand .menu button");
    await page.click("#leave");
    await page.waitForSelector("dialog[open]");
    expect(await faultsOf(page)).toEqual([]);
    await page.keyboard.press("Escape");
    const bob = await open(`/?user=${b}&to=${a}`);
    await bob.click("#peer .menu button");
    await bob.click("[role=menuitem]:text-is('Block')");
    await bob.waitForSelector("#blocked");
    await page.goto(`${base()}/?user=${a}&to=${b}`);
    await say(page, "refused");
    await until(() => ticks(page), ["failed"]);
    expect(await faultsOf(page)).toEqual([]);
  });

  test("W41 everything can be done from the keyboard", async () => {
    const [a, b] = names();
    await post(b, a, ["hello"]);
    await post("carol", a, ["psst"]);
    const alice = await open(`/?user=${a}`);
    await online(alice);
    await until(() => alice.locator(".person").count(), 2);
    await alice.keyboard.press("Control+k");
    expect(await focused(alice)).toBe("new-to");
    // One stop for the whole list; arrows go on from there.
    await alice.keyboard.press("Tab");
    expect(await focused(alice)).toBe("carol");
    await alice.keyboard.press("ArrowDown");
    expect(await focused(alice)).toBe(b);
    await alice.keyboard.press("Home");
    expect(await focused(alice)).toBe("carol");
    await alice.keyboard.press("End");
    await alice.keyboard.press("Enter");
    await until(() => texts(alice), ["hello"]);
    await until(() => focused(alice), "text");
    await alice.keyboard.type("hi");
    await alice.keyboard.press("Shift+Enter");
    await alice.keyboard.type("there");
    await alice.keyboard.press("Enter");
    await until(() => texts(alice), ["hello", "hi\nthere"]);
    expect(await focused(alice)).toBe("text");
    await until(() => alice.locator(".person .name").first().textContent(), b);
    await alice.keyboard.press("Alt+ArrowDown");
    await until(() => texts(alice), ["psst"]);
    await alice.keyboard.press("Alt+ArrowUp");
    await until(() => texts(alice), ["hello", "hi\nthere"]);
    await alice.focus("#peer .menu button");
    await alice.keyboard.press("Enter");
    await until(() => focused(alice), "Mute for 8 hours");
    await alice.keyboard.press("ArrowUp");
    expect(await focused(alice)).toBe("Block");
    await alice.keyboard.press("ArrowDown");
    await alice.keyboard.press("Escape");
    expect(await alice.locator("[role=menu]").count()).toBe(0);
    expect(await alice.evaluate<string>("document.activeElement.getAttribute('aria-label')")).toBe(
      "Menu of the conversation",
    );
    await alice.keyboard.press("Escape");
    await alice.waitForSelector("#app[data-view=people]");
    await until(() => focused(alice), b);
  });

  test("W41 Enter of an input method sends nothing, and on a touch screen Enter begins a line", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`);
    await online(alice);
    await alice.fill("#text", "にほ");
    await alice.evaluate(
      `document.querySelector("#text").dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", isComposing: true, bubbles: true, cancelable: true }))`,
    );
    expect(await alice.inputValue("#text")).toBe("にほ");
    const phone = await open(`/?user=${b}&to=${a}`, {
      hasTouch: true,
      isMobile: true,
      viewport: { width: 390, height: 700 },
    });
    await online(phone);
    await phone.fill("#text", "one");
    await phone.press("#text", "Enter");
    expect(await phone.inputValue("#text")).toBe("one\n");
    expect(await texts(phone)).toEqual([]);
  });

  test("W42 what comes into the open thread is told once, together, and history is not", async () => {
    const [a, b] = names();
    await post(b, a, ["old 1", "old 2"]);
    const alice = await open(`/?user=${a}&to=${b}`);
    await until(async () => (await texts(alice)).length, 2);
    await online(alice);
    expect(await alice.textContent("#announcer")).toBe("");
    await post(b, a, ["new 1"]);
    await until(() => alice.textContent("#announcer"), `${b}: new 1`);
    await post(b, a, ["new 2", "new 3", "new 4"]);
    await until(() => alice.textContent("#announcer"), `3 new messages from ${b}`);
    expect(await alice.getAttribute("#log", "role")).toBe("log");
  });

  test("W48 nothing moves for whoever wants less motion, and forced colours leave a border around each message", async () => {
    const [a, b] = names();
    await post(b, a, ["hello"]);
    const alice = await open(`/?user=${a}&to=${b}`, { reducedMotion: "reduce", forcedColors: "active" });
    await online(alice);
    await say(alice, "mine");
    await until(async () => (await texts(alice)).length, 2);
    expect(await alice.evaluate<number>("document.getAnimations().length")).toBe(0);
    expect(
      await alice.evaluate<string[]>(
        `[...document.querySelectorAll(".bubble")].map((one) => getComputedStyle(one).borderTopStyle)`,
      ),
    ).toEqual(["solid", "double"]);
  });

  test("W49 a page that reads from right to left puts its parts on the other side", async () => {
    const [a, b] = names();
    await post(b, a, ["مرحبا", "hello"]);
    const alice = await open(`/?user=${a}&to=${b}`, { viewport: { width: 1180, height: 760 } });
    await until(async () => (await texts(alice)).length, 2);
    const directions = () =>
      alice.evaluate<string[]>(`[...document.querySelectorAll(".body")].map((one) => getComputedStyle(one).direction)`);
    expect(await directions()).toEqual(["rtl", "ltr"]);
    await alice.evaluate(`document.documentElement.dir = "rtl"`);
    const [side, chat] = [await alice.locator("#side").boundingBox(), await alice.locator("#chat").boundingBox()];
    expect(side?.x ?? 0).toBeGreaterThan(chat?.x ?? 0);
    expect(await alice.evaluate<number>("document.documentElement.scrollWidth - innerWidth")).toBe(0);
    expect(await directions()).toEqual(["rtl", "ltr"]);
  });
});
