import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { plant, type PlantName } from "../plants/index.ts";
import { bundleAlteredPage } from "../support/altered-page.ts";
import { openBrowser } from "../support/chromium.ts";
import { deadline } from "../support/deadline.ts";
import { describeWith } from "../support/prerequisite.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { crashAt, type CrashWorld } from "./crash.ts";
import { crashSteps, stepOf } from "./hold.ts";
import { openWire, type Wire } from "./wire.ts";

/** Faults of a client, and a step at which each loses the text or doubles it. */
const faults = {
  "a row goes when it is sent": "the frame is on its way",
  "a draft goes before its row is there": "row before its put",
  "waiting messages get new ids when a client starts": "the server has it on disk, accepted is on its way",
} as const satisfies Partial<Record<PlantName, string>>;

describeWith("chromium", "a tab that crashes at each step of a send", () => {
  let server: RunningServer;
  let browser: Browser;
  let wire: Wire;
  let count = 0;
  beforeAll(async () => {
    [server, browser] = await Promise.all([startServer(), openBrowser({ isWhole: true })]);
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

  for (const step of crashSteps)
    test(`J3 W14 the text is in the log once, or in the composer, after a crash at: ${step.name}`, async () => {
      expect(await crashAt(step, world())).toEqual([]);
    });

  for (const [fault, at] of Object.entries(faults))
    test(`control: J3 ${fault}`, async () => {
      const script = await bundleAlteredPage(plant(fault as keyof typeof faults));
      const problems = await crashAt(stepOf(at), world(script), { settleMs: deadline.firstFailureMs });
      expect(problems).not.toEqual([]);
    });
});
