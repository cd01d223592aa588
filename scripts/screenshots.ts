/**
 * Makes the pictures of the chat page in docs/page, from the real server and a real browser.
 *
 *   bun scripts/screenshots.ts
 */
import { randomUUID } from "node:crypto";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { openBrowser, openPage, type PageOptions } from "../test/support/chromium.ts";
import { type RunningServer, startServer } from "../test/support/server.ts";
import { repositoryRoot } from "./violations.ts";

const folder = join(repositoryRoot, "docs/page");
const wide = { viewport: { width: 1120, height: 700 } };
const phone = { viewport: { width: 390, height: 700 }, hasTouch: true, isMobile: true };

type Studio = { readonly server: RunningServer; readonly browser: Browser };

async function post({ server }: Studio, from: string, texts: readonly string[], to = "alice"): Promise<void> {
  for (const text of texts) {
    const body = JSON.stringify({ id: randomUUID(), to, text });
    const address = `http://127.0.0.1:${server.port}/messages?user=${from}`;
    const response = await fetch(address, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
  }
}

async function open({ server, browser }: Studio, path: string, options: PageOptions): Promise<Page> {
  const page = await openPage(browser, `http://127.0.0.1:${server.port}${path}`, options);
  if (path !== "/") await page.waitForSelector("#status[data-state=online]", { state: "attached" });
  return page;
}

async function say(page: Page, texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    await page.fill("#text", text);
    await page.click("#composer button[type=submit]");
  }
}

/** When nothing has moved for a while. */
async function take(page: Page, name: string): Promise<void> {
  await page.waitForTimeout(700);
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

async function run(studio: Studio): Promise<void> {
  await post(studio, "carol", ["See you at eight"]);
  await post(studio, "layla", ["مرحبا، كيف حالك اليوم؟"]);
  await post(
    studio,
    "erin",
    Array.from({ length: 120 }, (_, at) => `Line ${at + 1} of the log, with a few words more`),
  );
  await post(studio, "dave", ["Hello", "The invoice is attached, could you have a look before Friday?"]);
  await post(studio, "bob", [
    "Hey Alice! Did you see the new design? https://example.org/design – it is quite something.",
    "I think we should ship it",
  ]);

  const alice = await open(studio, "/?user=alice&to=bob", wide);
  const bob = await open(studio, "/?user=bob&to=alice", { ...phone, colorScheme: "dark" });
  await alice.waitForSelector(".message");
  await say(alice, [
    "Looks great!",
    "One thing: the header feels tight on small screens.\n\n  - 320 px\n  - 375 px\n\nCould we try 12 px more?",
  ]);
  await say(alice, ["هل يمكنك النظر في ذلك اليوم؟"]);
  await bob.waitForSelector(".message:nth-of-type(n+5)");
  await bob.locator("#text").pressSequentially("Sure, I will");
  await alice.waitForSelector("#typing:not(:empty)");
  await take(alice, "thread-light");
  await take(bob, "thread-phone-dark");
  await alice.emulateMedia({ colorScheme: "dark" });
  await take(alice, "thread-dark");
  await alice.emulateMedia({ colorScheme: "light" });

  const list = await open(studio, "/?user=alice", phone);
  await list.waitForSelector(".person");
  await take(list, "list-phone");
  await list.click(`.person:has(.name:text-is("erin"))`);
  await list.waitForSelector(".divider");
  await take(list, "unread-phone");

  await bob.click("#peer .menu button");
  await bob.click("[role=menuitem]:text-is('Block')");
  await bob.waitForSelector("#blocked");
  await say(alice, ["One more thing"]);
  await alice.waitForSelector("[data-tick=failed]");
  await alice.context().setOffline(true);
  await alice.waitForSelector("#status[data-state=waiting]");
  await say(alice, ["This is written on a train", "and so is this"]);
  await take(alice, "offline");
  await alice.context().setOffline(false);
  await alice.waitForSelector("#status[data-state=online]", { state: "attached" });
  await alice.click("#peer .menu button");
  await take(alice, "menu");
  await take(await open(studio, "/", phone), "start-phone");
}

mkdirSync(folder, { recursive: true });
const studio: Studio = { server: await startServer(), browser: await openBrowser() };
try {
  await run(studio);
} finally {
  await studio.browser.close();
  await studio.server.dispose();
}
