import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { blocksOf, online, say, texts, ticks, until } from "./page-actions.ts";
import { describePage } from "./with-page.ts";

const unreadIn = (page: Page, name: string) =>
  page.evaluate<string>(
    `[...document.querySelectorAll(".person")].find((one) => one.querySelector(".name").textContent === "${name}")?.querySelector(".unread")?.textContent ?? ""`,
  );
const typed = (page: Page) => page.inputValue("#text");
const open2 = (page: Page, name: string) => page.click(`.person:has(.name:text-is("${name}"))`);
/** Until the page has drawn what it knows. */
const drawn = (page: Page) =>
  page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))");
const numbered = (count: number): string[] => Array.from({ length: count }, (_, at) => `text ${at + 1}`);
/** The text of the row at the top of the view, and its distance from there. */
const placeOf = `(() => {
  const log = document.querySelector("#log"), edge = log.getBoundingClientRect().top;
  const rows = [...log.querySelectorAll(".message")];
  const row = rows.find((one) => one.getBoundingClientRect().bottom > edge);
  const textOf = (one) => one.querySelector(".text").textContent;
  return { text: textOf(row), top: row.getBoundingClientRect().top - edge, first: textOf(rows[0]) };
})()`;
/** The texts at both ends of the thread, and how many are between them: all of them take long where they are hundreds. */
const endsOf = (page: Page) =>
  page.evaluate<{ first: string; last: string; count: number }>(`(() => {
    const all = [...document.querySelectorAll(".message .text")];
    return { first: all[0]?.textContent, last: all.at(-1)?.textContent, count: all.length };
  })()`);
const topRow = (page: Page) => page.evaluate<{ text: string; top: number }>(placeOf);

