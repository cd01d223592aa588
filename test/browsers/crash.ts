import type { Browser, BrowserContext, Page } from "playwright-core";
import { deadline } from "../support/deadline.ts";
import { online, ticks, until } from "../web/page-actions.ts";
import { type CrashStep, holdScript } from "./hold.ts";
import type { Wire } from "./wire.ts";

export type CrashWorld = {
  readonly browser: Browser;
  readonly wire: Wire;
  /** The server's own address: the wire may be cut. */
  readonly server: string;
  readonly users: readonly [string, string];
  /** Another script in place of the page's own, for a control. */
  readonly script?: string;
};

/** How long a page may take until it has sent all that waits. */
export type CrashOptions = { readonly settleMs?: number };

/** What the stores of the page's browser hold; the store is named by its text. */
const rowsOf = (page: Page, store: "outbox" | "draft") =>
  page.evaluate<unknown[]>(`(async () => {
    const done = (request) => new Promise((resolve, reject) => { request.onsuccess = () => resolve(request.result); request.onerror = reject; });
    const found = await indexedDB.databases();
    if (found.length === 0) return [];
    const database = await done(indexedDB.open(found[0].name));
    const rows = await done(database.transaction("${store}").objectStore("${store}").getAll());
    database.close();
    return rows;
  })()`);

async function openTab(context: BrowserContext, { wire, users }: CrashWorld, script?: string): Promise<Page> {
  const page = await context.newPage();
  page.setDefaultTimeout(deadline.answerMs);
  if (script !== undefined) await page.addInitScript(script);
  await page.goto(`http://127.0.0.1:${wire.port}/?user=${users[0]}&to=${users[1]}`);
  await online(page);
  return page;
}

/** How often the text is in the log, as the recipient reads it from the server. */
async function copiesInLog({ server, users }: CrashWorld, text: string): Promise<number> {
  const response = await fetch(`${server}/messages?user=${users[1]}&with=${users[0]}`);
  if (response.status === 404) return 0;
  const { messages } = (await response.json()) as { readonly messages: readonly { readonly text: string }[] };
  return messages.filter((message) => message.text === text).length;
}

/** Writes a text, and brings the page to the step at which it dies. */
async function bringTo(step: CrashStep, { page, text, world }: { page: Page; text: string; world: CrashWorld }) {
  const { wire } = world;
  const enter = (): void => void page.keyboard.press("Enter").catch(() => {});
  const arm = (hold: string) => page.evaluate(`globalThis.holdAt = ${JSON.stringify(hold)}`);
  await page.fill("#text", text);
  await until(async () => (await rowsOf(page, "draft")).length, 1);
  const before = wire.held.length;
  if (step.written === "queued") {
    wire.cut();
    await page.waitForSelector("#status[data-state=waiting]");
    enter();
    await until(() => ticks(page), ["waiting"]);
    await until(async () => (await rowsOf(page, "draft")).length, 0);
  }
  if ("hold" in step.at) {
    await arm(step.at.hold);
    if (step.written === "queued") wire.mend();
    else enter();
    if (step.at.hold === "the receipt has come") await takeAsRecipient(world);
    return await until(async () => wire.held.length > before, true);
  }
  if (step.at.wire === "receipt") {
    enter();
    await until(() => ticks(page), ["accepted"]);
    wire.keep("down");
    await takeAsRecipient(world);
    return await until(async () => wire.keptBytes() > 0, true);
  }
  wire.keep(step.at.wire);
  enter();
  if (step.at.wire === "up") return await until(async () => wire.keptBytes() > text.length, true);
  await until(() => copiesInLog(world, text), 1);
  return await until(async () => wire.keptBytes() > 0, true);
}

/** The recipient's device gets the message, and confirms it. */
async function takeAsRecipient({ server, users }: CrashWorld): Promise<void> {
  const socket = new WebSocket(`${server.replace("http", "ws")}/ws?user=${users[1]}&device=phone`);
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(String(data)) as { readonly type: string; readonly cursor: string; readonly changes?: [] };
    if (frame.type !== "changes" || frame.changes?.length === 0) return;
    socket.send(JSON.stringify({ type: "ack", cursor: frame.cursor }));
    resolve();
  };
  await promise;
}

/** Kills the tab at one step of a send, opens the page again, and returns what is wrong with the text then. */
export async function crashAt(step: CrashStep, world: CrashWorld, options: CrashOptions = {}): Promise<string[]> {
  const { browser, wire, script } = world;
  const text = `${step.name} ${"x".repeat(400)}`;
  const context = await browser.newContext({ locale: "en-GB" });
  if (script !== undefined)
    await context.route("**/page.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
  try {
    const page = await openTab(context, world, holdScript);
    // While it can answer.
    const devtools = await context.newCDPSession(page);
    await bringTo(step, { page, text, world });
    const crashed = page.waitForEvent("crash");
    void devtools.send("Page.crash").catch(() => {});
    await crashed;
    // The connections of a dead tab end with it, and with them what the wire keeps.
    wire.cut();
    wire.mend();
    return await judge(step, { context, text, world, options });
  } finally {
    wire.mend();
    await context.close();
  }
}

type Ended = { context: BrowserContext; text: string; world: CrashWorld; options: CrashOptions };

async function judge(step: CrashStep, { context, text, world, options }: Ended): Promise<string[]> {
  const again = await openTab(context, world);
  const problems: string[] = [];
  const end = Date.now() + (options.settleMs ?? deadline.answerMs);
  const isSettled = async (): Promise<boolean> =>
    (await rowsOf(again, "outbox")).length === 0 &&
    ((await copiesInLog(world, text)) > 0 || (await again.inputValue("#text")) !== "");
  while (!(await isSettled()) && Date.now() < end) await Bun.sleep(50);
  const copies = await copiesInLog(world, text);
  const typed = await again.inputValue("#text");
  const shown = (await again.locator(".message .text").allTextContents()).filter((one) => one === text).length;
  if (copies > 1) problems.push(`the log has it ${copies} times`);
  if (copies !== shown) problems.push(`the page shows it ${shown} times, the log has it ${copies} times`);
  if (copies > 0 && typed !== "") problems.push("it was sent, and is in the composer too");
  if (copies === 0 && typed !== text) problems.push("it is neither in the log nor in the composer");
  const found = copies > 0 ? "log" : "composer";
  if (step.outcome !== "either" && step.outcome !== found) problems.push(`it is in the ${found}, not ${step.outcome}`);
  return problems;
}
