import { expect, test } from "bun:test";
import type { Page } from "playwright-core";
import { plant } from "../plants/index.ts";
import { bundleAlteredPage } from "../support/altered-page.ts";
import { online, until } from "./page-actions.ts";
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

describePage("a text that is being typed when the page is left", ({ open, names }) => {
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
    const body = await bundleAlteredPage(plant("a page that is left saves no draft"));
    const prepare = (page: Page) =>
      page.route("**/page.js", (route) => route.fulfill({ contentType: "text/javascript", body }));
    expect(await leave(prepare)).toBe("");
  });

  test("W24 what is being typed is not replaced by what was saved before", async () => {
    const [a, b] = names();
    const page = await open(`/?user=${a}&to=${b}`);
    await online(page);
    // A page that the browser has kept reads what another tab may have saved meanwhile, and saves its own right after.
    await typeAnd(
      page,
      "half a thought",
      `dispatchEvent(new Event("pageshow")); dispatchEvent(new Event("pagehide"));`,
    );
    await until(() => page.evaluate<unknown>(savedDrafts), ["half a thought"]);
    expect(await typed(page)).toBe("half a thought");
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
