import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import { startServer, temporaryFolder } from "../support/server.ts";
import { describeWith } from "../support/prerequisite.ts";
import { describeEngine } from "./engine.contract.ts";
import { openFirefox } from "./firefox.ts";
import { until } from "./tab.ts";
import { openWire } from "./wire.ts";

const ticks = `[...document.querySelectorAll(".message.own")].map((one) => one.dataset.tick)`;
const status = `document.querySelector("#status")?.dataset.state`;

describeEngine("firefox", () => openFirefox());

describeWith("firefox", "Firefox that is killed", () => {
  test("J3 J67 it sends what it had kept, once, when it is started again", async () => {
    const server = await startServer();
    const wire = await openWire(server.port);
    const folder = temporaryFolder();
    const address = `http://127.0.0.1:${wire.port}/?user=alice&to=bob`;
    try {
      const first = await openFirefox({ folder });
      const tab = await first.open();
      await tab.goto(address);
      await until(tab, status, "online");
      wire.cut();
      await until(tab, status, "waiting");
      await tab.run(`document.querySelector("#text").focus()`);
      await tab.type("kept\nalso kept\nhalf a thought");
      // The composer is cleared when its text is on the disk; the draft follows within 300 ms.
      await until(tab, ticks, ["waiting", "waiting"]);
      await Bun.sleep(1_000);
      await first.kill();
      wire.mend();
      const again = await openFirefox({ folder });
      const next = await again.open();
      await next.goto(address);
      await until(next, ticks, ["accepted", "accepted"]);
      expect(await next.run<string>(`document.querySelector("#text").value`)).toBe("half a thought");
      const response = await fetch(`http://127.0.0.1:${server.port}/messages?user=bob&with=alice`);
      const { messages } = (await response.json()) as { messages: { text: string }[] };
      expect(messages.map(({ text }) => text).toSorted()).toEqual(["also kept", "kept"]);
      await again.close();
    } finally {
      wire.stop();
      await server.dispose();
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describeWith("firefox", "a private window of Firefox", () => {
  test("W14 it keeps what is written for as long as it is open", async () => {
    const server = await startServer();
    const wire = await openWire(server.port);
    const browser = await openFirefox({ isPrivate: true });
    try {
      const tab = await browser.open();
      await tab.goto(`http://127.0.0.1:${wire.port}/?user=alice&to=bob`);
      await until(tab, status, "online");
      wire.cut();
      await until(tab, status, "waiting");
      await tab.run(`document.querySelector("#text").focus()`);
      await tab.type("in private\n");
      await until(tab, ticks, ["waiting"]);
      wire.keep("up");
      await tab.goto(`http://127.0.0.1:${wire.port}/?user=alice&to=bob`);
      await until(tab, ticks, ["waiting"]);
      wire.mend();
      await until(tab, ticks, ["accepted"]);
    } finally {
      await browser.close();
      wire.stop();
      await server.dispose();
    }
  });
});
