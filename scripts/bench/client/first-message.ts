import { join } from "node:path";
import type { BrowserContext } from "playwright-core";
import { type Measure, measure } from "../benchmark.ts";
import { withServer } from "../server-process.ts";
import { median } from "../statistics.ts";
import { newTab, withProfile } from "./browser.ts";
import { oldServer } from "./old-page.ts";
import { postMessages } from "./seed.ts";

const trials = 12;
const messages = 30;

/** Notes when the first message was on screen: at the frame after the one in which it came into the document. */
const probe = `{
  globalThis.shownAt = 0;
  const observer = new MutationObserver(() => {
    if (document.querySelector(".message") === null) return;
    observer.disconnect();
    requestAnimationFrame(() => setTimeout(() => { shownAt = performance.now(); }));
  });
  observer.observe(document, { childList: true, subtree: true });
}`;

/** From the navigation of a user who was never here to a message on screen, on the page of today and on the old one in turn. */
export async function firstMessage(folder: string): Promise<readonly Measure[]> {
  const old = await oldServer(join(folder, "old-source"));
  return withServer({ folder }, (server) => {
    const measureBoth = async (oldPort: number | null): Promise<readonly Measure[]> => {
      for (const port of [server.port, oldPort]) if (port !== null) await prepare(port);
      return withProfile(folder, (context) => alternate(context, { port: server.port, oldPort }));
    };
    if (old === null) return measureBoth(null);
    return withServer({ folder, database: "old.db", entry: old }, ({ port }) => measureBoth(port));
  });
}

async function prepare(port: number): Promise<void> {
  for (let trial = 0; trial < trials; trial++)
    await postMessages(port, { from: `bob${trial}`, to: `alice${trial}`, count: messages });
}

type Ports = { readonly port: number; readonly oldPort: number | null };

async function alternate(context: BrowserContext, { port, oldPort }: Ports): Promise<readonly Measure[]> {
  const times: number[] = [];
  const oldTimes: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const time = await open(context, port, trial);
    const oldTime = oldPort === null ? null : await open(context, oldPort, trial);
    // The first one of each pays for the start of the browser.
    if (trial === 0) continue;
    times.push(time);
    if (oldTime !== null) oldTimes.push(oldTime);
  }
  const now = measure("first message of a new profile", "ms", median(times));
  if (oldPort === null) return [now];
  return [
    now,
    measure("first message on the old page", "ms", median(oldTimes)),
    measure("… ratio to the old page", "", median(times) / median(oldTimes)),
  ];
}

async function open(context: BrowserContext, port: number, trial: number): Promise<number> {
  const page = await newTab(context);
  await page.addInitScript(probe);
  await page.goto(`http://127.0.0.1:${port}/?user=alice${trial}&to=bob${trial}`);
  await page.waitForSelector(".message");
  let shownAt = 0;
  while (shownAt === 0) shownAt = await page.evaluate<number>("shownAt");
  await page.close();
  return shownAt;
}
