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

const savedDrafts = `(async () => {
  const done = (request) => new Promise((resolve, reject) => { request.onsuccess = () => resolve(request.result); request.onerror = reject; });
  const [{ name }] = await indexedDB.databases();
  const database = await done(indexedDB.open(name));
  const rows = await done(database.transaction("draft").objectStore("draft").getAll());
  database.close();
  return rows;
})()`;
