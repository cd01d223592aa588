import { join } from "node:path";
import type { BrowserContext, Page } from "playwright-core";
import { type Measure, measure } from "../benchmark.ts";
import { withServer } from "../server-process.ts";
import { median } from "../statistics.ts";
import { newTab, withProfile } from "./browser.ts";
import { oldServer } from "./old-page.ts";
import { postMessages } from "./seed.ts";

const trials = 12;
const messages = 30;

/** That of the machine itself, and a slow one as on a train: bytes a second, milliseconds each way and back. */
const networks = [
  { name: "", conditions: null },
  {
    name: ", 1.6 Mbit/s and 150 ms",
    conditions: { offline: false, latency: 150, downloadThroughput: 200_000, uploadThroughput: 93_750 },
  },
] as const;
type Network = (typeof networks)[number];

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
  for (let user = 0; user < networks.length * trials; user++)
    await postMessages(port, { from: `bob${user}`, to: `alice${user}`, count: messages });
}

type Ports = { readonly port: number; readonly oldPort: number | null };

async function alternate(context: BrowserContext, ports: Ports): Promise<readonly Measure[]> {
  const all: Measure[] = [];
  for (const [at, network] of networks.entries())
    all.push(...(await compare(context, { ...ports, network, firstUser: at * trials })));
  return all;
}

type CompareOptions = Ports & { readonly network: Network; readonly firstUser: number };

async function compare(
  context: BrowserContext,
  { port, oldPort, network, firstUser }: CompareOptions,
): Promise<readonly Measure[]> {
  const times: number[] = [];
  const oldTimes: number[] = [];
  for (let trial = 0; trial < trials; trial++) {
    const visit = { user: firstUser + trial, network };
    const time = await open(context, { port, ...visit });
    const oldTime = oldPort === null ? null : await open(context, { port: oldPort, ...visit });
    // The first one of each pays for the start of the browser.
    if (trial === 0) continue;
    times.push(time);
    if (oldTime !== null) oldTimes.push(oldTime);
  }
  const { name } = network;
  const now = measure(`first message of a new profile${name}`, "ms", median(times));
  if (oldPort === null) return [now];
  return [
    now,
    measure(`first message on the old page${name}`, "ms", median(oldTimes)),
    measure(`… ratio to the old page${name}`, "", median(times) / median(oldTimes)),
  ];
}

type Visit = { readonly port: number; readonly user: number; readonly network: Network };

async function open(context: BrowserContext, { port, user, network }: Visit): Promise<number> {
  const page = await newTab(context);
  if (network.conditions !== null) await slowDown(page, network.conditions);
  await page.addInitScript(probe);
  await page.goto(`http://127.0.0.1:${port}/?user=alice${user}&to=bob${user}`);
  await page.waitForSelector(".message");
  let shownAt = 0;
  while (shownAt === 0) shownAt = await page.evaluate<number>("shownAt");
  await page.close();
  return shownAt;
}

async function slowDown(page: Page, conditions: NonNullable<Network["conditions"]>): Promise<void> {
  const session = await page.context().newCDPSession(page);
  await session.send("Network.enable");
  await session.send("Network.emulateNetworkConditions", conditions);
}
