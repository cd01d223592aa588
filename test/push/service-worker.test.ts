import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import type { Browser, CDPSession, Page, Worker } from "playwright-core";
import { plant, type PlantName } from "../plants/index.ts";
import { alter } from "../support/alter-source.ts";
import { blocksOf } from "../docs/block.ts";
import { openBrowser, openPage } from "../support/chromium.ts";
import { describeWith } from "../support/prerequisite.ts";

// A browser on a busy machine is slow.

const script = readFileSync(new URL("../../src/web/push-worker.js", import.meta.url), "utf8");
const tag = "Zm9yYWNvbnZlcnNhdGlvbm9mYWxpY2Vz";

type Push = {
  readonly kind?: unknown;
  readonly seq?: unknown;
  readonly tag?: unknown;
  readonly title?: string;
  readonly body?: string;
  readonly badge?: number;
  readonly conversation?: string;
  readonly data?: Readonly<Record<string, string>>;
  readonly options?: Readonly<Record<string, string>>;
};

type Shown = { title: string; body: string; tag: string; seq: number; silent: boolean; icon: string };

/** A page with the worker, in a browser with permission for notifications. */
type App = {
  readonly page: Page;
  readonly worker: Worker;
  /** Sends a push to the worker, and waits until it is handled. */
  readonly push: (...pushes: readonly (Push | string)[]) => Promise<void>;
  readonly shown: () => Promise<readonly Shown[]>;
  /** The messages of the worker to the page. */
  readonly said: () => Promise<readonly unknown[]>;
  /** The worker's calls of the browser: badges, windows. */
  readonly wanted: () => Promise<{ readonly badges: readonly number[]; readonly opened: readonly string[] }>;
  readonly click: (tag?: string) => Promise<void>;
};

const full = (push: Push): Push => ({
  kind: "message",
  conversation: "c1",
  seq: 1,
  badge: 1,
  tag,
  title: "New message",
  body: "",
  data: {},
  ...push,
});

/** In the worker: notes the events that are invisible from outside. */
const noting = `
  self.noted = { badges: [], opened: [], done: 0 };
  Object.defineProperty(Object.getPrototypeOf(self.navigator), "setAppBadge", {
    configurable: true, value: async (badge) => void self.noted.badges.push(badge) });
  Object.getPrototypeOf(self.clients).openWindow = async (url) => void self.noted.opened.push(url);
  const waitUntil = ExtendableEvent.prototype.waitUntil;
  ExtendableEvent.prototype.waitUntil = function (promise) {
    waitUntil.call(this, promise);
    promise.finally(() => { self.noted.done += 1; });
  };
`;

