import type { BrowserContext, Page } from "playwright-core";
import { bundleScript } from "../../../src/standalone/web-file.ts";
import { type Measure, measure } from "../benchmark.ts";
import { scriptPath } from "../child.ts";
import { median } from "../statistics.ts";
import { withProfile } from "./browser.ts";

const trials = 9;
const [few, many] = [100, 10_000];
/** Of the device with many messages: conversations, and messages in each. */
const [ownConversations, ownMessages] = [100, 1_000];

/** The client alone over IndexedDB, without a network: how soon its list is there, and how much memory it takes. */
export async function device(folder: string): Promise<readonly Measure[]> {
  const script = await bundleScript(scriptPath("client/device-script.ts"));
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch: ({ url }) =>
      url.endsWith("/device.js")
        ? new Response(script, { headers: { "content-type": "text/javascript" } })
        : new Response('<!doctype html><script src="/device.js"></script>', {
            headers: { "content-type": "text/html" },
          }),
  });
  try {
    return await withProfile(folder, (context) => measureDevice(context, `http://127.0.0.1:${server.port}/`));
  } finally {
    await server.stop(true);
  }
}

async function measureDevice(context: BrowserContext, address: string): Promise<readonly Measure[]> {
  const page = await context.newPage();
  await page.goto(address);
  const fill = (user: string, conversations: number, messages: number): Promise<void> =>
    page.evaluate(`device.fill("${user}", { conversations: ${conversations}, messages: ${messages} })`);
  await fill("few", few, 1);
  await fill("many", many, 1);
  await fill("none", 1, 1);
  await fill("reader", ownConversations, ownMessages);
  const times: Record<string, number[]> = { few: [], many: [] };
  for (let trial = 0; trial <= trials; trial++)
    for (const user of ["few", "many"]) {
      // Each in a page of its own, as after a start.
      await page.goto(address);
      const time = await page.evaluate<number>(`device.open("${user}")`);
      if (trial > 0) times[user]?.push(time);
    }
  const [fewMs, manyMs] = [median(times["few"] ?? []), median(times["many"] ?? [])];
  const heap = (await heapOf(page, address, "reader")) - (await heapOf(page, address, "none"));
  return [
    measure(`opens with ${few} conversations, without a network`, "ms", fewMs),
    measure(`opens with ${many} conversations`, "ms", manyMs),
    measure("… ratio to the few", "", manyMs / fewMs),
    measure(`heap of ${ownConversations * ownMessages} messages, one thread shown`, "MB", heap / 1_000_000),
  ];
}

/** The heap of a page whose client is open and shows a thread, without garbage. */
async function heapOf(page: Page, address: string, user: string): Promise<number> {
  await page.goto(address);
  await page.evaluate(`device.open("${user}").then(() => device.read())`);
  const session = await page.context().newCDPSession(page);
  await session.send("HeapProfiler.enable");
  await session.send("HeapProfiler.collectGarbage");
  const { usedSize } = await session.send("Runtime.getHeapUsage");
  await session.detach();
  return usedSize;
}
