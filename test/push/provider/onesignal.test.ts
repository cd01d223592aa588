import { afterEach, describe, expect, test } from "bun:test";
import { isIdentifier } from "../../../src/protocol/identifier.ts";
import { ChatError } from "../../../src/error.ts";
import type { Identity } from "../../../src/model.ts";
import type { PushNotice, PushProvider } from "../../../src/push/provider.ts";
import type { Fetch } from "../../../src/push/provider/fetch.ts";
import { oneSignal, type OneSignalOptions } from "../../../src/push/provider/onesignal.ts";
import { openOneSignal, type FakeOneSignal, type OneSignalFault } from "../fake/onesignal.ts";
import {
  checksFailedBy,
  describeProvider,
  noticeFor,
  nowMs,
  send,
  weakened,
  type CommonFault,
  type Subject,
} from "../provider.contract.ts";
import { plant } from "../../plants/index.ts";
import { plantedModule } from "../planted.ts";

const faultNames: Readonly<Record<CommonFault, OneSignalFault>> = {
  busy: "limited",
  down: "down",
  lost: "lost",
  dead: "unsubscribed",
  refused: "badRequest",
  tooLarge: "tooLarge",
  hang: "hang",
  redirect: "redirect",
};
const traits = { isRepeatSilent: true, bytesMax: 4_096 };
/** A user is never a dead address: they may subscribe a moment later. */
const userTraits = { ...traits, tellsDead: false } as const;
const alice: Identity = { tenant: "default", user: "alice" };
const textOf = ({ body }: RequestInit): string => (typeof body === "string" ? body : "");

/** By mode: each device is its own user, or a subscription of alice. */
const openAs = (mode: "external" | "subscription", fetch?: Fetch) => async (): Promise<Subject> => {
  const fake = await openOneSignal();
  const faults: OneSignalFault[] = [];
  fake.decide = () => faults.shift() ?? "ok";
  const { appId, apiKey, url: baseUrl } = fake;
  return {
    provider: oneSignal({ appId, apiKey, baseUrl, ...(fetch && { fetch }) }),
    device(name) {
      const id = crypto.randomUUID();
      const screen = () =>
        fake.display.screen(mode === "external" ? `external:${name}-of-alice` : `subscription:${id}`);
      return mode === "external"
        ? { push: {}, identity: { ...alice, user: `${name}-of-alice` }, screen }
        : { push: { token: id }, identity: alice, screen };
    },
    suffer: (...more) => void faults.push(...more.map((fault) => faultNames[fault])),
    requests: () => fake.count.sends,
    violations: () => [...fake.violations, ...fake.display.violations],
    secrets: () => [fake.apiKey],
    close: () => fake.close(),
  };
};

describeProvider("OneSignal, by user", openAs("external"), userTraits);
describeProvider("OneSignal, by subscription", openAs("subscription"), traits);

