import { afterEach, describe, expect, test } from "bun:test";
import type { PushCut } from "../../src/push/request.ts";
import type { OnPush } from "../../src/push/preview.ts";
import type * as fitting from "../../src/push/fit.ts";
import { briefOf, contentFree, fit, nothingOf, shorten } from "../../src/push/fit.ts";
import type { PushNotice, PushProvider, PushResult } from "../../src/push/provider.ts";
import { fcm } from "../../src/push/provider/fcm.ts";
import { oneSignal } from "../../src/push/provider/onesignal.ts";
import { generateVapidKeys, webPush } from "../../src/push/provider/webpush.ts";
import { createDisplay } from "./fake/display.ts";
import { openFcm } from "./fake/fcm.ts";
import { openOneSignal } from "./fake/onesignal.ts";
import { showOn, startFakePushService } from "./fake/webpush.ts";
import { plant } from "../plants/index.ts";
import { plantedModule } from "./planted.ts";
import { noticeTo } from "./send.ts";
import { createPhones, sent } from "./support/phone.ts";
import { startPush, stopAll } from "./support/start.ts";

afterEach(stopAll);

const id = "01980000-0000-7000-8000-00000000cafe";
const family = "👩‍👩‍👧‍👦";
const bytesOf = (text: string): number => new TextEncoder().encode(text).length;
const upTo =
  (max: number) =>
  (text: string): boolean =>
    bytesOf(text) <= max;

describe("U24 a text that is too long", () => {
  const texts: readonly (readonly [string, string, number, string])[] = [
    ["fits", "hello", 5, "hello"],
    ["is cut", "hello you", 8, "hello…"],
    ["is not cut within a family", family.repeat(3), 60, `${family}${family}…`],
    ["is not cut within a letter with its marks", "e\u0301e\u0301e\u0301", 7, "e\u0301…"],
    ["is not cut within a flag", "🇸🇩🇸🇩🇸🇩", 20, "🇸🇩🇸🇩…"],
    ["is not cut within a syllable", "नमस्ते नमस्ते", 24, "नमस्ते…"],
    ["begins with more than fits", family.repeat(3), 20, ""],
    ["is one character of marks alone", `a${"\u0301".repeat(9_000)}`, 4_000, ""],
    ["has no room at all", "hello", 0, ""],
  ];
  for (const [what, text, max, shortened] of texts)
    test(`U24 a text that ${what}`, () => expect(shorten(text, upTo(max))).toBe(shortened));

  test("control: U24 a text that is cut between any two code units is noticed", async () => {
    const planted = await plantedModule<typeof fitting>(
      "push/fit.ts",
      plant("a text is cut between any two characters of UTF-16"),
    );
    expect(planted.shorten(family.repeat(3), upTo(60))).not.toBe(`${family}${family}…`);
  });

  const notice = (more: Partial<PushNotice>): PushNotice => noticeTo("token", { data: {}, ...more });
  const fits = ({ title, body, data }: PushNotice): boolean => bytesOf(title + body + JSON.stringify(data)) <= 100;

  test("U70 U24 the options stay if they fit; at last only dataOnly does", () => {
    const options = { channel: "chats", dataOnly: true };
    expect(fit(notice({ title: "Bob", body: "x".repeat(300), options }), fits).options).toEqual(options);
    const whole = { title: "Bob", body: "hi", data: { a: "1" }, options };
    expect(briefOf(whole).options).toEqual(options);
    expect(nothingOf(whole)).toEqual({ ...contentFree, options: { dataOnly: true } });
  });

  test("U24 the body is cut first, then the title; data that is too long by itself is left out", () => {
    const [long, data] = ["x".repeat(300), { a: "1" }];
    expect(fit(notice({ title: "Bob", body: "hi", data }), fits)).toEqual({
      title: "Bob",
      body: "hi",
      data,
      options: {},
    });
    expect(fit(notice({ title: "Bob", body: long, data }), fits)).toEqual({
      ...{ title: "Bob", data, options: {} },
      body: `${"x".repeat(100 - 3 - 9 - 3)}…`,
    });
    expect(fit(notice({ title: long, body: "hi" }), fits)).toEqual({
      ...{ title: `${"x".repeat(100 - 2 - 3)}…`, body: "", data: {}, options: {} },
    });
    expect(fit(notice({ title: "Bob", body: "hi", data: { a: long } }), fits)).toEqual({
      ...{ title: "Bob", body: "hi", data: {}, options: {} },
    });
    const marks = `a${"\u0301".repeat(300)}`;
    expect(fit(notice({ title: marks, body: marks }), fits)).toEqual(contentFree);
  });
});

