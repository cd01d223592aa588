import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { generateVapidKeys } from "../../src/push/provider/webpush.ts";
import { plant } from "../plants/index.ts";
import { bundleAlteredPage } from "../support/altered-page.ts";
import { openBrowser, openPage } from "../support/chromium.ts";
import { describeWith } from "../support/prerequisite.ts";
import { type RunningServer, startServer } from "../support/server.ts";
import { online, post, until } from "./page-actions.ts";

/** The keys of a browser, from the example of RFC 8291. */
const keys = {
  p256dh: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
  auth: "BTBZMqHH6r4Tts7J_aSIgg",
};
/** This browser reaches no push service: the answer of one is made up. */
const pushService = `PushManager.prototype.subscribe = async ({ applicationServerKey }) => {
  globalThis.subscribedWith = applicationServerKey;
  return { toJSON: () => ({ endpoint: "https://fcm.googleapis.com/fcm/send/here", expirationTime: null, keys: ${JSON.stringify(keys)} }) };
}`;

/** It outlives a page, as that of a browser does. */
const oneSubscription = `(() => {
  const { subscribe } = PushManager.prototype;
  PushManager.prototype.subscribe = async (options) => {
    localStorage.setItem("subscription", "made");
    return subscribe(options);
  };
  PushManager.prototype.getSubscription = async () =>
    localStorage.getItem("subscription") && { unsubscribe: async () => localStorage.removeItem("subscription") };
})()`;