describe("OneSignal alone", () => {
  let fake: FakeOneSignal;
  let isBroken = false;
  const subscription = "7d9f2a54-9b1c-4f3e-8a7d-5c6b4a392817";

  async function start(options: Partial<OneSignalOptions> = {}): Promise<PushProvider> {
    isBroken = false;
    fake = await openOneSignal();
    const { appId, apiKey, url: baseUrl } = fake;
    return oneSignal({ appId, apiKey, baseUrl, ...options });
  }
  afterEach(async () => {
    await fake.close();
    if (!isBroken) expect([...fake.violations, ...fake.display.violations]).toEqual([]);
  });

  const notice = (provider: PushProvider, changes: Partial<PushNotice> = {}, push: Record<string, unknown> = {}) =>
    noticeFor(provider, { push, identity: alice, screen: () => fake.display.screen("external:alice") }, changes);

  const answers: [OneSignalFault, string, string][] = [
    ["otherErrors", "failed", "200 Sending is paused for …"],
    ["emptyId", "failed", "200"],
    ["emptyErrors", "failed", "200"],
    ["tooLarge", "unfit", "413"],
    ["tooLarge400", "unfit", "400 Data is too large. It must be no more than 2048 bytes"],
    ["badRequest", "failed", "400 Incorrect subscription_id format in include_subscription_ids: …"],
    ["unauthorized", "failed", "401: the API key is refused"],
    ["forbidden", "failed", "403: the API key is refused"],
    ["limited", "retry", "429"],
    ["down", "retry", "503"],
    ["broken", "retry", "500"],
    ["strange200", "retry", "200 without JSON"],
    ["redirect", "failed", "302: OneSignal redirects, which is not followed"],
  ];
  for (const [fault, type, answer] of answers)
    test(`U15: ${fault} is ${type}`, async () => {
      const provider = await start();
      fake.decide = () => fault;
      for (const push of [{}, { token: subscription }])
        expect(await send(provider, notice(provider, {}, push))).toMatchObject({ type: type as "sent", answer });
      expect(fake.display.screen("external:alice").alerts).toBe(0);
    });

  const nobodyAnswers: [OneSignalFault, string][] = [
    ["unsubscribed", "200 All included players are not subscribed"],
    ["unsubscribed400", "400 All included players are not subscribed"],
    ["invalidPlayer", "200 invalid_player_ids: …"],
    ["invalidAlias", "200 invalid_aliases: external_id: …, …"],
  ];
  for (const [fault, answer] of nobodyAnswers)
    test(`U15 U23: ${fault} ends a subscription, which its app registers again, and no user`, async () => {
      const provider = await start();
      fake.decide = () => fault;
      expect(await send(provider, notice(provider))).toEqual({ type: "failed", answer });
      expect(await send(provider, notice(provider, {}, { token: subscription }))).toEqual({ type: "dead", answer });
      expect(fake.display.screen("external:alice").alerts).toBe(0);
    });

  const partialAnswers: [OneSignalFault, RegExp][] = [
    ["partialAlias", /^[0-9a-f-]{36} beside invalid_aliases: external_id: …, …$/],
    ["partialPlayer", /^[0-9a-f-]{36} beside invalid_player_ids: …$/],
    ["partialTexts", /^[0-9a-f-]{36} beside Some of … are not subscribed$/],
    ["partialOdd", /^[0-9a-f-]{36}$/],
    ["partialWarnings", /^[0-9a-f-]{36}$/],
  ];
  for (const [fault, answer] of partialAnswers)
    test(`U23: ${fault}: an id means that at least one subscription got it, whatever errors are beside it`, async () => {
      const provider = await start();
      fake.decide = () => fault;
      for (const push of [{}, { token: subscription }])
        expect(await send(provider, notice(provider, { key: crypto.randomUUID() }, push))).toEqual({
          type: "sent",
          answer: expect.stringMatching(answer),
        });
      for (const who of ["external:alice", `subscription:${subscription}`])
        expect(fake.display.screen(who).alerts).toBe(1);
    });

  test("control: U23 a provider that takes errors beside an id for a dead address is noticed", async () => {
    const { oneSignal: planted } = await plantedModule<{ oneSignal: typeof oneSignal }>(
      "push/provider/onesignal.ts",
      plant("errors beside an id are taken for an end"),
    );
    await start();
    const provider = planted({ appId: fake.appId, apiKey: fake.apiKey, baseUrl: fake.url });
    fake.decide = () => "partialAlias";
    expect((await send(provider, notice(provider, {}, { token: subscription }))).type).toBe("dead");
    expect(fake.display.screen(`subscription:${subscription}`).alerts).toBe(1);
  });

  test("U15: an id without errors, or with an empty object of errors, is sent", async () => {
    const provider = await start();
    fake.decide = () => "noErrors";
    const answer = "b15ba6e5-2223-49d6-9eda-684b9051f5a8";
    expect(await send(provider, notice(provider))).toEqual({ type: "sent", answer });
  });

  test("U12 U15: a server error without Retry-After waits for the backoff", async () => {
    const provider = await start();
    fake.decide = () => "broken";
    expect(await send(provider, notice(provider))).toEqual({ type: "retry", answer: "500" });
  });

  test("U15: a key of another app is refused", async () => {
    const provider = await start({ apiKey: `os_v2_app_${"x".repeat(32)}` });
    expect(await send(provider, notice(provider))).toEqual({ type: "failed", answer: "403: the API key is refused" });
  });

  test("U15: a user is notified by external id, a device by its subscription, and never by both", async () => {
    const provider = await start();
    await send(provider, notice(provider));
    expect(fake.display.screen("external:alice").alerts).toBe(1);
    await send(provider, notice(provider, {}, { token: subscription.toUpperCase() }));
    expect(fake.display.screen(`subscription:${subscription}`).alerts).toBe(1);
    expect(await send(provider, { ...notice(provider), token: "alice" })).toMatchObject({ type: "failed" });
    expect(fake.count.sends).toBe(2);
  });

  test("U15: the external id of another user is no address", async () => {
    const provider = await start();
    expect(provider.parse({}, alice)).toEqual({ token: "external:alice" });
    expect(provider.parse({ token: "alice" }, alice)).toEqual({ token: "external:alice" });
    for (const token of [
      "bob",
      "Alice",
      "alice ",
      "external:alice",
      "external:bob",
      `subscription:${subscription}`,
      "",
    ])
      expect(provider.parse({ token }, alice)).toBeNull();
    for (const push of [{ user: "bob" }, { token: "alice", external_id: "bob" }, { token: ["alice"] }, { token: null }])
      expect(provider.parse(push, alice)).toBeNull();
  });

  test("U15 T1: users of the same name in two tenants have two external ids, and neither can register as the other", async () => {
    const provider = await start();
    const tokenOf = (tenant: string, token?: string) =>
      provider.parse(token === undefined ? {} : { token }, { tenant, user: "alice" })?.token ?? null;
    expect(["default", "acme", "rival"].map((tenant) => tokenOf(tenant))).toEqual([
      "external:alice",
      "external:acme!alice",
      "external:rival!alice",
    ]);
    expect(tokenOf("acme", "acme!alice")).toBe("external:acme!alice");
    for (const other of ["alice", "rival!alice", "acme!bob", "acme!"]) expect(tokenOf("acme", other)).toBeNull();
    expect(isIdentifier("acme!alice")).toBe(false);
  });

  test("U15: the host may choose the external ids of its users", async () => {
    const provider = await start({
      externalIdOf: ({ tenant, user }) => (user === "nobody" ? "" : `${tenant}/${user}`),
    });
    expect(provider.parse({}, alice)).toEqual({ token: "external:default/alice" });
    expect(provider.parse({ token: "default/alice" }, alice)).toEqual({ token: "external:default/alice" });
    expect(provider.parse({ token: "alice" }, alice)).toBeNull();
    expect(provider.parse({}, { ...alice, user: "nobody" })).toBeNull();
    await send(provider, notice(provider));
    expect(fake.display.screen("external:default/alice").alerts).toBe(1);
  });

  test("U15: a UUID as user name means that user, not a subscription", async () => {
    const provider = await start();
    expect(provider.parse({ token: subscription }, { ...alice, user: subscription })).toEqual({
      token: `external:${subscription}`,
    });
  });

  test("U15: a title alone is shown as the text, because OneSignal demands one", async () => {
    const provider = await start();
    const only = notice(provider, { title: "bob wrote", body: "" });
    expect((await send(provider, only)).type).toBe("sent");
    expect(fake.display.screen("external:alice").notifications.get(only.tag)).toMatchObject({
      title: "",
      body: "bob wrote",
    });
  });

  test("U15: a lone surrogate is replaced", async () => {
    const provider = await start();
    const cut = { title: "👍".slice(0, 1), body: `so ${"👍".slice(1)}`, data: { note: "👍".slice(0, 1) } };
    expect((await send(provider, notice(provider, cut))).type).toBe("sent");
  });

  test("U70 U15: each option has its field of OneSignal, and none is set by default", async () => {
    const provider = await start();
    const asked: object[] = [];
    fake.decide = ({ message }) => {
      asked.push(message);
      return "ok";
    };
    const image = "https://app.example/bob.png";
    const all = { mutableContent: true, channel: "chats", sound: "ding.caf", category: "MESSAGE", image };
    for (const options of [all, { sound: "none" }, { sound: "default" }, {}])
      expect((await send(provider, notice(provider, { options, key: crypto.randomUUID() }))).type).toBe("sent");
    expect(asked[0]).toMatchObject({
      ...{ mutable_content: true, existing_android_channel_id: "chats", ios_category: "MESSAGE" },
      ...{ ios_sound: "ding.caf", android_sound: "ding.caf" },
      ...{ big_picture: image, ios_attachments: { image }, chrome_web_image: image },
    });
    expect(asked[1]).toMatchObject({ ios_sound: "nil" });
    const fields = (message: object = {}): string[] =>
      Object.keys(message).filter((name) => name !== "idempotency_key");
    expect(fields(asked[2])).toEqual(fields(asked[3]));
    expect(fields(asked[3]).join()).not.toMatch(/sound|image|picture|channel_id|mutable|category|attachments/);
  });

  test("U70 U15: with dataOnly no notification is shown, and the data has the title and the body", async () => {
    const provider = await start();
    let asked = {};
    fake.decide = ({ message }) => {
      asked = message;
      return "ok";
    };
    const changes = { title: "bob", body: "hi", options: { dataOnly: true, sound: "ding.caf" } };
    expect((await send(provider, notice(provider, changes))).type).toBe("sent");
    expect(asked).toMatchObject({ content_available: true, data: { kind: "message", title: "bob", body: "hi" } });
    expect(Object.keys(asked).join()).not.toMatch(/contents|headings|sound/);
    expect(fake.display.screen("external:alice").alerts).toBe(0);
  });

  test("U15: data has its own limit", async () => {
    const provider = await start();
    expect((await send(provider, notice(provider, { data: { fill: "x".repeat(1_800) } }))).type).toBe("sent");
    const result = await send(provider, notice(provider, { data: { fill: "x".repeat(2_048) } }));
    expect(result).toMatchObject({
      type: "unfit",
      answer: expect.stringMatching(/^too large: \d+ bytes of data, at most 2048$/),
    });
    expect(fake.count.sends).toBe(1);
  });

  test("U15: the TTL is in whole seconds, at least one, and at most four weeks", async () => {
    const provider = await start();
    for (const ttlMs of [0, 1, 1_999, 60_000, 2_419_200_000, 1e15, -5])
      expect((await send(provider, notice(provider, { ttlMs }))).type).toBe("sent");
  });

  test("U15: deep or endless answers are read in part", async () => {
    const provider = await start({
      fetch: async () => new Response(`{"id":"","errors":${"[".repeat(6_000)}"x"${"]".repeat(6_000)}}`),
    });
    expect(await send(provider, notice(provider))).toMatchObject({ type: "failed" });
    let pulled = 0;
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled += 1;
        controller.enqueue(new Uint8Array(1_024).fill(0x20));
      },
    });
    const other = await start({ fetch: async () => new Response(endless) });
    expect(await send(other, notice(other))).toEqual({ type: "retry", answer: "200 without JSON" });
    expect(pulled).toBeLessThan(32);
  });

  const wrong: [string, Partial<OneSignalOptions>][] = [
    ["no app id", { appId: "" }],
    ["an app id that is a key", { appId: "os_v2_app_canary" }],
    ["no key", { apiKey: "" }],
    ["a key with its scheme", { apiKey: `Key os_v2_app_canary${"x".repeat(32)}` }],
    ["a key with a line break", { apiKey: `os_v2_app_canary${"x".repeat(32)}\n` }],
    ["a base URL without TLS", { baseUrl: "http://onesignal.example/canary" }],
    ["a base URL that is none", { baseUrl: "canary" }],
  ];
  for (const [what, options] of wrong)
    test(`U15: ${what} is refused at once`, async () => {
      let thrown: unknown;
      await start();
      try {
        oneSignal({ appId: fake.appId, apiKey: fake.apiKey, baseUrl: fake.url, ...options });
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(ChatError);
      expect(thrown).toMatchObject({ code: "config_invalid" });
      expect(String(thrown)).not.toContain("canary");
    });

  const misshapen: [string, (body: Record<string, unknown>, init: RequestInit) => RequestInit | void][] = [
    ["a second way of targeting", (body) => void (body["include_subscription_ids"] = [subscription])],
    ["nobody to send to", (body) => void delete body["include_aliases"]],
    ["a segment beside", (body) => void (body["included_segments"] = ["All"])],
    ["no contents", (body) => void delete body["contents"]],
    ["a key that is no UUID", (body) => void (body["idempotency_key"] = "7")],
    ["no key", (body) => void delete body["idempotency_key"]],
    ["a long collapse id", (body) => void (body["collapse_id"] = "x".repeat(65))],
    ["data that is no text", (body) => void (body["data"] = { unread: 2 })],
    ["an unknown field", (body) => void (body["message"] = "hi")],
    ["another app", (body) => void (body["app_id"] = subscription)],
    [
      "Basic",
      (_, init) => ({ ...init, headers: { ...(init.headers as object), Authorization: `Basic ${fake.apiKey}` } }),
    ],
  ];
  for (const [what, change] of misshapen)
    test(`control: U15 a request with ${what} is noticed`, async () => {
      const provider = await start({
        fetch(url, init) {
          const body = JSON.parse(textOf(init)) as Record<string, unknown>;
          const changed = change(body, init) ?? init;
          return fetch(url, { ...changed, body: JSON.stringify(body) });
        },
      });
      expect((await send(provider, notice(provider))).type).toBe("failed");
      expect(fake.violations.length).toBe(1);
      isBroken = true;
    });

  test("control: U15 one key for two messages is noticed", async () => {
    const provider = await start();
    const first = notice(provider);
    await send(provider, first);
    await send(provider, {
      ...noticeFor(
        provider,
        { push: {}, identity: alice, screen: () => fake.display.screen("") },
        { conversation: "cAliceCarol" },
      ),
      key: first.key,
    });
    expect(fake.violations).toEqual(["one key for two messages"]);
    isBroken = true;
  });
});