const preview: OnPush = (draft) => ({ ...draft, title: draft.message.from, body: draft.message.text });

/** Previews that are too long for each provider. */
const longTexts = {
  "5000 characters": "x".repeat(5_000),
  "1200 emoji": family.repeat(500),
  "16 KiB": "ك".repeat(8_192),
};

type Phone = {
  readonly provider: PushProvider;
  readonly token: string;
  shown(): { readonly title: string; readonly body: string } | undefined;
  violations(): readonly string[];
  close(): Promise<void>;
};

async function openFcmPhone(): Promise<Phone> {
  const fake = await openFcm({ now: Date.now });
  return {
    provider: fcm({ serviceAccount: fake.serviceAccount(), baseUrl: fake.url }),
    token: "token",
    shown: () => [...fake.display.screen("token").notifications.values()][0],
    violations: () => fake.violations.filter((one) => !one.includes("iat is") && !one.includes("apns-expiration")),
    close: fake.close,
  };
}

async function openOneSignalPhone(): Promise<Phone> {
  const fake = await openOneSignal();
  const token = crypto.randomUUID();
  return {
    provider: oneSignal({ appId: fake.appId, apiKey: fake.apiKey, baseUrl: fake.url }),
    token: `subscription:${token}`,
    shown: () => [...fake.display.screen(`subscription:${token}`).notifications.values()][0],
    violations: () => fake.violations,
    close: fake.close,
  };
}

async function openBrowser(): Promise<Phone> {
  const display = createDisplay();
  const keys = await generateVapidKeys();
  const service = await startFakePushService({ deliver: showOn(display) });
  const provider = webPush({
    ...{ ...keys, subject: "mailto:ops@shop.example", fetch: service.fetch },
    resolve: () => Promise.resolve(["142.250.1.95"]),
  });
  const subscription = service.subscribe(keys.publicKey);
  const token = provider.parse({ subscription }, { tenant: "default", user: "bob" })?.token ?? "";
  return {
    ...{ provider, token, violations: () => service.violations, close: service.dispose },
    shown: () => [...display.screen(subscription.endpoint).notifications.values()][0],
  };
}

describe("U24 a preview that is too long for its provider", () => {
  for (const [name, open] of Object.entries({ openFcmPhone, openOneSignalPhone, openBrowser }))
    for (const [what, text] of Object.entries(longTexts))
      test(`U24 of ${what} is shown as far as it fits: ${name.replace("open", "")}`, async () => {
        const phone = await open();
        const context = { now: Date.now, signal: AbortSignal.timeout(30_000) };
        const whole = noticeTo(phone.token, { title: "alice", body: text, data: {} });
        expect((await phone.provider.send(whole, context)).type).toBe("unfit");
        const content = fit(whole, (notice) => phone.provider.fits?.(notice) !== false);
        expect(await phone.provider.send({ ...whole, ...content }, context)).toMatchObject({ type: "sent" });
        const shown = phone.shown();
        expect(shown?.title).toBe("alice");
        expect(text.startsWith(shown?.body.slice(0, -1) ?? "?")).toBe(true);
        // At most one more character would fit.
        expect(bytesOf(shown?.body ?? "")).toBeGreaterThan(3_300);
        expect(phone.violations()).toEqual([]);
        await phone.close();
      });

  test("U24 is sent shortened by the worker, reported once in the log, and explained each time", async () => {
    const phones = createPhones("phones", () => sent, { fits: ({ body }) => bytesOf(body) <= 100 });
    const cuts: PushCut[] = [];
    const push = await startPush({ providers: [phones.provider], onPush: preview, onCut: (cut) => cuts.push(cut) });
    await push.register("bob", "phone");
    await push.send("alice", "bob", family.repeat(50), id);
    await push.send("carol", "bob", "x".repeat(5_000));
    await push.send("dave", "bob", "short");
    await push.pass(500);
    expect(phones.requests.map(({ body }) => body).toSorted()).toEqual(
      [`${family.repeat(3)}…`, `${"x".repeat(97)}…`, "short"].toSorted(),
    );
    expect(cuts).toEqual([{ provider: "phones", how: "shortened" }]);
    expect(await push.why("bob", id)).toMatchObject([{ reason: "sent", answer: "ok (shortened)" }]);
    expect(push.faults).toEqual([]);
  });
});