describeWith("chromium", "Web Push in the chat page", () => {
  let server: RunningServer;
  let browser: Browser;
  let publicKey: string;
  const base = (): string => `http://127.0.0.1:${server.port}`;
  beforeAll(async () => {
    const made = await generateVapidKeys();
    publicKey = made.publicKey;
    const env = {
      VAPID_PUBLIC_KEY: made.publicKey,
      VAPID_PRIVATE_KEY: made.privateKey,
      VAPID_SUBJECT: "mailto:a@b.example",
    };
    [server, browser] = await Promise.all([startServer({ env }), openBrowser({ isWhole: true })]);
  });
  afterAll(async () => {
    await browser.close();
    await server.dispose();
  });

  const prepare = async (page: Page): Promise<void> => {
    await page.context().grantPermissions(["notifications"], { origin: base() });
    await page.addInitScript(pushService);
  };

  test("W50 where the user wants notifications the page registers its device, and a click on one opens its conversation", async () => {
    await post(base(), "bob", { to: "alice", texts: ["hello"] });
    const complaints: string[] = [];
    const registered = Promise.withResolvers<{ status: number; body: unknown }>();
    const page = await openPage(browser, `${base()}/?user=alice`, {
      complaints,
      prepare: async (made) => {
        await prepare(made);
        made.on("response", (response) => {
          if (!response.url().includes("/devices/")) return;
          registered.resolve({ status: response.status(), body: response.request().postDataJSON() });
        });
      },
    });
    expect(await registered.promise).toMatchObject({
      status: 204,
      body: { push: { provider: "webpush", subscription: { endpoint: expect.any(String), keys } } },
    });
    expect(await page.evaluate<string>("subscribedWith")).toBe(publicKey);
    const worker = page.context().serviceWorkers()[0] ?? (await page.context().waitForEvent("serviceworker"));
    expect(worker.url()).toBe(`${base()}/push-worker.js`);
    await until(() => page.locator(".person").count(), 1);
    const list = (await (await fetch(`${base()}/conversations?user=alice`)).json()) as {
      conversations: { id: string }[];
    };
    const said = JSON.stringify({ type: "tidings.open", conversation: list.conversations[0]?.id });
    await worker.evaluate(
      `self.clients.matchAll({ includeUncontrolled: true }).then((all) => all.forEach((one) => one.postMessage(${said})))`,
    );
    await until(() => page.textContent("#peer-name").catch(() => null), "bob");
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  /** Turns notifications on as alice, and opens the page as bob, whom the server names no provider. Returns the subscription and the notifications then. */
  async function switchUser(script?: string): Promise<readonly [string | null, readonly string[]]> {
    const page = await openPage(browser, `${base()}/?user=alice`, {
      async prepare(made) {
        await prepare(made);
        await made.addInitScript(oneSubscription);
        if (script !== undefined)
          await made.route("**/page.js", (route) => route.fulfill({ contentType: "text/javascript", body: script }));
      },
    });
    await until(() => page.evaluate<unknown>(`localStorage.getItem("tidings push")`), `[null,"alice"]`);
    const shown = `navigator.serviceWorker.ready.then((one) => one.getNotifications()).then((all) => all.map(({ title }) => title))`;
    await page.evaluate(`navigator.serviceWorker.ready.then((one) => one.showNotification("bob has written"))`);
    await until(() => page.evaluate<unknown>(shown), ["bob has written"]);
    await page.reload();
    await online(page);
    expect(await page.evaluate<unknown>(`localStorage.getItem("subscription")`)).toBe("made");
    await page.route("**/push?*", (route) => route.abort());
    await page.goto(`${base()}/?user=bob`);
    await online(page);
    await Bun.sleep(300);
    const found = [
      await page.evaluate<string | null>(`localStorage.getItem("subscription")`),
      await page.evaluate<string[]>(shown),
    ] as const;
    await page.context().close();
    return found;
  }

  test("W54 the subscription of one user ends, with all that it has shown, when the page is opened as another", async () => {
    expect(await switchUser()).toEqual([null, []]);
  });

  test("control: W54 a subscription that stays shows the next user what is for the one before", async () => {
    const script = await bundleAlteredPage(plant("a subscription stays with the next user of the browser"));
    expect(await switchUser(script)).toEqual(["made", ["bob has written"]]);
  });

  test("W54 the subscription ends when its user signs out, also without the server", async () => {
    const page = await openPage(browser, `${base()}/?user=erin`, {
      async prepare(made) {
        await prepare(made);
        await made.addInitScript(oneSubscription);
      },
    });
    await until(() => page.evaluate<unknown>(`localStorage.getItem("tidings push")`), `[null,"erin"]`);
    await page.route("**/devices/*", (route) => route.abort());
    await page.click("#brand .menu button");
    await page.click("#leave");
    await page.click("#sign-out");
    await page.waitForSelector("#start");
    expect(
      await page.evaluate<unknown>(`[localStorage.getItem("subscription"), localStorage.getItem("tidings push")]`),
    ).toEqual([null, null]);
    await page.context().close();
  });

  test("W50 nobody is registered who was not asked", async () => {
    const asked: string[] = [];
    const page = await openPage(browser, `${base()}/?user=carol`, {
      prepare: async (made) => {
        await made.addInitScript(pushService);
        made.on("request", (request) => void asked.push(new URL(request.url()).pathname));
      },
    });
    await online(page);
    expect(asked.filter((path) => path === "/push" || path.startsWith("/devices/"))).toEqual([]);
    await page.context().close();
  });

  test("W1 W50 the policy lets the page start this worker, and no other script", async () => {
    const page = await openPage(browser, `${base()}/?user=dora`, { prepare });
    await until(() => page.evaluate<boolean>("'subscribedWith' in globalThis"), true);
    const tryTo = (code: string) =>
      page.evaluate<string>(`(async () => { ${code} })().then(() => "done", (error) => error.name)`);
    expect(await tryTo(`await navigator.serviceWorker.register("/page.js")`)).toBe("TypeError");
    for (const name of ["tidings-worker", "default", "another"])
      expect(await tryTo(`trustedTypes.createPolicy("${name}", { createScriptURL: (url) => url })`)).toBe("TypeError");
    expect(await tryTo(`document.body.innerHTML = "<b>x</b>"`)).toBe("TypeError");
    await page.context().close();
  });
});