describe("weak providers", () => {
  const open = openAs("subscription");
  const failing = (weaken: Parameters<typeof weakened>[1]) => checksFailedBy(weakened(open, weaken), traits);

  test("control: U13 the provider itself passes each check", async () => {
    expect(await checksFailedBy(open, traits)).toEqual([]);
  });

  test("control: U15 one that reads only the status is noticed", async () => {
    const hasty: Fetch = async (url, init) => {
      const response = await fetch(url, init);
      return response.status === 200 ? Response.json({ id: crypto.randomUUID() }) : response;
    };
    const failed = await checksFailedBy(openAs("subscription", hasty), traits);
    expect(failed).toEqual(["a dead address is distinguished from a refused request"]);
  });

  test("control: U13 U15 one with a new key for each try is noticed", async () => {
    const failed = await failing(({ send: real }) => ({
      send: (notice, context) => real({ ...notice, key: crypto.randomUUID() }, context),
    }));
    expect(failed).toEqual(["a notice is repeated after a lost answer, and shown once"]);
  });

  test("control: U13 one that follows redirects is noticed", async () => {
    const failed = await checksFailedBy(
      openAs("subscription", (url, init) => fetch(url, { ...init, redirect: "follow" })),
      traits,
    );
    expect(failed).toContain("a redirect is not followed, and fails finally");
  });

  test("control: U15 one that accepts any external id is noticed", async () => {
    const failed = await failing(() => ({ parse: ({ token = "alice" }) => ({ token: `external:${String(token)}` }) }));
    expect(failed).toContain("an address has the form that the provider expects, and no other fields");
  });

  test("control: U13 one that repeats OneSignal's text is noticed", async () => {
    const failed = await failing(({ send: real }) => ({
      async send(notice, context) {
        const result = await real(notice, context);
        return { ...result, answer: result.answer.replace("…", notice.token.replace("subscription:", "")) };
      },
    }));
    expect(failed).toEqual(["an answer is one short line without tokens and keys"]);
  });
});

test("U15: the tests run at the time of the fakes' dates", () => {
  expect(new Date(nowMs + 90_000).toUTCString()).toBe("Sat, 06 Jun 2026 12:01:30 GMT");
});