describe("U24 a content that a provider refuses as too long", () => {
  const unfit: PushResult = { type: "unfit", answer: "HTTP 413" };

  async function deliver(taken: (notice: PushNotice) => boolean, text: string, onPush: OnPush = preview) {
    const phones = createPhones("phones", (notice) => (taken(notice) ? sent : unfit));
    const cuts: PushCut[] = [];
    const push = await startPush({ providers: [phones.provider], onPush, onCut: (cut) => cuts.push(cut) });
    await push.register("bob", "phone");
    await push.send("alice", "bob", text, id);
    await push.pass(500);
    const [why] = await push.why("bob", id);
    return { phones, cuts, why, push };
  }

  test("U24 is sent again with one line, under the same key", async () => {
    const { phones, cuts, why } = await deliver(({ body }) => body.length <= 200, "long ".repeat(400));
    expect(phones.requests.map(({ title, body }) => [title, body.length])).toEqual([
      ["alice", 2_000],
      ["alice", 100],
    ]);
    expect(new Set(phones.requests.map(({ key }) => key)).size).toBe(1);
    expect(phones.screenOf("bob phone").rings).toBe(1);
    expect(cuts).toEqual([{ provider: "phones", how: "brief", answer: "HTTP 413" }]);
    expect(why).toMatchObject({ reason: "sent", answer: "ok (cut to a line)" });
  });

  test("U24 is sent without content at last, and so is data that a provider does not take", async () => {
    const isPlain = ({ title }: PushNotice): boolean => title === contentFree.title;
    const { phones, why } = await deliver(isPlain, "long ".repeat(400));
    expect(phones.requests.length).toBe(3);
    expect([...phones.screenOf("bob phone").shown.values()]).toMatchObject([contentFree]);
    expect(why).toMatchObject({ reason: "sent", answer: "ok (without its content)" });
    const other = await deliver(
      ({ data }) => !("from" in data),
      "hi",
      (draft) => ({ ...draft, data: { from: "x" } }),
    );
    expect(other.phones.requests.length).toBe(2);
    expect(other.why).toMatchObject({ reason: "sent" });
  });

  test("U24 fails only if there is no shorter content", async () => {
    const { phones, why } = await deliver(() => false, "hi");
    expect(phones.requests.map(({ title }) => title)).toEqual(["alice", contentFree.title]);
    expect(why).toMatchObject({ decision: "drop", reason: "failed", answer: "HTTP 413" });
  });

  test("U24 is sent whole if a provider's own measure throws", async () => {
    const fits = (): boolean => {
      throw new Error("planted");
    };
    const phones = createPhones("phones", () => sent, { fits });
    const push = await startPush({ providers: [phones.provider], onPush: preview });
    await push.register("bob", "phone");
    await push.send("alice", "bob", "hello");
    await push.pass(300);
    expect(phones.requests.map(({ body }) => body)).toEqual(["hello"]);
    expect(push.faults.map(String)).toEqual(["Error: planted"]);
  });
});
