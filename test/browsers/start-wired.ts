import { afterAll, beforeAll } from "bun:test";
import type { Browser } from "playwright-core";
import { type BrowserOptions, openBrowser } from "../support/chromium.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { openWire, type Wire } from "./wire.ts";

export type Wired = { readonly server: RunningServer; readonly browser: Browser; readonly wire: Wire };

/** Starts a server, a browser and the wire between them for the tests around this call, which get them by the answer. */
export function startWired(options: BrowserOptions): () => Wired {
  let wired: Wired | null = null;
  beforeAll(async () => {
    const [server, browser] = await Promise.all([startServer(), openBrowser(options)]);
    wired = { server, browser, wire: await openWire(server.port) };
  });
  afterAll(async () => {
    await wired?.browser.close();
    wired?.wire.stop();
    await wired?.server.dispose();
  });
  return () => {
    if (wired === null) throw new Error("A test begins after the start");
    return wired;
  };
}