describeWith("chromium", "the service worker", () => {
  let browser: Browser;
  let site: ReturnType<typeof Bun.serve>;
  let origin: string;
  let complaints: string[] = [];
  let served = script;
  /** The requests of a page to the chat. */
  let asked: [method: string, path: string, body: string][] = [];

  beforeAll(async () => {
    browser = await openBrowser({ isWhole: true });
    site = Bun.serve({
      hostname: "127.0.0.1",
      port: 0,
      async fetch(request) {
        const { pathname } = new URL(request.url);
        if (pathname === "/push")
          return Response.json({ providers: [{ name: "fcm" }, { name: "webpush", publicKey: "BKey" }] });
        if (pathname.startsWith("/devices/")) {
          asked.push([request.method, pathname, await request.text()]);
          return new Response(null, { status: 204 });
        }
        if (pathname.endsWith("/push-worker.js"))
          return new Response(`${noting}\n${served}`, { headers: { "Content-Type": "text/javascript" } });
        return new Response("<!doctype html><title>App</title><link rel=icon href=data:,>", {
          headers: { "Content-Type": "text/html" },
        });
      },
    });
    origin = `http://127.0.0.1:${site.port}`;
  });
  afterAll(async () => {
    await browser.close();
    await site.stop(true);
  });
  afterEach(async () => {
    served = script;
    asked = [];
    await Promise.all(browser.contexts().map((context) => context.close()));
    const told = complaints;
    complaints = [];
    expect(told).toEqual([]);
  });

  async function open(folder = "/"): Promise<App> {
    const page = await openPage(browser, `${origin}${folder}`, { complaints });
    const context = page.context();
    await context.grantPermissions(["notifications"], { origin });
    const cdp = await context.newCDPSession(page);
    const registrationId = await register(cdp, page, folder);
    const [worker] = context.serviceWorkers();
    if (worker === undefined) throw new Error("The worker did not start");
    await page.evaluate(`
      window.said = [];
      navigator.serviceWorker.addEventListener("message", ({ data }) => window.said.push(data));
      navigator.serviceWorker.startMessages();
    `);
    return {
      page,
      worker,
      async push(...pushes) {
        const before = await worker.evaluate<number>("self.noted.done");
        for (const push of pushes) {
          const data = typeof push === "string" ? push : JSON.stringify(full(push));
          await cdp.send("ServiceWorker.deliverPushMessage", { origin, registrationId, data });
        }
        const ours = pushes.filter((push) => typeof push !== "string").length;
        await worker.evaluate(`(async () => {
          while (self.noted.done < ${before + ours}) await new Promise((resolve) => setTimeout(resolve, 5));
        })()`);
      },
      shown: () =>
        worker.evaluate<Shown[]>(`self.registration.getNotifications().then((all) => all.map(
          ({ title, body, tag, silent, icon, data }) => ({ title, body, tag, silent, icon, seq: data.seq })))`),
      said: () => page.evaluate<unknown[]>("window.said"),
      wanted: () => worker.evaluate("self.noted"),
      async click(which = tag) {
        // A script cannot click on a notification: this makes the event by itself.
        await worker.evaluate(`(async () => {
          const [notification] = await self.registration.getNotifications({ tag: ${JSON.stringify(which)} });
          const event = new NotificationEvent("notificationclick", { notification });
          let work = null;
          event.waitUntil = (promise) => { work = promise; };
          self.dispatchEvent(event);
          await work;
        })()`);
      },
    };
  }

  /** Registers the worker as a page does, and returns the browser's name for it. */
  async function register(cdp: CDPSession, page: Page, folder: string): Promise<string> {
    const found = Promise.withResolvers<string>();
    cdp.on("ServiceWorker.workerRegistrationUpdated", ({ registrations }) => {
      for (const { registrationId, scopeURL } of registrations)
        if (scopeURL === `${origin}${folder}`) found.resolve(registrationId);
    });
    await cdp.send("ServiceWorker.enable");
    await page.evaluate(`(async () => {
      const registration = await navigator.serviceWorker.register("${folder}push-worker.js");
      const worker = registration.installing ?? registration.waiting ?? registration.active;
      while (worker.state !== "activated") await new Promise((resolve) => setTimeout(resolve, 5));
    })()`);
    return await found.promise;
  }

  test("U19: a message is shown, with the badge at the icon; the next one of its conversation replaces it", async () => {
    const app = await open();
    await app.push({ seq: 1, title: "Bob", body: "Tea?", badge: 3, data: { icon: "/bob.png" } });
    const first = { title: "Bob", body: "Tea?", tag, seq: 1, silent: false, icon: `${origin}/bob.png` };
    expect(await app.shown()).toEqual([first]);
    await app.push({ seq: 2, title: "Bob", body: "Now!", badge: 4 });
    expect(await app.shown()).toEqual([{ ...first, body: "Now!", seq: 2, icon: "" }]);
    await app.push({ seq: 1, tag: "another", conversation: "c2", title: "", badge: 5 });
    const all = await app.shown();
    expect(all.find((one) => one.tag === "another")).toMatchObject({ title: "127.0.0.1", body: "", seq: 1 });
    expect(all.find((one) => one.tag === tag)).toMatchObject({ title: "Bob", seq: 2 });
    expect(all.length).toBe(2);
    expect((await app.wanted()).badges).toEqual([3, 4, 5]);
  });

  test("U70 U19: it is shown with its image, and without a sound if the host wants none", async () => {
    const app = await open();
    const image = `${origin}/picture.png`;
    await app.push({ seq: 1, title: "Bob", options: { sound: "none", image } });
    const of = () =>
      app.worker.evaluate<unknown>(
        "self.registration.getNotifications().then(([one]) => [one.silent, one.image ?? null, one.data.options ?? null])",
      );
    expect(await of()).toEqual([true, image, { sound: "none", image }]);
    await app.push({ seq: 2, title: "Bob" });
    expect(await of()).toEqual([false, "", null]);
  });

  test("U19: an older push after a newer one is not shown, and a repeat does not alert again", async () => {
    const app = await open();
    await app.push({ seq: 5, body: "five" }, { seq: 3, body: "three", badge: 9 });
    expect(await app.shown()).toMatchObject([{ seq: 5, body: "five", silent: true }]);
    await app.push({ seq: 6, body: "six" });
    expect(await app.shown()).toMatchObject([{ seq: 6, body: "six", silent: false }]);
    await app.push({ seq: 6, body: "six" });
    expect(await app.shown()).toMatchObject([{ seq: 6, body: "six", silent: true }]);
    expect((await app.wanted()).badges).not.toContain(9);
  });

  test("U19: of many concurrent pushes the newest stays, in any order", async () => {
    const app = await open();
    for (const order of [
      [4, 9, 1, 7, 3],
      [12, 11, 10],
      [13, 14, 15],
    ]) {
      await app.push(...order.map((seq) => ({ seq, body: String(seq) })));
      expect(await app.shown()).toMatchObject([{ seq: Math.max(...order) }]);
    }
  });

  test("U19: a clear closes its notification, shows nothing, and leaves other conversations and newer messages", async () => {
    const app = await open();
    await app.push({ seq: 5 }, { seq: 1, tag: "another" });
    await app.push({ kind: "clear", seq: 5, badge: 1, title: "" });
    expect(await app.shown()).toMatchObject([{ tag: "another" }]);
    await app.push({ seq: 7 }, { kind: "clear", seq: 6, badge: 0 });
    expect((await app.shown()).map(({ seq }) => seq).toSorted((a, b) => a - b)).toEqual([1, 7]);
    await app.push({ kind: "clear", seq: 7, badge: 0 }, { kind: "clear", seq: 8, tag: "never shown", badge: 0 });
    expect(await app.shown()).toMatchObject([{ tag: "another" }]);
    expect((await app.wanted()).badges.at(-1)).toBe(0);
  });

  test("U19: pushes of other senders are ignored", async () => {
    const app = await open();
    const odd: readonly string[] = ["", "plain", "null", "[]", "{}", "1", '{"kind":"news","tag":"a","seq":1}'];
    const broken = [{ tag: 1 }, { seq: "1" }, { seq: 1.5 }, { kind: null }].map((push) => JSON.stringify(full(push)));
    await app.push(...odd, ...broken, { seq: 1 });
    expect(await app.shown()).toMatchObject([{ seq: 1, tag }]);
  });

  test("U19: a click closes the notification, and sends its conversation to an open page", async () => {
    const app = await open();
    await app.push({ data: { url: "/elsewhere", room: "7" } });
    await app.click();
    expect(await app.shown()).toEqual([]);
    await app.page.waitForFunction("window.said.length > 0");
    expect(await app.said()).toEqual([
      { type: "tidings.open", conversation: "c1", data: { url: "/elsewhere", room: "7" } },
    ]);
    expect((await app.wanted()).opened).toEqual([]);
  });

  test("U19: without a page in its scope a click opens one, only of this origin", async () => {
    const app = await open("/chat/");
    await app.page.goto(`${origin}/shop`);
    const scope = `${origin}/chat/`;
    const urls: readonly (readonly [string | undefined, string])[] = [
      [undefined, scope],
      ["", scope],
      ["c/1?a=b#c", `${origin}/chat/c/1?a=b#c`],
      ["/other", `${origin}/other`],
      [`${origin}/x`, `${origin}/x`],
      ["https://evil.example/", scope],
      ["//evil.example/", scope],
      [`${origin}.evil.example/`, scope],
      [`${origin}@evil.example/`, scope],
      ["javascript:alert(1)", scope],
      [`blob:${origin}/0`, scope],
      ["https://", scope],
    ];
    for (const [at, [url]] of urls.entries()) {
      await app.push({ tag: `t${at}`, data: url === undefined ? {} : { url } });
      await app.click(`t${at}`);
    }
    expect((await app.wanted()).opened).toEqual(urls.map(([, opened]) => opened));
  });

  test("U19: when the browser changes the subscription, it is renewed with the same key, and the page gets a message", async () => {
    const app = await open();
    const asked = await app.worker.evaluate(`(async () => {
      const asked = [];
      const made = { toJSON: () => ({ endpoint: "https://fcm.googleapis.com/new" }) };
      self.registration.pushManager.subscribe = async (options) => {
        asked.push({ ...options, applicationServerKey: [...new Uint8Array(options.applicationServerKey)] });
        return made;
      };
      const change = async (more) => {
        let work = null;
        const event = Object.assign(new Event("pushsubscriptionchange"), { waitUntil: (promise) => { work = promise; } }, more);
        self.dispatchEvent(event);
        await work;
      };
      const options = { applicationServerKey: new Uint8Array([4, 1, 2]).buffer, userVisibleOnly: true };
      await change({ oldSubscription: { options } });
      await change({ oldSubscription: { options }, newSubscription: { options, toJSON: () => ({ endpoint: "https://fcm.googleapis.com/given" }) } });
      self.registration.pushManager.getSubscription = async () => ({ options });
      await change({});
      self.registration.pushManager.getSubscription = async () => null;
      await change({});
      return asked;
    })()`);
    expect(asked).toEqual([
      { userVisibleOnly: true, applicationServerKey: [4, 1, 2] },
      { userVisibleOnly: true, applicationServerKey: [4, 1, 2] },
    ]);
    await app.page.waitForFunction("window.said.length > 2");
    const told = (name: string) => ({
      type: "tidings.subscription",
      subscription: { endpoint: `https://fcm.googleapis.com/${name}` },
    });
    expect(await app.said()).toEqual([told("new"), told("given"), told("new")]);
  });

  test("U19: the page of docs/web-push.md registers its device, gets clicks and changes, and deletes the device at logout", async () => {
    const [code] = blocksOf("docs/web-push.md").filter(({ info }) => info === "file=page.js");
    const app = await open();
    await app.page.evaluate(`
      window.wanted = [];
      let old = { unsubscribe: async () => void (old = null) };
      PushManager.prototype.getSubscription = async () => old;
      PushManager.prototype.subscribe = async (options) => {
        window.wanted.push(options);
        if (old) throw new DOMException("It has another applicationServerKey", "InvalidStateError");
        return { toJSON: () => ({ endpoint: "https://fcm.googleapis.com/x" }) };
      };
      window.opened = [];
    `);
    await app.page.addScriptTag({ content: code?.text ?? "" });
    expect(await app.page.evaluate<boolean>(`notifyHere("my phone")`)).toBe(true);
    const options = { userVisibleOnly: true, applicationServerKey: "BKey" };
    expect(await app.page.evaluate<unknown[]>("window.wanted")).toEqual([options, options]);
    await app.page.evaluate(`listen("my phone", (conversation, data) => window.opened.push([conversation, data]))`);
    await app.push({ data: { room: "7" } });
    await app.click();
    await app.page.waitForFunction("window.opened.length > 0");
    expect(await app.page.evaluate<unknown[]>("window.opened")).toEqual([["c1", { room: "7" }]]);
    await app.worker.evaluate(`self.clients.matchAll({ includeUncontrolled: true }).then(([page]) => page.postMessage(
      { type: "tidings.subscription", subscription: { endpoint: "https://fcm.googleapis.com/y" } }))`);
    while (asked.length < 2) await Bun.sleep(5);
    await app.page.evaluate(`logout("my phone")`);
    const registered = (name: string) =>
      JSON.stringify({
        push: { provider: "webpush", subscription: { endpoint: `https://fcm.googleapis.com/${name}` } },
      });
    expect(asked).toEqual([
      ["PUT", "/devices/my%20phone", registered("x")],
      ["PUT", "/devices/my%20phone", registered("y")],
      ["DELETE", "/devices/my%20phone", ""],
    ]);
  });

  test("U19: it works beside other code of the same worker", async () => {
    served = `const turn = 1, read = 2, take = 3, show = 4, open = 5;\n${script}`;
    const app = await open();
    await app.push({ seq: 1 });
    expect(await app.shown()).toMatchObject([{ seq: 1 }]);
  });

  const planted = async (bug: PlantName): Promise<App> => {
    served = alter("push-worker.js", script, plant(bug));
    return await open();
  };

  test("control: U19 a worker that shows the last push is noticed", async () => {
    const app = await planted("the service worker shows the last push");
    await app.push({ seq: 5 }, { seq: 3 });
    expect(await app.shown()).toMatchObject([{ seq: 3 }]);
  });

  test("control: U19 a worker that closes any notification is noticed", async () => {
    const app = await planted("the service worker closes any notification");
    await app.push({ seq: 7 }, { kind: "clear", seq: 6 });
    expect(await app.shown()).toEqual([]);
  });

  test("control: U19 a worker that opens any address is noticed", async () => {
    const app = await planted("the service worker opens any address");
    await app.page.goto("about:blank");
    await app.push({ data: { url: "https://evil.example/" } });
    await app.click();
    expect((await app.wanted()).opened).toEqual(["https://evil.example/"]);
  });
});
