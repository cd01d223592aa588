import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { plant } from "../plants/index.ts";
import { bundleAlteredPage } from "../support/altered-page.ts";
import { online, say, texts, ticks, until } from "./page-actions.ts";
import { describePage } from "./with-page.ts";

const typed = (page: Page) => page.evaluate<string>(`document.querySelector("#text")?.value`);
/** Types, and goes on with `then` in the same turn: before anything of it was saved. */
const typeAnd = (page: Page, text: string, then: string) =>
  page.evaluate(`{
    const field = document.querySelector("#text");
    field.value = ${JSON.stringify(text)};
    field.dispatchEvent(new Event("input", { bubbles: true }));
    ${then}
  }`);

/** Gives the page another script. */
const planted =
  (body: string) =>
  async (page: Page): Promise<void> =>
    void (await page.route("**/page.js", (route) => route.fulfill({ contentType: "text/javascript", body })));

describePage("the composer of the page, and what it keeps", ({ open, names, post }) => {
  /** Leaves the page in the middle of a word, and comes back. Returns what the composer has then. */
  async function leave(prepare: (page: Page) => Promise<void> = async () => {}): Promise<string> {
    const [a, b] = names();
    const page = await open(`/?user=${a}&to=${b}`, { prepare });
    await online(page);
    await typeAnd(page, "half a thou", `location.href = "/"`);
    await page.waitForSelector("#start");
    await page.goBack();
    await online(page);
    // Its thread was read from the disk before it went online, and the draft with it.
    return await typed(page);
  }

  test("W24 the last keystroke before the page is left is there when it is opened again", async () => {
    expect(await leave()).toBe("half a thou");
  });

  test("control: W24 a page that saves nothing when it is left has lost the text", async () => {
    expect(await leave(planted(await bundleAlteredPage(plant("a page that is left saves no draft"))))).toBe("");
  });

  /** Leaves the page, and opens it again, when its storage has saved "half" and has no turn for what comes then. */
  async function leaveStalled(then: string, prepare: (page: Page) => Promise<void> = async () => {}): Promise<Page> {
    const [a, b] = names();
    const page = await open(`/?user=${a}&to=${b}`, {
      async prepare(page) {
        await page.addInitScript(stallable);
        await prepare(page);
      },
    });
    await online(page);
    await typeAnd(page, "half", "");
    await until(() => page.evaluate<unknown>(savedDrafts), ["half"]);
    await page.evaluate("stall()");
    await typeAnd(page, then, `document.querySelector("#composer button").click();`);
    if (then !== "") await until(() => ticks(page), ["waiting"]);
    await page.reload();
    await online(page);
    return page;
  }

  test("J98 W14 a message that was not on the disk when its page was left is sent when it is opened again", async () => {
    const page = await leaveStalled("the whole");
    await until(() => ticks(page), ["accepted"]);
    expect(await texts(page)).toEqual(["the whole"]);
    expect(await typed(page)).toBe("");
    // Nothing of it is left to be sent once more, as a text or as a draft.
    expect(await page.evaluate<string[]>(`Object.values(localStorage).filter((text) => text !== "")`)).toEqual([]);
  });

  test("J98 W24 a draft that was emptied just before its page was left stays empty", async () => {
    expect(await typed(await leaveStalled(""))).toBe("");
  });

  test("control: J98 a page that is left while its storage has no turn loses the message", async () => {
    const page = await leaveStalled(
      "the whole",
      planted(await bundleAlteredPage(plant("a page that is left loses what it is keeping"))),
    );
    expect(await texts(page)).toEqual([]);
  });

  test("control: J98 a page that is left while its storage has no turn brings back what was deleted", async () => {
    const page = await leaveStalled(
      "",
      planted(await bundleAlteredPage(plant("a page that is left loses the last edit of a draft"))),
    );
    expect(await typed(page)).toBe("half");
  });

  test("W51 it says how many bytes are left before the limit that the server has named", async () => {
    const [a, b] = names();
    const prepare = async (page: Page): Promise<void> => {
      await page.routeWebSocket(/\/ws\?/, (socket) => {
        const server = socket.connectToServer();
        server.onMessage((frame) => socket.send(String(frame).replace(/"textBytes":\d+/, '"textBytes":1000')));
      });
    };
    const page = await open(`/?user=${a}&to=${b}`, { prepare });
    await online(page);
    const left = () => page.locator(".left").allTextContents();
    await page.fill("#text", "x".repeat(400));
    expect(await left()).toEqual([]);
    await page.fill("#text", "é".repeat(400));
    await until(left, ["200 bytes left"]);
    await page.fill("#text", "é".repeat(501));
    await until(left, ["2 bytes too long"]);
    await page.press("#text", "Enter");
    await page.waitForSelector("#composer-problem:visible");
    expect(await typed(page)).toHaveLength(501);
  });

  test("W52 where the browser refuses its storage the page works from its memory, and says so", async () => {
    const [a, b] = names();
    const refusing = `IDBFactory.prototype.open = () => { throw new DOMException("No", "SecurityError"); }`;
    const prepare = async (page: Page): Promise<void> => void (await page.addInitScript(refusing));
    const page = await open(`/?user=${a}&to=${b}`, { prepare });
    await page.waitForSelector("#storage[data-storage=memory]");
    expect(await page.textContent("#storage")).toStartWith("This browser keeps nothing");
    await online(page);
    await say(page, "from memory");
    await until(() => ticks(page), ["accepted"]);
    await post(b, a, ["an answer"]);
    await until(() => texts(page), ["from memory", "an answer"]);
  });

  /** Opens a page whose browser cannot open its storage, and says so, until the test lets it. */
  async function openLate(script?: string): Promise<Page> {
    const [a, b] = names();
    const failing = `(() => {
      const { open } = IDBFactory.prototype;
      IDBFactory.prototype.open = function (...args) {
        if (globalThis.isWhole) return open.apply(this, args);
        throw new DOMException("Internal error opening backing store", "UnknownError");
      };
    })()`;
    const prepare = async (page: Page): Promise<void> => {
      await page.addInitScript(failing);
      if (script !== undefined) await planted(script)(page);
    };
    return await open(`/?user=${a}&to=${b}`, { prepare, isNoisy: true });
  }

  test("J99 where the browser cannot open its storage now the page says so, and goes on when it can", async () => {
    const page = await openLate();
    await page.waitForSelector("#status[data-state=waiting]");
    expect(await page.textContent("#status-text")).toStartWith("This browser cannot store anything now");
    await page.evaluate("globalThis.isWhole = true");
    // The page also tries by itself: then the button may be gone.
    await page.evaluate(`document.querySelector("#retry")?.click()`);
    await online(page);
    await say(page, "stored");
    await until(() => ticks(page), ["accepted"]);
  });

  test("control: J99 a page that does not say so connects for ever", async () => {
    const page = await openLate(await bundleAlteredPage(plant("a storage that cannot be opened is not reported")));
    await page.waitForSelector("#status[data-state=idle]:not(.hidden)");
    await Bun.sleep(300);
    expect(await page.textContent("#status-text")).toBe("Connecting…");
  });

  /** A page that the browser has kept reads what another tab may have saved meanwhile, and saves its own right after. Returns what it shows then. */
  async function comeBack(prepare: (page: Page) => Promise<void> = async () => {}): Promise<string> {
    const [a, b] = names();
    const page = await open(`/?user=${a}&to=${b}`, { prepare });
    await online(page);
    await typeAnd(
      page,
      "half a thought",
      `dispatchEvent(new Event("pageshow")); dispatchEvent(new Event("pagehide"));`,
    );
    await until(() => page.evaluate<unknown>(savedDrafts), ["half a thought"]);
    return await typed(page);
  }

  test("W24 what is being typed is not replaced by what was saved before", async () => {
    expect(await comeBack()).toBe("half a thought");
  });

  test("control: W24 a page that shows what was saved before has lost the text", async () => {
    expect(
      await comeBack(planted(await bundleAlteredPage(plant("a draft that was saved before replaces what is typed")))),
    ).toBe("");
  });
});

/** From the call of `stall()` on, no other transaction of this page begins. */
const stallable = `(() => {
  const { transaction } = IDBDatabase.prototype;
  let database;
  IDBDatabase.prototype.transaction = function (...args) {
    database ??= this;
    return transaction.apply(this, args);
  };
  globalThis.stall = () => {
    const store = transaction.call(database, [...database.objectStoreNames], "readwrite").objectStore("outbox");
    const again = () => (store.get("none").onsuccess = again);
    again();
  };
})()`;

const savedDrafts = `(async () => {
  const done = (request) => new Promise((resolve, reject) => { request.onsuccess = () => resolve(request.result); request.onerror = reject; });
  const [{ name }] = await indexedDB.databases();
  const database = await done(indexedDB.open(name));
  const rows = await done(database.transaction("draft").objectStore("draft").getAll());
  database.close();
  return rows;
})()`;
