import { join } from "node:path";
import type { CDPSession, Page } from "playwright-core";
import { type Measure, measure } from "../benchmark.ts";
import { withServer } from "../server-process.ts";
import { quantile } from "../statistics.ts";
import { withProfile } from "./browser.ts";
import { postMessages, seedMessages } from "./seed.ts";

const messages = 5_000;
const keys = 300;
/** Loads that bring no further message: then something hangs. */
const idleMax = 50;

/**
 * A long conversation in the page: its reader scrolls up through all of it, then types. How far a row moves on screen when earlier ones come, what a key
 * costs, and what a message changes.
 */
export async function reading(folder: string): Promise<readonly Measure[]> {
  await seedMessages(join(folder, "chat.db"), [{ from: "alice", to: "bob", count: messages }]);
  return withServer({ folder }, ({ port }) =>
    withProfile(folder, async (context) => {
      const page = await context.newPage();
      await page.goto(`http://127.0.0.1:${port}/?user=alice&to=bob`);
      await page.waitForSelector(".message");
      await page.waitForSelector("#status[data-state=online]", { state: "attached" });
      const jump = await scrollUp(page);
      const key = await typeKeys(page, await context.newCDPSession(page));
      const rows = await rowsChangedByOne(page, port);
      return [
        measure("a row moves when earlier ones come, at most", "px", jump),
        measure(`a key after ${messages} messages, 99th percentile`, "ms of script", key),
        measure("rows that one message changes", "", rows),
      ];
    }),
  );
}

/** Code of the page: scrolls up by one load, and answers how far the first row in view moved. Null: nothing earlier came. */
const oneLoad = `(async () => {
  const log = document.querySelector("#log");
  const frame = () => new Promise((resolve) => requestAnimationFrame(() => resolve()));
  const first = () => document.querySelector("[data-seq]").dataset.seq;
  const before = first();
  if (before === "1") return null;
  log.scrollTop = Math.min(log.scrollTop, log.clientHeight);
  const top = log.getBoundingClientRect().top;
  const row = [...log.querySelectorAll("[data-seq]")].find((one) => one.getBoundingClientRect().bottom > top);
  const key = row.dataset.key;
  const place = () => log.querySelector('[data-key="' + CSS.escape(key) + '"]').getBoundingClientRect().top;
  const start = place();
  let jump = 0;
  for (let frames = 0; frames < 600 && first() === before; frames++) {
    await frame();
    jump = Math.max(jump, Math.abs(place() - start));
  }
  await frame();
  return { jump: Math.max(jump, Math.abs(place() - start)), hasCome: first() !== before };
})()`;

async function scrollUp(page: Page): Promise<number> {
  let jump = 0;
  for (let idle = 0; idle < idleMax;) {
    const load = await page.evaluate<{ jump: number; hasCome: boolean } | null>(oneLoad);
    if (load === null) return jump;
    jump = Math.max(jump, load.jump);
    idle = load.hasCome ? 0 : idle + 1;
  }
  throw new Error("The page loads no earlier messages any more");
}

/** The script that a key causes, its effects and timers too, up to the next key. */
async function typeKeys(page: Page, session: CDPSession): Promise<number> {
  await session.send("Performance.enable");
  const scriptMs = async (): Promise<number> => {
    const { metrics } = await session.send("Performance.getMetrics");
    return 1_000 * (metrics.find(({ name }) => name === "ScriptDuration")?.value ?? Number.NaN);
  };
  await page.focus("#text");
  const spent: number[] = [];
  for (let at = 0; at < keys; at++) {
    const before = await scriptMs();
    await page.keyboard.press("abcdefghij "[at % 11] ?? "a");
    spent.push((await scriptMs()) - before);
  }
  return quantile(
    spent.toSorted((a, b) => a - b),
    0.99,
  );
}

/** How many rows of the log an incoming message adds or changes, at its end. */
async function rowsChangedByOne(page: Page, port: number): Promise<number> {
  await page.click("#latest");
  await page.waitForSelector(`[data-seq="${messages}"]`);
  await page.evaluate(`{
    globalThis.changed = new Set();
    new MutationObserver((records) => {
      for (const { target, addedNodes } of records)
        for (const node of [target, ...addedNodes]) {
          const row = (node.nodeType === 1 ? node : node.parentElement)?.closest(".message");
          if (row) changed.add(row);
        }
    }).observe(document.querySelector("#log"), { subtree: true, childList: true, attributes: true, characterData: true });
  }`);
  await postMessages(port, { from: "bob", to: "alice", count: 1 });
  await page.waitForSelector(`[data-seq="${messages + 1}"]`);
  return await page.evaluate<number>("changed.size");
}
