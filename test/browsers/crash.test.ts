import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { plant } from "../plants/index.ts";
import { bundleAlteredPage } from "../support/altered-page.ts";
import { openBrowser } from "../support/chromium.ts";
import { deadline } from "../support/deadline.ts";
import { describeWith } from "../support/prerequisite.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { crashAt, type CrashWorld } from "./crash.ts";
import { stepOf } from "./hold.ts";
import { openWire, type Wire } from "./wire.ts";

// `bun run test:browsers` crashes at every step; here are one of each kind.
describeWith("chromium", "a tab that crashes while it sends", () => {
  let server: RunningServer;
  let browser: Browser;
  let wire: Wire;
  let count = 0;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startServer(), openBrowser()]);
    wire = await openWire(server.port);
  });
  afterAll(async () => {
    await browser.close();
    wire.stop();
    await server.dispose();
  });
  const world = (script?: string): CrashWorld => {
    count += 1;
    const users = [`alice${count}`, `bob${count}`] as const;
    return { browser, wire, server: `http://127.0.0.1:${server.port}`, users, ...(script !== undefined && { script }) };
  };

  for (const name of ["row before its put", "the frame is on its way", "message before its put"] as const)
    test(`J3 W14 the text is in the log once, or in the composer, after a crash at: ${name}`, async () => {
      expect(await crashAt(stepOf(name), world())).toEqual([]);
    });

  test("control: J3 a row that goes when it is sent is lost with the frame", async () => {
    const script = await bundleAlteredPage(plant("a row goes when it is sent"));
    const problems = await crashAt(stepOf("the frame is on its way"), world(script), {
      settleMs: deadline.firstFailureMs,
    });
    expect(problems).toContain("it is neither in the log nor in the composer");
  });
});
