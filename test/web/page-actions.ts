import { expect } from "bun:test";
import { randomUUID } from "node:crypto";
import type { Page } from "playwright-core";
import { endClients, join } from "../support/client.ts";
import { deadline } from "../support/deadline.ts";

const isOnline = "#status[data-state=online]";

export const online = (page: Page) => page.waitForSelector(isOnline, { state: "attached" });
// Code that runs in the page is written as text: the types of the tests have no `document`.
export const ticks = (page: Page) =>
  page.evaluate<string[]>(`[...document.querySelectorAll(".message.own")].map((row) => row.dataset.tick)`);
export const texts = (page: Page) => page.locator(".message .text").allTextContents();

/** Writes a message without a mouse: its way to the button costs more than the message. */
export async function say(page: Page, text: string): Promise<void> {
  await page.fill("#text", text);
  await page.evaluate(`document.querySelector("#composer button").click()`);
}

/** Writes several messages, one after the other. */
export const sayAll = (page: Page, all: readonly string[]): Promise<void> =>
  page.evaluate<void>(`(async () => {
    for (const text of ${JSON.stringify(all)}) {
      const field = document.querySelector("#text");
      field.value = text;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      document.querySelector("#composer button").click();
      for (let turns = 0; field.value !== ""; turns++) {
        if (turns > 1_000) throw new Error("The composer was not emptied of " + text);
        await new Promise((done) => setTimeout(done, 4));
      }
    }
  })()`);

/** The cursor that the page's browser has stored. */
export const storedCursor = (page: Page) =>
  page.evaluate<string>(`(async () => {
    const done = (request) => new Promise((resolve, reject) => { request.onsuccess = () => resolve(request.result); request.onerror = reject; });
    const [{ name }] = await indexedDB.databases();
    const database = await done(indexedDB.open(name));
    const rows = await done(database.transaction("meta").objectStore("meta").getAll());
    database.close();
    return JSON.stringify(rows).match(/"cursor":"([^"]*)"/)?.[1];
  })()`);
/** Whom the page's user has blocked, as the server knows it. */
export const blocksOf = (page: Page) =>
  page.evaluate<string[]>(`(async () => {
    const user = new URL(location.href).searchParams.get("user");
    const answer = await fetch("/blocks?user=" + encodeURIComponent(user));
    return (await answer.json()).blocks.map(({ user }) => user);
  })()`);
export const dropDatabases = `(async () => {
  for (const { name } of await indexedDB.databases())
    await new Promise((resolve) => { indexedDB.deleteDatabase(name).onsuccess = resolve; });
})()`;

/** Waits until `read` returns the expected value, and fails with the last value that it returned. */
export async function until<Value>(
  read: () => Promise<Value>,
  wanted: Value,
  withinMs: number = deadline.answerMs,
): Promise<void> {
  const end = Date.now() + withinMs;
  let value = await read();
  // Each look costs three processes some milliseconds: the longer it takes, the rarer they are.
  for (let waitMs = 20; !Bun.deepEquals(value, wanted) && Date.now() < end; waitMs = Math.min(2 * waitMs, 160)) {
    await Bun.sleep(waitMs);
    value = await read();
  }
  expect<unknown>(value).toEqual(wanted);
}

/** To more messages than this a request each takes longer than all the rest of a test. */
const requestsMax = 30;

type Post = { readonly to: string; readonly texts: readonly string[] };

/** Sends messages, in order: over HTTP, or many of them over a socket. */
export async function post(base: string, from: string, { to, texts }: Post): Promise<void> {
  if (texts.length > requestsMax) return await postOverSocket(base, from, { to, texts });
  for (const text of texts) {
    const body = JSON.stringify({ id: randomUUID(), to, text });
    const headers = { "Content-Type": "application/json" };
    const response = await fetch(`${base}/messages?user=${from}`, { method: "POST", headers, body });
    expect(response.status).toBe(201);
  }
}

async function postOverSocket(base: string, from: string, { to, texts }: Post): Promise<void> {
  const sender = await join(base.replace("http:", "ws:"), { user: from });
  for (const text of texts) sender.post({ to }, text);
  const accepted = () => sender.frames.filter(({ type }) => type === "accepted").length;
  await sender.when(() => accepted() === texts.length, deadline.answerMs, "all are accepted");
  await sender.close();
  endClients();
}
