import { isOnP256 } from "../../../src/push/provider/p256.ts";
import { afterEach, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { createECDH } from "node:crypto";
import { createRequire } from "node:module";
import fc from "fast-check";
import { base64url } from "jose";
import { ChatError } from "../../../src/error.ts";
import { encrypt, plaintextBytesMax } from "../../../src/push/provider/encrypt.ts";
import { generateVapidKeys, type VapidKeys, webPush, type WebPushOptions } from "../../../src/push/provider/webpush.ts";
import { plant, type PlantName } from "../../plants/index.ts";
import type { Fault } from "../fake/http.ts";
import { createReceiver, openEnvelope } from "../fake/push-envelope.ts";
import { type FakePushService, startFakePushService, type SubscriptionJson } from "../fake/webpush.ts";
import { plantedModule } from "../planted.ts";
import { noticeTo, send } from "../send.ts";

/** A decryption by other authors; it has no types. */
const ece = createRequire(import.meta.url)("http_ece") as {
  decrypt(body: Buffer, keys: { version: "aes128gcm"; privateKey: object; authSecret: Buffer }): Buffer;
};

const subject = "mailto:ops@shop.example";
const identity = { tenant: "acme", user: "alice" };
const resolve = () => Promise.resolve(["142.250.1.95", "2a00:1450:4001:81b::200a"]);
const bytes = (text: string) => new Uint8Array(base64url.decode(text));

let keys: VapidKeys;
let service: FakePushService;
let nowMs = Date.now();
const now = () => nowMs;
beforeAll(async () => {
  keys = await generateVapidKeys();
});
beforeEach(async () => {
  nowMs = Date.now();
  service = await startFakePushService({ now });
});
afterEach(() => service.dispose());

const provider = (more: Partial<WebPushOptions> = {}) =>
  webPush({ ...keys, subject, fetch: service.fetch, resolve, ...more });
const register = (subscription: SubscriptionJson, more: Partial<WebPushOptions> = {}): string => {
  const address = provider(more).parse({ subscription }, identity);
  if (address === null) throw new Error("The subscription was refused");
  return address.token;
};

describe("the encryption", () => {
  // RFC 8291 section 5 and appendix A.
  const example = {
    text: "When I grow up, I want to be a watermelon",
    salt: "DGv6ra1nlYgDCS1FRnbzlw",
    sender: "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8",
    senderSecret: "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw",
    receiver: "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4",
    receiverSecret: "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94",
    auth: "BTBZMqHH6r4Tts7J_aSIgg",
    body:
      "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl" +
      "7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN",
  };

  test("U16: the example of RFC 8291 comes out byte for byte", async () => {
    const text = new TextEncoder().encode(example.text);
    const curve = { name: "ECDH", namedCurve: "P-256" };
    const point = bytes(example.sender);
    const [x, y] = [point.slice(1, 33), point.slice(33)].map((half) => base64url.encode(half));
    const jwk = { kty: "EC", crv: "P-256", x, y, d: example.senderSecret } as never;
    const pair = {
      publicKey: await crypto.subtle.importKey("raw", point, curve, true, []),
      privateKey: await crypto.subtle.importKey("jwk", jwk, curve, false, ["deriveBits"]),
    };
    const receiver = { p256dh: bytes(example.receiver), auth: bytes(example.auth) };
    const body = await encrypt(text, {
      ...receiver,
      inputs: { salt: bytes(example.salt), pair, filledTo: text.length + 1 },
    });
    expect(base64url.encode(body ?? "")).toBe(example.body);
  });

  test("U16: the tests' decryption reads the example of RFC 8291", () => {
    const ecdh = createECDH("prime256v1");
    ecdh.setPrivateKey(example.receiverSecret, "base64url");
    const auth = Buffer.from(example.auth, "base64url");
    expect(openEnvelope(Buffer.from(example.body, "base64url"), { ecdh, auth })).toBe(example.text);
  });

  test("U16: two independent readers decrypt any text; its length is visible only in steps", async () => {
    const receiver = createReceiver();
    const readerKeys = {
      p256dh: new Uint8Array(receiver.ecdh.getPublicKey()),
      auth: new Uint8Array(receiver.auth),
    };
    const lengths = new Set<number>();
    const lengthsOfTexts = fc.oneof(
      fc.constantFrom(0, 1, 510, 511, 512, 3992, 3993),
      fc.integer({ min: 0, max: 3993 }),
    );
    await fc.assert(
      fc.asyncProperty(lengthsOfTexts, fc.integer({ min: 32, max: 126 }), async (length, char) => {
        const text = String.fromCharCode(char).repeat(length);
        const body = Buffer.from((await encrypt(new TextEncoder().encode(text), readerKeys)) ?? []);
        expect(body.length).toBeLessThanOrEqual(4_096);
        expect(openEnvelope(body, receiver)).toBe(text);
        const { ecdh: privateKey, auth: authSecret } = receiver;
        expect(ece.decrypt(body, { version: "aes128gcm", privateKey, authSecret }).toString()).toBe(text);
        lengths.add(body.length);
      }),
    );
    expect(lengths.size).toBeLessThanOrEqual(8);
  });

  test("U16: one byte too many is refused, and a point beside the curve is no key", async () => {
    const receiver = createReceiver();
    const auth = new Uint8Array(receiver.auth);
    const p256dh = new Uint8Array(receiver.ecdh.getPublicKey());
    await expect(encrypt(new Uint8Array(plaintextBytesMax + 1), { p256dh, auth })).rejects.toThrow(RangeError);
    p256dh[64] = (p256dh[64] ?? 0) ^ 1;
    expect(await encrypt(new Uint8Array(1), { p256dh, auth })).toBeNull();
  });

  test("U16: no two pushes are encrypted alike", async () => {
    const receiver = createReceiver();
    const to = { p256dh: new Uint8Array(receiver.ecdh.getPublicKey()), auth: new Uint8Array(receiver.auth) };
    const bodies = await Promise.all(Array.from({ length: 20 }, () => encrypt(new Uint8Array(8), to)));
    for (const [from, to] of [
      [0, 16],
      [21, 86],
      [86, 102],
    ] as const)
      expect(new Set(bodies.map((body) => base64url.encode(body?.slice(from, to) ?? ""))).size).toBe(20);
  });
});

describe("the request", () => {
  test("U16: a message arrives unchanged, and a strict push service finds no violation", async () => {
    const subscription = service.subscribe(keys.publicKey);
    const notice = noticeTo(register(subscription), { title: "Bob 👋", body: "Tea?", data: { url: "/c/1" } });
    expect(await send(provider(), notice, { now })).toEqual({ type: "sent", answer: "HTTP 201" });
    const { kind, conversation, seq, unread, badge, tag, title, body, data } = notice;
    expect(service.delivered).toEqual([
      {
        endpoint: subscription.endpoint,
        push: { kind, conversation, seq, unread, badge, tag, title, body, data },
        ttl: 3_600,
        urgency: "high",
        topic: tag,
        bodyBytes: 86 + 512 + 16,
        authorization: expect.stringMatching(/^vapid t=/),
      },
    ]);
    expect(service.violations).toEqual([]);
  });

  test("U16: notices without a preview contain no user, and all have the same length", async () => {
    const token = register(service.subscribe(keys.publicKey));
    for (const seq of [1, 1_000_000]) await send(provider(), noticeTo(token, { seq, badge: seq }), { now });
    for (const { push, bodyBytes } of service.delivered) {
      expect(JSON.stringify(push)).not.toMatch(/alice|acme|phone/);
      expect(bodyBytes).toBe(614);
    }
    expect(service.delivered.length).toBe(2);
  });

  test("U16: a clear is not urgent, and replaces an undelivered notification", async () => {
    const { endpoint, ...rest } = service.subscribe(keys.publicKey);
    const token = register({ endpoint, ...rest });
    service.leave(endpoint);
    for (const more of [{ seq: 7 }, { seq: 8 }, { seq: 8, kind: "clear", title: "", body: "" }] as const)
      expect(await send(provider(), noticeTo(token, more), { now })).toMatchObject({ type: "sent" });
    expect(service.delivered).toEqual([]);
    service.come(endpoint);
    expect(service.delivered.map(({ push, urgency }) => [push["kind"], push["seq"], urgency])).toEqual([
      ["clear", 8, "low"],
    ]);
    expect(service.violations).toEqual([]);
  });

  test("U16: the TTL is in whole seconds, and at most that of push services", async () => {
    const token = register(service.subscribe(keys.publicKey));
    for (const ttlMs of [0, 999, 1_999, 90 * 86_400_000]) await send(provider(), noticeTo(token, { ttlMs }), { now });
    expect(service.delivered.map(({ ttl }) => ttl)).toEqual([0, 0, 1, 2_419_200]);
    expect(service.violations).toEqual([]);
  });

  test("U16: a lone surrogate is replaced", async () => {
    const token = register(service.subscribe(keys.publicKey));
    await send(provider(), noticeTo(token, { body: "👋".slice(0, 1), data: { a: "\udc4b" } }), { now });
    expect(service.delivered[0]?.push).toMatchObject({ body: "\ufffd", data: { a: "\ufffd" } });
  });

  test("U16: the longest text is sent, one byte more fails before the request", async () => {
    const token = register(service.subscribe(keys.publicKey));
    const room = plaintextBytesMax - (await lengthWithout(token));
    expect(await send(provider(), noticeTo(token, { body: "a".repeat(room) }), { now })).toMatchObject({
      type: "sent",
    });
    expect(service.delivered[0]?.bodyBytes).toBe(4_096);
    const { body: _, ...told } = { body: "", ...service.delivered[0]?.push };
    expect(told).toMatchObject({ kind: "message" });
    const connections = service.connections();
    expect(await send(provider(), noticeTo(token, { body: "a".repeat(room + 1) }), { now })).toEqual({
      type: "unfit",
      answer: "too large: 3994 bytes, at most 3993",
    });
    expect(service.connections()).toBe(connections);
    expect(service.violations).toEqual([]);
  });

  /** The bytes of the text without the body of the notice. */
  async function lengthWithout(token: string): Promise<number> {
    const { answer } = await send(provider(), noticeTo(token, { body: "a".repeat(5_000) }), { now });
    return Number(/\d+/.exec(answer)?.[0]) - 5_000;
  }

  test("U16: Safari gets no silent pushes, because it would revoke the permission", async () => {
    for (const host of ["web.push.apple.com", "api.push.apple.com"]) {
      const token = register(service.subscribe(keys.publicKey, { host }));
      expect(await send(provider(), noticeTo(token, { kind: "clear" }), { now })).toEqual({
        type: "failed",
        answer: "Safari does not allow silent pushes",
      });
      expect(await send(provider(), noticeTo(token), { now })).toMatchObject({ type: "sent" });
    }
    expect(service.delivered.length).toBe(2);
    expect(service.violations).toEqual([]);
  });
});

describe("VAPID", () => {
  test("U16: a token is used for its origin until an hour before it expires, also if the clock was set back", async () => {
    const shared = provider();
    const one = register(service.subscribe(keys.publicKey));
    const other = register(service.subscribe(keys.publicKey, { host: "updates.push.services.mozilla.com" }));
    const start = nowMs;
    const used = async (token: string, atMs: number) => {
      nowMs = start + atMs;
      await send(shared, noticeTo(token), { now });
      return service.delivered.at(-1)?.authorization;
    };
    const hour = 3_600_000;
    const first = await used(one, 0);
    expect(await used(other, 0)).not.toBe(first);
    expect(await used(one, 11 * hour - 1)).toBe(first);
    const second = await used(one, 11 * hour);
    expect(second).not.toBe(first);
    expect(await used(one, 12 * hour)).toBe(second);
    // The clock was set back: the old token is too far ahead now.
    expect(await used(one, -24 * hour)).not.toBe(second);
    expect(service.violations).toEqual([]);
  });

  test("U16: a hundred concurrent pushes share one token, and each origin has its own", async () => {
    const shared = provider();
    const token = register(service.subscribe(keys.publicKey));
    await Promise.all(Array.from({ length: 100 }, () => send(shared, noticeTo(token), { now })));
    expect(new Set(service.delivered.map(({ authorization }) => authorization)).size).toBe(1);
    for (let at = 0; at < 70; at++) {
      const host = `wns2-${at}.notify.windows.com`;
      await send(shared, noticeTo(register(service.subscribe(keys.publicKey, { host }))), { now });
    }
    expect(service.delivered.length).toBe(170);
    expect(service.violations).toEqual([]);
  });

  test("U16: keys of two pairs are refused before the request", async () => {
    const { privateKey } = await generateVapidKeys();
    const token = register(service.subscribe(keys.publicKey));
    expect(await send(provider({ privateKey }), noticeTo(token), { now })).toEqual({
      type: "failed",
      answer: "The VAPID keys are no pair",
    });
    expect(service.connections()).toBe(0);
  });

  test("U16: options that no push service accepts are refused at once", () => {
    const wrong: readonly Partial<WebPushOptions>[] = [
      { publicKey: "" },
      { publicKey: keys.privateKey },
      { publicKey: base64url.encode(new Uint8Array(65)) },
      { privateKey: keys.publicKey },
      { privateKey: "" },
      { privateKey: `${keys.privateKey}=!` },
      ...["", "ops@shop.example", "http://shop.example", "mailto:", "mailto: <ops@shop.example>", "https://"].map(
        (one) => ({ subject: one }),
      ),
      ...[
        "127.0.0.1",
        "localhost",
        "*",
        "*.com",
        "https://push.example",
        "push.example:444",
        "push.example.",
        "1.2",
        "",
      ].map((one) => ({ services: [one] })),
    ];
    for (const more of wrong) {
      let code: unknown;
      try {
        provider(more);
      } catch (error) {
        code = error instanceof ChatError ? error.code : error;
      }
      expect([more, code]).toEqual([more, "config_invalid"]);
    }
    for (const one of [subject, "https://shop.example/contact"]) expect(() => provider({ subject: one })).not.toThrow();
  });

  test("U16: the page gets the key in the form of browsers", () => {
    expect(provider({ publicKey: `${keys.publicKey}=` }).public).toEqual({ publicKey: keys.publicKey });
  });
});

describe("answers", () => {
  const afterMs = 120_000;
  const headers = { "Retry-After": "120" };
  const answers: readonly (readonly [Fault, object])[] = [
    ...[200, 201, 202, 204].map((status) => [{ status }, { type: "sent", answer: `HTTP ${status}` }] as const),
    ...[404, 410].map((status) => [{ status }, { type: "dead", answer: `HTTP ${status}` }] as const),
    ...[400, 405, 422].map((status) => [{ status }, { type: "failed", answer: `HTTP ${status}` }] as const),
    [{ status: 413 }, { type: "unfit", answer: "HTTP 413" }],
    // Windows accepts it, and reports the outcome in a header.
    [
      { status: 201, headers: { "X-WNS-Status": "received" } },
      { type: "sent", answer: "HTTP 201" },
    ],
    [
      { status: 201, headers: { "X-WNS-Status": "dropped" } },
      { type: "failed", answer: "HTTP 201: dropped by the push service" },
    ],
    [
      { status: 200, headers: { "X-WNS-NotificationStatus": "channelThrottled" } },
      { type: "retry", answer: "HTTP 200: throttled", afterMs: 60_000 },
    ],
    [
      { status: 200, headers: { "X-WNS-Status": "channelThrottled", ...headers } },
      { type: "retry", answer: "HTTP 200: throttled", afterMs },
    ],
    ...[401, 403].map((status) => [{ status }, { type: "failed", answer: `HTTP ${status}: VAPID refused` }] as const),
    ...[406, 408, 429, 500, 502, 503].map(
      (status) => [{ status }, { type: "retry", answer: `HTTP ${status}` }] as const,
    ),
    ...[406, 429, 503].map(
      (status) =>
        [
          { status, headers },
          { type: "retry", answer: `HTTP ${status}`, afterMs },
        ] as const,
    ),
    ["hang", { type: "retry", answer: "no answer" }],
    ["lost", { type: "retry", answer: "no answer" }],
  ];
  for (const [fault, result] of answers)
    test(`U16: ${typeof fault === "string" ? fault : JSON.stringify(fault)} is ${JSON.stringify(result)}`, async () => {
      const { endpoint, keys: own, ...rest } = service.subscribe(keys.publicKey);
      const token = register({ endpoint, keys: own, ...rest });
      // The text of a push service is not shown: it might repeat the request, or be an attacker's.
      service.fail(
        typeof fault === "string" || fault.status === 204 ? fault : { ...fault, body: `${endpoint} ${token}` },
      );
      const options = { now, ...(fault === "hang" && { withinMs: 200 }) };
      const answered: object = await send(provider(), noticeTo(token), options);
      expect(answered).toEqual(result);
      expect(service.violations).toEqual([]);
    });

  test("U16: after a lost answer the repeat replaces the first notification", async () => {
    const { endpoint, ...rest } = service.subscribe(keys.publicKey);
    const notice = noticeTo(register({ endpoint, ...rest }));
    service.leave(endpoint);
    service.fail("lost");
    expect(await send(provider(), notice, { now })).toMatchObject({ type: "retry" });
    expect(await send(provider(), notice, { now })).toMatchObject({ type: "sent" });
    service.come(endpoint);
    expect(service.delivered.length).toBe(1);
  });

  test("U29 a subscription that is refused with 403 is dead after five times if others were accepted between them", async () => {
    const one = provider();
    const [refused, other] = [0, 1].map(() => register(service.subscribe(keys.publicKey)));
    let lateMs = 0;
    const sendTo = async (token = "", status?: number) => {
      if (status !== undefined) service.fail({ status });
      return (await send(one, noticeTo(token), { now: () => now() + lateMs })).type;
    };
    // While all are refused, the keys are at fault; and a 401 is never due to the address.
    for (let i = 0; i < 20; i++) expect(await sendTo(refused, 403)).toBe("failed");
    for (let i = 0; i < 20; i++) {
      expect(await sendTo(other)).toBe("sent");
      expect(await sendTo(refused, 401)).toBe("failed");
    }
    // Not within an hour, and an accepted notice begins a new count.
    for (let i = 0; i < 6; i++) {
      expect(await sendTo(other)).toBe("sent");
      expect(await sendTo(refused, 403)).toBe("failed");
    }
    expect(await sendTo(refused)).toBe("sent");
    lateMs = 3_600_000;
    for (let i = 0; i < 4; i++) {
      expect(await sendTo(refused, 403)).toBe("failed");
      expect(await sendTo(other)).toBe("sent");
    }
    lateMs = 7_200_000;
    expect(await sendTo(refused, 403)).toBe("dead");
  });

  test("U16: an unknown subscription, or one that has ended, is dead", async () => {
    const subscription = service.subscribe(keys.publicKey);
    const token = register(subscription);
    service.unsubscribe(subscription.endpoint);
    expect(await send(provider(), noticeTo(token), { now })).toEqual({ type: "dead", answer: "HTTP 410" });
    const unknown = register({ ...subscription, endpoint: `${subscription.endpoint}0` });
    expect(await send(provider(), noticeTo(unknown), { now })).toEqual({ type: "dead", answer: "HTTP 404" });
  });

  test("U16: the push service refuses a subscription of other VAPID keys", async () => {
    const { publicKey } = await generateVapidKeys();
    const token = register(service.subscribe(publicKey));
    expect(await send(provider(), noticeTo(token), { now })).toMatchObject({ type: "failed" });
    expect(service.violations).toEqual(["k is not the key that the subscription was made for"]);
  });

  test("U16: a malformed subscription, or one with a key beside the curve, is dead", async () => {
    const token = register(service.subscribe(keys.publicKey));
    const { endpoint, keys: own } = JSON.parse(token) as { endpoint: string; keys: SubscriptionJson["keys"] };
    const point = bytes(own.p256dh);
    point[64] = (point[64] ?? 0) ^ 1;
    const beside = { endpoint, keys: { ...own, p256dh: base64url.encode(point) } };
    for (const stored of ["", "null", "[]", "{}", token.slice(0, -1), JSON.stringify(beside)])
      expect(await send(provider(), noticeTo(stored), { now })).toMatchObject({ type: "dead" });
    expect(service.connections()).toBe(0);
  });
});

describe("subscriptions", () => {
  const good = () => service.subscribe(keys.publicKey);

  test("U16: a browser's subscription is accepted, in one form, under subscription or directly", () => {
    const { endpoint, keys: own } = good();
    const token = JSON.stringify({ endpoint, keys: own });
    const [web] = [provider()];
    expect(web.parse({ subscription: { endpoint, expirationTime: null, keys: own } }, identity)).toEqual({ token });
    expect(web.parse({ endpoint, keys: { auth: own.auth, p256dh: own.p256dh } }, identity)).toEqual({ token });
    const padded = { p256dh: `${own.p256dh}=`, auth: `${own.auth}==` };
    expect(web.parse({ subscription: { endpoint, keys: padded, other: 1 } }, identity)).toEqual({ token });
    expect(web.parse({ endpoint, expirationTime: 1_900_000_000_000.5, keys: own }, identity)).toEqual({
      token,
      expiresAt: 1_900_000_000_000,
    });
  });

  test("U16: a malformed subscription is refused", () => {
    const { endpoint, keys: own } = good();
    const wrong: readonly unknown[] = [
      null,
      "subscription",
      [],
      {},
      { endpoint },
      { endpoint, keys: null },
      { endpoint, keys: {} },
      { keys: own },
      { endpoint: 1, keys: own },
      { endpoint: "", keys: own },
      { endpoint, keys: { ...own, auth: own.auth.slice(1) } },
      { endpoint, keys: { ...own, auth: `${own.auth}A` } },
      { endpoint, keys: { ...own, auth: `${own.auth.slice(0, -1)}+` } },
      { endpoint, keys: { ...own, p256dh: own.auth } },
      { endpoint, keys: { ...own, p256dh: `A${own.p256dh.slice(1)}` } },
      { endpoint, keys: { ...own, p256dh: 4 } },
      ...["soon", NaN, -1, 1e300, true].map((expirationTime) => ({ endpoint, keys: own, expirationTime })),
    ];
    for (const subscription of wrong)
      expect([subscription, provider().parse({ subscription }, identity)]).toEqual([subscription, null]);
    const subscription = { endpoint, keys: own };
    for (const push of [{ ...subscription, other: 1 }, { subscription, other: 1 }, { subscription, token: "x" }, {}])
      expect(provider().parse(push, identity)).toBeNull();
  });

  test("U16: parse answers any input, and an accepted one is sent only to allowed hosts", async () => {
    await fc.assert(
      fc.asyncProperty(fc.anything(), async (subscription) => {
        expect(provider().parse({ subscription }, identity)).toBeNull();
        const stored = JSON.stringify(subscription) ?? "";
        expect(await send(provider(), noticeTo(stored), { now })).toMatchObject({ type: "dead" });
      }),
      { numRuns: 200 },
    );
    expect(service.connections()).toBe(0);
  });
});

type WebPushModule = { readonly webPush: typeof webPush };

describe("planted faults", () => {
  const planted = async (bug: PlantName, more: Partial<WebPushOptions> = {}) => {
    const { webPush: weak } = await plantedModule<WebPushModule>("push/provider/webpush.ts", plant(bug));
    const token = register(service.subscribe(keys.publicKey));
    await send(weak({ ...keys, subject, fetch: service.fetch, resolve, ...more }), noticeTo(token), { now });
    return service.violations.join();
  };
  const faults: readonly (readonly [PlantName, string])[] = [
    ["a VAPID token lives longer than a day", "exp is not within 24 hours"],
    ["a VAPID token names another audience", "aud is"],
    ["a VAPID token names no subject", "sub is no way"],
    ["a web push names another scheme than vapid", "not of the scheme vapid"],
    ["the info of a web push key lacks its zero byte", "cannot be read"],
    ["the info of a web push key has its parts in another order", "cannot be read"],
    ["the only record of a web push is not said to be the last one", "last one"],
    ["the topic of a web push is not its tag", "Topic is"],
    ["a web push names an old content encoding", "Content-Encoding"],
    ["a web push says nothing of redirects", "redirects would be followed"],
  ];
  for (const [name, fault] of faults)
    test(`control: U16 the fake finds that ${name}`, async () => {
      expect(await planted(name)).toContain(fault);
    });
});

test("U16 U11: a point beside the curve is refused at the registration, before a library gets it", async () => {
  const made = Array.from({ length: 20 }, async () => {
    const { publicKey } = await crypto.subtle.generateKey({ name: "ECDH", namedCurve: "P-256" }, true, ["deriveBits"]);
    return new Uint8Array(await crypto.subtle.exportKey("raw", publicKey));
  });
  for (const point of await Promise.all(made)) {
    expect(isOnP256(point)).toBe(true);
    for (const at of [1, 32, 33, 64])
      expect(isOnP256(point.map((byte, i) => (i === at ? byte ^ 1 : byte)))).toBe(false);
    expect(isOnP256(point.subarray(0, 64))).toBe(false);
  }
  expect(isOnP256(new Uint8Array(65).fill(255))).toBe(false);
});