describePage("a thread of the page", ({ base, open, names, post }) => {
  test("W24 a text that was typed for one is never sent to another, and is there again after a reload", async () => {
    const [a, b] = names();
    await post(b, a, ["hello"]);
    await post("carol", a, ["psst"]);
    const alice = await open(`/?user=${a}&to=${b}`);
    await online(alice);
    await alice.locator("#text").pressSequentially("only for b");
    await alice.evaluate(
      `document.querySelector("#text").isOfB = true; document.querySelector(".person[aria-current]").isOfB = true`,
    );
    await open2(alice, "carol");
    await until(() => texts(alice), ["psst"]);
    expect(await typed(alice)).toBe("");
    // A field of its own, and the rows of the list move with what they show.
    expect(await alice.evaluate<boolean>(`document.querySelector("#text").isOfB === undefined`)).toBe(true);
    await until(() => alice.locator(`.person:has(.name:text-is("${b}")) .last`).textContent(), "Draft: only for b");
    await alice.keyboard.press("Enter");
    await say(alice, "for carol");
    await until(() => texts(alice), ["psst", "for carol"]);
    const rowOfB = `[...document.querySelectorAll(".person")].find((one) => one.isOfB)?.querySelector(".name").textContent`;
    expect(await alice.evaluate<string>(rowOfB)).toBe(b);
    await alice.goBack();
    await until(() => typed(alice), "only for b");
    await drawn(alice);
    await alice.waitForTimeout(600);
    await alice.reload();
    await online(alice);
    await until(() => typed(alice), "only for b");
    await alice.keyboard.press("Enter");
    await until(() => texts(alice), ["hello", "only for b"]);
    await until(() => typed(alice), "");
  });

  test("W25 620 messages wait: the page begins at the first of them, and only those that were on screen are read", async () => {
    const [a, b] = names();
    await post(a, b, numbered(620));
    const bob = await open(`/?user=${b}`);
    await until(() => unreadIn(bob, a), "99+ unread");
    await bob.click(".person");
    await bob.waitForSelector(".divider");
    expect((await endsOf(bob)).first).toBe("text 1");
    await bob.waitForSelector("#latest:visible");
    await until(async () => Number((await bob.textContent("#latest"))?.match(/\d+/)?.[0]) < 620, true);
    const left = Number((await bob.textContent("#latest"))?.match(/\d+/)?.[0]);
    expect(left).toBeGreaterThan(580);
    const alice = await open(`/?user=${a}&to=${b}`);
    await online(alice);
    // Each can be reached: scrolling down loads the rest.
    for (let at = 0; at < 80 && (await endsOf(bob)).last !== "text 620"; at++) {
      await bob.evaluate(`document.querySelector("#log").scrollTop += 2000`);
      await bob.waitForTimeout(60);
    }
    expect((await endsOf(bob)).last).toBe("text 620");
    await bob.evaluate(`document.querySelector("#log").scrollTop = 1e6`);
    await until(async () => (await ticks(alice)).at(-1), "read");
    await until(() => bob.locator("#latest").count(), 0);
  });

  test("W26 a second browser shows the conversations, their messages and what is unread", async () => {
    const [a, b] = names();
    await post(b, a, ["one", "two"]);
    await post("carol", a, ["three"]);
    const first = await open(`/?user=${a}&to=${b}`);
    await until(() => texts(first), ["one", "two"]);
    // The list comes after the thread: before it there is no number either.
    const others = () => first.locator(".person .name").allTextContents();
    await until(async () => [(await others()).includes("carol"), await unreadIn(first, b)], [true, ""]);
    const second = await open(`/?user=${a}`);
    await until(() => second.locator(".person .name").allTextContents(), ["carol", b]);
    await until(() => unreadIn(second, "carol"), "1 unread");
    await until(() => unreadIn(second, b), "");
    await open2(second, b);
    await until(() => texts(second), ["one", "two"]);
  });

  test("W27 what cannot be stored is not shown as waiting: it stays in the composer, with the reason", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`, { isNoisy: true });
    await online(alice);
    await alice.evaluate(`for (const name of ["put", "add"])
      IDBObjectStore.prototype[name] = () => { throw new DOMException("full", "QuotaExceededError"); }`);
    await say(alice, "  keep me");
    await alice.waitForSelector("#composer-problem:visible");
    expect(await alice.textContent("#composer-problem")).toContain("not being sent");
    await until(() => typed(alice), "  keep me");
    await until(() => texts(alice), []);
    await alice.waitForSelector("#storage[data-storage=full]");
    const asked: string[] = [];
    alice.on("dialog", (dialog) => {
      asked.push(dialog.type());
      void dialog.accept();
    });
    await alice.reload();
    expect(asked).toEqual(["beforeunload"]);
  });

  test("W28 a window without the focus reads nothing", async () => {
    const [a, b] = names();
    const bob = await open(`/?user=${b}&to=${a}`, {
      prepare: async (page) => void (await page.addInitScript("document.hasFocus = () => false")),
    });
    await online(bob);
    const alice = await open(`/?user=${a}&to=${b}`);
    await say(alice, "are you there?");
    await until(() => ticks(alice), ["delivered"]);
    await until(() => texts(bob), ["are you there?"]);
    await drawn(bob);
    await alice.waitForTimeout(300);
    expect(await ticks(alice)).toEqual(["delivered"]);
    await bob.evaluate(`document.hasFocus = () => true; dispatchEvent(new Event("focus"))`);
    await until(() => ticks(alice), ["read"]);
  });

  test("W32 indentation and blank lines inside stay, on both sides", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`);
    await online(alice);
    await say(alice, "\n\n  if (x)\n\n    return\n\n");
    await until(() => texts(alice), ["  if (x)\n\n    return"]);
    const bob = await open(`/?user=${b}&to=${a}`);
    await until(() => texts(bob), ["  if (x)\n\n    return"]);
    expect(await bob.evaluate(`getComputedStyle(document.querySelector(".text")).whiteSpace`)).toContain("pre-wrap");
  });

  test("W34 older messages come without a jump, also where the window drops newer ones", async () => {
    const [a, b] = names();
    await post(a, b, numbered(700));
    const alice = await open(`/?user=${a}&to=${b}`);
    // A new device asks for its first page again once it is connected.
    await online(alice);
    await until(async () => (await endsOf(alice)).last, "text 700");
    for (let at = 0; at < 20; at++) {
      // Closer to the start than two screens: the page before is asked for.
      const before = await alice.evaluate<{ text: string; top: number; first: string }>(
        `(document.querySelector("#log").scrollTop = 900, document.querySelector(".message").isKept = true, ${placeOf})`,
      );
      if (before.first === "text 1") break;
      await until(async () => (await endsOf(alice)).first !== before.first, true);
      await drawn(alice);
      const after = await topRow(alice);
      expect(after.text).toBe(before.text);
      expect(Math.abs(after.top - before.top)).toBeLessThanOrEqual(1);
      expect((await endsOf(alice)).count).toBeLessThanOrEqual(300);
      // The rows themselves stay: none is made again.
      expect(
        await alice.evaluate<number>(`[...document.querySelectorAll(".message")].filter((one) => one.isKept).length`),
      ).toBeGreaterThanOrEqual(Math.min(at + 1, 4));
    }
    expect((await endsOf(alice)).first).toBe("text 1");
    // A message that comes now does not move the reader either.
    const before = await topRow(alice);
    await post(b, a, ["news"]);
    await until(async () => (await alice.textContent("#latest"))?.includes("1 new message") === true, true);
    expect(await topRow(alice)).toEqual(before);
    await alice.click("#latest");
    await until(async () => (await texts(alice)).at(-1), "news");
    await until(() => alice.locator("#latest").count(), 0);
  });

  test("W37 web addresses become links, and nothing else does", async () => {
    const [a, b] = names();
    await post(b, a, ["see https://example.org/a?b=1&c=(2). Not javascript:alert(1) nor www.example.org"]);
    const alice = await open(`/?user=${a}&to=${b}`);
    const link = alice.locator("#log a");
    await link.waitFor();
    expect(await link.count()).toBe(1);
    expect(await link.getAttribute("href")).toBe("https://example.org/a?b=1&c=(2)");
    expect(await link.getAttribute("rel")).toContain("noopener");
    expect(await link.getAttribute("target")).toBe("_blank");
  });

  test("W39 a refused message shows why, and is sent again, changed or discarded", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`);
    const bob = await open(`/?user=${b}&to=${a}`);
    await Promise.all([online(alice), online(bob)]);
    await bob.click("#peer .menu button");
    await bob.click("[role=menuitem]:text-is('Block')");
    await bob.waitForSelector("#blocked");
    // The page shows it at once; what is sent is refused once the server has it.
    await until(() => blocksOf(bob), [a]);
    await say(alice, "first");
    await say(alice, "second");
    await until(() => ticks(alice), ["failed", "failed"]);
    expect(await alice.locator(".failed-note .note").first().textContent()).toMatch(/^Not sent: \w+/);
    await alice.locator(".discard").last().click();
    await until(() => texts(alice), ["first"]);
    await bob.click("#blocked button");
    await bob.waitForSelector("#composer");
    await alice.click(".edit");
    await until(() => typed(alice), "first");
    await alice.fill("#text", "better");
    await alice.keyboard.press("Enter");
    await until(() => texts(bob), ["better"]);
    await until(() => texts(alice), ["better"]);
    expect(await typed(alice)).toBe("");
  });

  test("W40 the arrow up changes the last message that waits; Escape leaves it as it was", async () => {
    const [a, b] = names();
    const alice = await open(`/?user=${a}&to=${b}`, { isNoisy: true });
    await online(alice);
    await alice.context().setOffline(true);
    await alice.waitForSelector("#status[data-state=waiting]");
    await say(alice, "wrogn");
    await until(() => ticks(alice), ["waiting"]);
    await alice.focus("#text");
    await alice.keyboard.press("ArrowUp");
    await until(() => typed(alice), "wrogn");
    await alice.fill("#text", "nothing");
    await alice.keyboard.press("Escape");
    await until(() => typed(alice), "");
    expect(await texts(alice)).toEqual(["wrogn"]);
    await alice.keyboard.press("ArrowUp");
    await alice.fill("#text", "wrong");
    await alice.keyboard.press("Enter");
    await until(() => texts(alice), ["wrong"]);
    await alice.context().setOffline(false);
    await until(() => ticks(alice), ["accepted"]);
    expect(await texts(alice)).toEqual(["wrong"]);
  });

  test("W44 a message changes one row of the page, and neither the composer nor the status line", async () => {
    const [a, b] = names();
    await post(b, a, numbered(40));
    // Each row that is rendered formats its time.
    const counting = `{
      const { get } = Object.getOwnPropertyDescriptor(Intl.DateTimeFormat.prototype, "format");
      globalThis.formatted = 0;
      Object.defineProperty(Intl.DateTimeFormat.prototype, "format", { get() { formatted++; return get.call(this); } });
    }`;
    const alice = await open(`/?user=${a}&to=${b}`, {
      prepare: async (page) => void (await page.addInitScript(counting)),
    });
    await until(async () => (await texts(alice)).length, 40);
    await online(alice);
    await alice.click("#latest");
    await until(() => unreadIn(alice, b), "");
    await drawn(alice);
    await alice.evaluate(`{
      globalThis.changes = [];
      formatted = 0;
      new MutationObserver((records) => {
        for (const { type, target, addedNodes } of records) {
          const part = target.closest?.("#composer, #status, #people, #peer, #announcer, .message, #log ol")
            ?? target.parentElement?.closest("#composer, #status, #people, #peer, #announcer, .message");
          if (part && !part.matches("#people, #announcer, #peer")) changes.push(type + " " + (part.id || part.className || part.tagName) + " " + addedNodes.length);
        }
      }).observe(document.body, { subtree: true, childList: true, attributes: true, characterData: true });
    }`);
    await post(b, a, ["news"]);
    await until(async () => (await texts(alice)).at(-1), "news");
    await drawn(alice);
    expect(await alice.evaluate<string[]>("changes")).toEqual(["childList OL 1"]);
    // Two for the row, one for the day, and those of the list.
    expect(await alice.evaluate<number>("formatted")).toBeLessThan(12);
  });

  test("W46 an address leads to a message, and marks it", async () => {
    const [a, b] = names();
    await post(b, a, numbered(200));
    const alice = await open(`/?user=${a}&to=${b}&seq=200`);
    await until(() => alice.locator(".sought .text").allTextContents(), ["text 200"]);
    await until(() => alice.title(), `${b} – Tidings`);
    // A visit that ends before it is connected leaves nothing that the next one may go on with.
    await online(alice);
    await alice.goto(`${base()}/?user=${a}&to=${b}&seq=20`);
    await alice.waitForSelector(".sought");
    expect(await alice.locator(".sought .text").allTextContents()).toEqual(["text 20"]);
    expect(await alice.locator(".sought").isVisible()).toBe(true);
    // Another message of the same thread, and one that does not exist.
    await alice.evaluate(
      `history.pushState(null, "", "/?user=${a}&to=${b}&seq=150"); dispatchEvent(new Event("popstate"))`,
    );
    await until(() => alice.locator(".sought .text").allTextContents(), ["text 150"]);
    await alice.evaluate(
      `history.pushState(null, "", "/?user=${a}&to=${b}&seq=900"); dispatchEvent(new Event("popstate"))`,
    );
    await until(async () => (await texts(alice)).at(-1), "text 200");
    // The page may still be on its way to the end: a reader scrolls until it is at the top.
    await until(async () => {
      await alice.evaluate(`document.querySelector("#log").scrollTop = 0`);
      return (await texts(alice)).length > 100;
    }, true);
    // Without a message in the address the thread is at its end again.
    await alice.evaluate(
      `history.pushState(null, "", "/?user=${a}&to=${b}&seq=20"); dispatchEvent(new Event("popstate"))`,
    );
    await until(() => alice.locator(".sought .text").allTextContents(), ["text 20"]);
    await alice.keyboard.press("Escape");
    await alice.click(".person");
    await until(async () => (await texts(alice)).at(-1), "text 200");
    await until(() => alice.locator("#latest").count(), 0);
    const list = (await (await fetch(`${base()}/conversations?user=${a}`)).json()) as {
      conversations: { id: string }[];
    };
    await alice.goto(`${base()}/?user=${a}&conversation=${list.conversations[0]?.id}&seq=20`);
    await alice.waitForSelector(".sought");
    await until(() => alice.textContent("#peer-name"), b);
    const box = await alice.locator(".sought").boundingBox();
    expect(box?.y ?? 0).toBeGreaterThan(60);
  });

  test("W47 a long text is shown in part until the reader asks for it", async () => {
    const [a, b] = names();
    await post(b, a, ["word ".repeat(600), "short"]);
    const alice = await open(`/?user=${a}&to=${b}`);
    await until(async () => (await texts(alice)).length, 2);
    const height = () => alice.evaluate<number>(`document.querySelector(".text").offsetHeight`);
    const before = await height();
    await alice.click("text=Show more");
    expect(await height()).toBeGreaterThan(before * 1.3);
    await alice.click("text=Show less");
    expect(await height()).toBe(before);
  });
});
