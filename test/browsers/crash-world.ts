import { afterAll, beforeAll } from "bun:test";
import type { Browser } from "playwright-core";
import { type BrowserOptions, openBrowser } from "../support/chromium.ts";
import { describeWith } from "../support/prerequisite.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import type { CrashWorld } from "./crash.ts";
import { openWire, type Wire } from "./wire.ts";

/** Tests over one server, one browser and one wire; each call of `world` names two new users. `script`: what the page runs in place of its own. */
export function describeCrash(
  title: string,
  options: BrowserOptions & { readonly tests: (world: (script?: string) => CrashWorld) => void },
): void {
  describeWith("chromium", title, () => {
    let server: RunningServer;
    let browser: Browser;
    let wire: Wire;
    let count = 0;
    beforeAll(async () => {
      [server, browser] = await Promise.all([startServer(), openBrowser(options)]);
      wire = await openWire(server.port);
    });
    afterAll(async () => {
      await browser.close();
      wire.stop();
      await server.dispose();
    });
    options.tests((script) => {
      count += 1;
      const users = [`alice${count}`, `bob${count}`] as const;
      const own = { browser, wire, server: `http://127.0.0.1:${server.port}`, users };
      return script === undefined ? own : { ...own, script };
    });
  });
}
