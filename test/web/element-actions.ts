import type { Page } from "playwright-core";

/** The parts of an element that tests look at; Playwright's selectors reach into open shadows. */
export const online = (page: Page, id = "one") =>
  page.locator(`#${id} #status[data-state=online]`).waitFor({ state: "attached" });
export const texts = (page: Page, id = "one") => page.locator(`#${id} .message .text`).allTextContents();
export const people = (page: Page, id = "one") => page.locator(`#${id} .person .name`).allTextContents();
export const ticks = (page: Page, id = "one") =>
  page
    .locator(`#${id} .message.own`)
    .evaluateAll((rows) => rows.map((row) => (row as { dataset?: { tick?: string } }).dataset?.tick));
export const say = async (page: Page, text: string, id = "one"): Promise<void> => {
  await page.fill(`#${id} #text`, text);
  await page.click(`#${id} #composer button`);
};
/** What a property or an expression over the element `chat` is in the page. */
export const ask = <Value>(page: Page, expression: string) =>
  page.evaluate<Value>(`(async () => { const chat = document.querySelector("#one"); return ${expression}; })()`);
