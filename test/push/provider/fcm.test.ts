import { afterEach, describe, expect, test } from "bun:test";
import { generateKeyPair, exportPKCS8, importPKCS8, SignJWT } from "jose";
import { ChatError } from "../../../src/error.ts";
import type { PushOptions } from "../../../src/push/options.ts";
import type { PushNotice, PushProvider } from "../../../src/push/provider.ts";
import { fcm } from "../../../src/push/provider/fcm.ts";
import type { Fetch } from "../../../src/push/provider/fetch.ts";
import { openFcm, type FakeFcm, type FcmFault } from "../fake/fcm.ts";
import {
  checksFailedBy,
  describeProvider,
  noticeFor,
  nowMs,
  weakened,
  type CommonFault,
  type Subject,
} from "../provider.contract.ts";
import { deadline } from "../../support/deadline.ts";
import { until } from "../../support/fake-socket.ts";

const faultNames: Readonly<Record<CommonFault, FcmFault>> = {
  busy: "quota",
  down: "unavailable",
  lost: "lost",
  dead: "unregistered",
  refused: "mismatch",
  tooLarge: "tooLarge",
  hang: "hang",
  redirect: "redirect",
};
const traits = { isRepeatSilent: false, bytesMax: 4_096 };
const textOf = ({ body }: RequestInit): string => (typeof body === "string" ? body : "");
const alice = { tenant: "default", user: "alice" };

async function open(fetch?: Fetch): Promise<Subject> {
  const fake = await openFcm({ now: () => nowMs });
  const faults: FcmFault[] = [];
  fake.decide = () => faults.shift() ?? "ok";
  return {
    provider: fcm({ serviceAccount: fake.serviceAccount(), baseUrl: fake.url, ...(fetch && { fetch }) }),
    device(name) {
      const token = `dK3x:APA91b-${name}_${"x".repeat(100)}`;
      return { push: { token }, identity: alice, screen: () => fake.display.screen(token) };
    },
    suffer: (...more) => void faults.push(...more.map((fault) => faultNames[fault])),
    requests: () => fake.count.sends,
    violations: () => [...fake.violations, ...fake.display.violations],
    secrets: () => fake.secrets(),
    close: () => fake.close(),
  };
}

describeProvider("FCM", open, traits);

describe("FCM alone", () => {
  let fake: FakeFcm;
  let clock = nowMs;
  let isBroken = false;
  const token = `dK3x:APA91b${"y".repeat(120)}`;

  async function start(fetch?: Fetch): Promise<PushProvider> {
    clock = nowMs;
    isBroken = false;
    fake = await openFcm({ now: () => clock });
    return fcm({ serviceAccount: JSON.stringify(fake.serviceAccount()), baseUrl: fake.url, ...(fetch && { fetch }) });
  }
  afterEach(async () => {
    await fake.close();
    if (!isBroken) expect([...fake.violations, ...fake.display.violations]).toEqual([]);
  });

  const notice = (provider: PushProvider, changes: Partial<PushNotice> = {}): PushNotice =>
    noticeFor(provider, { push: { token }, identity: alice, screen: () => fake.display.screen(token) }, changes);
  const push = (
    provider: PushProvider,
    changes: Partial<PushNotice> = {},
    signal = AbortSignal.timeout(deadline.answerMs),
  ) => provider.send(notice(provider, changes), { now: () => clock, signal });

  const answers: [FcmFault, string, string][] = [
    ["unregistered", "dead", "404 UNREGISTERED"],
    ["badToken", "dead", "400 INVALID_ARGUMENT: no token of FCM"],
    ["badTokenField", "dead", "400 INVALID_ARGUMENT: no token of FCM"],
    ["apnsUnregistered", "dead", "400 INVALID_ARGUMENT: APNs says Unregistered"],
    ["apnsBadToken", "failed", "400 INVALID_ARGUMENT: APNs says BadDeviceToken"],
    ["apnsOtherTopic", "failed", "400 INVALID_ARGUMENT: APNs says DeviceTokenNotForTopic"],
    ["badTokenFieldToo", "dead", "400 INVALID_ARGUMENT: no token of FCM"],
    ["badRequest", "unfit", "400 INVALID_ARGUMENT: message.data[0].value"],
    ["badMessage", "unfit", "400 INVALID_ARGUMENT"],
    ["badBare", "unfit", "400 INVALID_ARGUMENT"],
    ["tooLarge", "unfit", "413: too large"],
    ["tooLargeForApns", "unfit", "400 INVALID_ARGUMENT: too large"],
    ["mismatch", "failed", "403 SENDER_ID_MISMATCH: the token is of another Firebase project than the service account"],
    ["notAllowed", "failed", "403 PERMISSION_DENIED"],
    ["strange404", "failed", "404"],
    ["quota", "retry", "429 QUOTA_EXCEEDED"],
    ["quotaOfProject", "retry", "429 RESOURCE_EXHAUSTED"],
    ["unavailable", "retry", "503 UNAVAILABLE"],
    ["internal", "retry", "500 INTERNAL"],
    ["strange502", "retry", "502"],
    ["strange200", "retry", "200 without the name of a message"],
    ["redirect", "failed", "302: FCM redirects, which is not followed"],
    ["unauthenticated", "retry", "401 UNAUTHENTICATED"],
  ];
  for (const [fault, type, answer] of answers)
    test(`U14: ${fault} is ${type}`, async () => {
      const provider = await start();
      fake.decide = () => fault;
      expect(await push(provider)).toMatchObject({ type: type as "sent", answer });
      expect(fake.display.screen(token).alerts).toBe(0);
    });

  test("U13 U14: tokens that FCM repeats are removed from the answer", async () => {
    for (const status of [200, 400]) {
      let bearer = "";
      const provider = await start(async (url, init) => {
        if (!String(url).endsWith("messages:send")) return await fetch(url, init);
        bearer = new Headers(init.headers).get("authorization")?.split(" ")[1] ?? "";
        const field = `message.token ${token} of ${bearer}`;
        const details = [{ "@type": "type.googleapis.com/google.rpc.BadRequest", fieldViolations: [{ field }] }];
        return Response.json({ name: field, error: { status: "INVALID_ARGUMENT", details } }, { status });
      });
      const { answer } = await push(provider);
      expect(answer).toContain("message.token … of …");
      expect(bearer.length).toBeGreaterThan(10);
      await fake.close();
    }
  });

  /** The request to FCM with these options. */
  async function asked(options: PushOptions, changes: Partial<PushNotice> = {}): Promise<object> {
    const provider = await start();
    let message = {};
    fake.decide = (sent) => {
      ({ message } = sent);
      return "ok";
    };
    expect(await push(provider, { options, ...changes })).toMatchObject({ type: "sent" });
    return message;
  }
  const image = "https://app.example/bob.png";

  test("U70 U14: each option has its field of FCM, and none is set by default", async () => {
    const options = { mutableContent: true, channel: "chats", sound: "ding.caf", category: "MESSAGE", image };
    expect(await asked(options)).toMatchObject({
      notification: { title: "bob", image },
      android: { priority: "HIGH", notification: { channel_id: "chats", sound: "ding.caf" } },
      apns: {
        payload: { aps: { "mutable-content": 1, sound: "ding.caf", category: "MESSAGE" } },
        fcm_options: { image },
      },
      webpush: { notification: { image } },
    });
    await fake.close();
    const bare = JSON.stringify(await asked({}));
    for (const field of ["mutable-content", "channel_id", "category", "image", "fcm_options", "silent"])
      expect(bare).not.toContain(field);
  });

  test("U70 U14: sound none means no sound, and an image is loaded by the app's extension", async () => {
    const silent = JSON.stringify(await asked({ sound: "none" }));
    expect(silent).not.toContain("sound");
    expect(silent).toContain('"silent":true');
    await fake.close();
    expect(await asked({ image })).toMatchObject({ apns: { payload: { aps: { "mutable-content": 1 } } } });
  });

  test("U70 U14: with dataOnly no notification is shown, and the data has the title and the body", async () => {
    const options = { dataOnly: true, sound: "ding.caf", image };
    const message = await asked(options, { title: "bob", body: "hi", data: { a: "1" } });
    expect(message).toMatchObject({
      data: { kind: "message", title: "bob", body: "hi", a: "1" },
      android: { priority: "HIGH" },
      apns: { headers: { "apns-push-type": "background", "apns-priority": "5" } },
    });
    expect(Object.keys(message)).not.toContain("notification");
    expect(fake.display.screen(token).alerts).toBe(0);
  });

  for (const fault of ["mismatch", "apnsBadToken", "apnsOtherTopic"] as const)
    test(`U29 a token that is refused with ${fault} is dead after five times if FCM accepted others between them`, async () => {
      const provider = await start();
      const others = async () => {
        fake.decide = () => "ok";
        expect(await push(provider, { token: `${token}-other` })).toMatchObject({ type: "sent" });
      };
      const refused = async () => {
        fake.decide = () => fault;
        return (await push(provider)).type;
      };
      // While all tokens are refused, the service account is at fault.
      for (let i = 0; i < 20; i++) {
        expect(await refused()).toBe("failed");
        clock += 3_600_000;
      }
      for (let i = 0; i < 3; i++) {
        await others();
        expect(await refused()).toBe("failed");
        expect(await refused()).toBe("failed");
      }
      await others();
      expect(await refused()).toBe("dead");
      expect(await refused()).toBe("failed");
    });

  test("U14: an answer contains the message's name", async () => {
    expect(await push(await start())).toEqual({ type: "sent", answer: "0:1780000001%31bd1c96" });
  });

  test("U12 U14: a quota error without Retry-After waits a minute, and a server error waits for the backoff", async () => {
    const provider = await start();
    fake.decide = ({ nth }) => (nth === 1 ? "quotaOfProject" : "internal");
    expect(await push(provider)).toMatchObject({ type: "retry", afterMs: 60_000 });
    expect(await push(provider)).toEqual({ type: "retry", answer: "500 INTERNAL" });
  });

  test("U14: an access token is used until a minute before it expires", async () => {
    const provider = await start();
    for (const [at, tokens] of [
      [0, 1],
      [3_538_000, 1],
      [3_539_000, 2],
      [3_540_000, 2],
      // A clock that is set back must not keep a token longer than the server does.
      [0, 2],
    ] as const) {
      clock = nowMs + at;
      expect((await push(provider)).type).toBe("sent");
      expect(fake.count.tokens).toBe(tokens);
    }
  });

  test("U14: a token that expires within a minute is used once and not kept", async () => {
    const provider = await start();
    fake.decideToken = () => "brief";
    for (const tokens of [1, 2]) {
      expect((await push(provider)).type).toBe("sent");
      expect(fake.count.tokens).toBe(tokens);
    }
  });

  test("U14: concurrent sends share one request for a token", async () => {
    const provider = await start();
    const sent = await Promise.all(Array.from({ length: 20 }, (_, seq) => push(provider, { conversation: `c${seq}` })));
    expect(sent.every(({ type }) => type === "sent")).toBe(true);
    expect(fake.count).toEqual({ tokens: 1, sends: 20 });
  });

  test("U14: a send that shares a request for a token ends with its own signal, and not with that of another send", async () => {
    const provider = await start();
    fake.decideToken = (nth) => (nth === 1 ? "hang" : "ok");
    const patience = new AbortController();
    let isFirstOver = false;
    const first = push(provider, {}, patience.signal)
      .catch((error: unknown) => error)
      .finally(() => (isFirstOver = true));
    const second = push(provider);
    const third = await push(provider, {}, AbortSignal.timeout(50)).catch((error: unknown) => error);
    expect(third).toBeInstanceOf(Error);
    expect(isFirstOver).toBe(false);
    await until(() => fake.count.tokens === 1);
    patience.abort();
    expect(await first).toBeInstanceOf(Error);
    expect((await second).type).toBe("sent");
    expect(fake.count).toEqual({ tokens: 2, sends: 1 });
  });

  test("U14: a fetch that ignores its signal does not delay later sends", async () => {
    let isFirst = true;
    const deaf: Fetch = (url, init) => {
      if (!isFirst) return fetch(url, init);
      isFirst = false;
      return new Promise(() => {});
    };
    const provider = await start(deaf);
    await expect(push(provider, {}, AbortSignal.timeout(50))).rejects.toThrow();
    expect((await push(provider)).type).toBe("sent");
  });

  test("U14: after a 401 the notice is sent again at once with a new access token", async () => {
    const provider = await start();
    await push(provider);
    fake.revoke();
    expect((await push(provider)).type).toBe("sent");
    expect(fake.count).toEqual({ tokens: 2, sends: 3 });
  });

  test("U14: concurrent sends that are refused share one new token", async () => {
    const provider = await start();
    await push(provider);
    fake.revoke();
    const sent = await Promise.all(Array.from({ length: 8 }, (_, seq) => push(provider, { conversation: `c${seq}` })));
    expect(sent.every(({ type }) => type === "sent")).toBe(true);
    expect(fake.count).toEqual({ tokens: 2, sends: 17 });
  });

  test("U14: a second 401 waits for the backoff", async () => {
    const provider = await start();
    fake.decide = () => "unauthenticated";
    expect((await push(provider)).type).toBe("retry");
    expect(fake.count).toEqual({ tokens: 2, sends: 2 });
  });

  test("U14: THIRD_PARTY_AUTH_ERROR says nothing about the access token", async () => {
    const provider = await start();
    fake.decide = ({ nth }) => (nth === 1 ? "thirdParty" : "ok");
    const result = await push(provider);
    expect(result.type).toBe("failed");
    expect(result.answer).toStartWith("401 THIRD_PARTY_AUTH_ERROR: ");
    await push(provider);
    expect(fake.count).toEqual({ tokens: 1, sends: 2 });
  });

  test("U12 U14: without an access token nothing is sent, and the notice is retried", async () => {
    const provider = await start();
    fake.decideToken = (nth) => (["refused", "down", "strange", "redirect"] as const)[nth - 1] ?? "ok";
    expect(await push(provider)).toEqual({ type: "retry", answer: "No access token: 400 invalid_grant" });
    expect(await push(provider)).toEqual({ type: "retry", answer: "No access token: 503", afterMs: 3_000 });
    expect(await push(provider)).toEqual({ type: "retry", answer: "No access token: 200" });
    expect(await push(provider)).toEqual({ type: "failed", answer: "The token endpoint redirects (307)" });
    expect(fake.count.sends).toBe(0);
    expect((await push(provider)).type).toBe("sent");
  });

  test("U14: after a lost answer of the token endpoint the next try requests a new token", async () => {
    const provider = await start();
    fake.decideToken = (nth) => (nth === 1 ? "lost" : "ok");
    await expect(push(provider)).rejects.toThrow();
    expect((await push(provider)).type).toBe("sent");
  });

  test("U14: a lone surrogate is replaced", async () => {
    const provider = await start();
    const cut = { title: "👍".slice(0, 1), body: `so ${"👍".slice(1)}`, data: { note: "👍".slice(0, 1) } };
    expect((await push(provider, cut)).type).toBe("sent");
    const [shown] = fake.display.screen(token).notifications.values();
    expect(shown).toMatchObject({ title: "\uFFFD", body: "so \uFFFD", data: { note: "\uFFFD" } });
  });

  test("U14: names that FCM reserves are refused before they are sent", async () => {
    const provider = await start();
    for (const name of ["from", "message_type", "gcm", "gcm.notification.title", "google.x", "googlex"]) {
      const result = await push(provider, { data: { [name]: "x" } });
      expect(result.type).toBe("unfit");
      expect(result.answer).toContain(JSON.stringify(name));
    }
    expect(fake.count.sends).toBe(0);
  });

  test("U14: the TTL is in whole seconds, and at most four weeks", async () => {
    const provider = await start();
    for (const ttlMs of [0, 1, 1_999, 60_000, 2_419_200_000, 1e15, -5])
      expect((await push(provider, { ttlMs })).type).toBe("sent");
  });

  test("U14: tokens are printable, without blanks, and at most 4096 characters", async () => {
    const provider = await start();
    for (const good of ["a", "x".repeat(4_096), token])
      expect(provider.parse({ token: good }, alice)).toEqual({ token: good });
    for (const bad of ["", "x".repeat(4_097), "a b", "a\n", "é", "\u007f", null, 7, undefined])
      expect(provider.parse({ token: bad }, alice)).toBeNull();
    expect(provider.parse({}, alice)).toBeNull();
  });

  test("U14: the runtime's fetch is looked up at each call", async () => {
    const provider = await start();
    const before = globalThis.fetch;
    let calls = 0;
    const counting = (...args: Parameters<typeof before>) => {
      calls += 1;
      return before(...args);
    };
    globalThis.fetch = Object.assign(counting, before);
    try {
      await push(provider);
    } finally {
      globalThis.fetch = before;
    }
    expect(calls).toBe(2);
  });

  /** The assertion of a provider that follows the documentation carelessly. */
  async function forged(claims: object, header: object, seconds = 3_600): Promise<string> {
    const account = fake.serviceAccount() as Record<string, string>;
    const key = await importPKCS8(account["private_key"] ?? "", "RS256");
    const iat = Math.floor(nowMs / 1000);
    return new SignJWT({
      iss: account["client_email"] ?? "",
      aud: account["token_uri"] ?? "",
      scope: "https://www.googleapis.com/auth/firebase.messaging",
      iat,
      exp: iat + seconds,
      ...claims,
    })
      .setProtectedHeader({ alg: "RS256", typ: "JWT", kid: account["private_key_id"] ?? "", ...header })
      .sign(key);
  }

  const careless: [string, () => Promise<string>][] = [
    ["another scope", () => forged({ scope: "https://www.googleapis.com/auth/cloud-platform" }, {})],
    ["no kid", () => forged({}, { kid: undefined })],
    ["another kid", () => forged({}, { kid: "f".repeat(40) })],
    ["another audience", () => forged({ aud: "https://fcm.googleapis.com/" }, {})],
    ["another issuer", () => forged({ iss: "mallory@demo.iam.gserviceaccount.com" }, {})],
    ["an hour and a second", () => forged({}, {}, 3_601)],
    ["an end that has passed", () => forged({ iat: nowMs / 1000 - 7_200 }, {}, -3_600)],
    ["milliseconds for seconds", () => forged({ iat: nowMs, exp: nowMs + 3_600 }, {})],
    ["a subject", () => forged({ sub: "alice" }, {})],
    [
      "another key",
      async () => {
        const { privateKey } = await generateKeyPair("RS256");
        return new SignJWT({}).setProtectedHeader({ alg: "RS256" }).sign(privateKey);
      },
    ],
  ];
  for (const [what, assertion] of careless)
    test(`control: U14 an assertion with ${what} is noticed`, async () => {
      await start();
      const ask = async (text: string): Promise<number> => {
        const grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer";
        const body = new URLSearchParams({ grant_type, assertion: text });
        return (await fetch(`${fake.url}/token`, { method: "POST", body: body.toString(), headers: form })).status;
      };
      const form = { "Content-Type": "application/x-www-form-urlencoded" };
      expect(await ask(await forged({}, {}))).toBe(200);
      expect(fake.violations).toEqual([]);
      expect(await ask(await assertion())).toBe(400);
      expect(fake.violations.length).toBe(1);
      isBroken = true;
    });

  type Json = { message: Record<string, Record<string, unknown>> };
  const misshapen: [string, (body: Json) => void][] = [
    ["a second target", ({ message }) => Object.assign(message, { topic: "news" })],
    ["an unknown field", ({ message }) => Object.assign(message, { priority: "high" })],
    ["data that is no text", ({ message }) => Object.assign(message["data"] ?? {}, { unread: 2 })],
    ["data that is too large", ({ message }) => Object.assign(message["data"] ?? {}, { fill: "x".repeat(4_000) })],
    ["a reserved name", ({ message }) => Object.assign(message["data"] ?? {}, { from: "bob" })],
    ["another tag for Android", ({ message }) => Object.assign(message["android"] ?? {}, { collapse_key: "x" })],
    ["low priority", ({ message }) => Object.assign(message["android"] ?? {}, { priority: "NORMAL" })],
    ["a silent message that is shown", ({ message }) => void delete message["notification"]],
  ];
  for (const [what, change] of misshapen)
    test(`control: U14 a message with ${what} is noticed`, async () => {
      const provider = await start((url, init) => {
        if (!url.endsWith(":send")) return fetch(url, init);
        const body = JSON.parse(textOf(init)) as Json;
        change(body);
        return fetch(url, { ...init, body: JSON.stringify(body) });
      });
      expect((await push(provider)).type).toBe("unfit");
      expect(fake.violations.length).toBe(1);
      isBroken = true;
    });

  test("control: U14 a token that is kept after it has expired is noticed", async () => {
    let first: string | undefined;
    const provider = await start(async (url, init) => {
      if (!url.endsWith("/token")) return fetch(url, init);
      first ??= await (await fetch(url, init)).text();
      return new Response(first);
    });
    expect((await push(provider)).type).toBe("sent");
    clock += 3_600_000;
    expect(await push(provider)).toEqual({ type: "retry", answer: "401 UNAUTHENTICATED" });
  });
});

describe("the service account of FCM", () => {
  const account = async (changes: object = {}): Promise<Record<string, unknown>> => {
    const fake = await openFcm({ now: () => nowMs });
    await fake.close();
    return fake.serviceAccount(changes);
  };
  const good: [string, (whole: Record<string, unknown>) => string | object][] = [
    ["the parsed object", (whole) => whole],
    ["its JSON", (whole) => JSON.stringify(whole, null, 2)],
    ["one without private_key_id", ({ private_key_id: _, ...rest }) => rest],
    ["one without token_uri", ({ token_uri: _, ...rest }) => rest],
    [
      "a key whose line breaks are written out",
      (w) => ({ ...w, private_key: String(w["private_key"]).replaceAll("\n", "\\n") }),
    ],
    ["a key without a last line break", (w) => ({ ...w, private_key: String(w["private_key"]).trim() })],
  ];
  for (const [what, shape] of good)
    test(`U14: ${what} is taken`, async () => {
      expect(fcm({ serviceAccount: shape(await account()) }).name).toBe("fcm");
    });

  const keyOf = (alg: string) => async () =>
    exportPKCS8((await generateKeyPair(alg, { extractable: true })).privateKey);
  const bad: [string, object | (() => Promise<object>)][] = [
    ["no type", { type: undefined }],
    ["an authorized user", { type: "authorized_user" }],
    ["no project", { project_id: undefined }],
    ["a project that is a path", { project_id: "../canary" }],
    ["no key", { private_key: undefined }],
    ["an empty key", { private_key: "" }],
    ["a key that is none", { private_key: "canary" }],
    ["PEM without a key", { private_key: "-----BEGIN PRIVATE KEY-----\ncanary\n-----END PRIVATE KEY-----\n" }],
    ["a key of PKCS #1", { private_key: "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----\n" }],
    [
      "a cut key",
      async () => ({
        private_key: String((await account())["private_key"])
          .split("\n")
          .toSpliced(5, 1)
          .join("\n"),
      }),
    ],
    ["a key for ES256", async () => ({ private_key: await keyOf("ES256")() })],
    ["a key that is a number", { private_key: 5 }],
    ["a key id with a line break", { private_key_id: "a\r\ncanary" }],
    ["no address", { client_email: undefined }],
    ["an address with a line break", { client_email: "a\ncanary" }],
    ["a token URI without TLS", { token_uri: "http://oauth2.example/canary" }],
    ["a token URI that looks like loopback", { token_uri: "http://localhost.canary.com/token" }],
    ["a token URI with a password", { token_uri: "https://user:canary@oauth2.example/token" }],
    ["a token URI that is none", { token_uri: "canary" }],
  ];
  const refusal = (make: () => unknown): unknown => {
    try {
      make();
    } catch (error) {
      return error;
    }
    return undefined;
  };
  function expectRefusal(thrown: unknown, secret: string): void {
    expect(thrown).toBeInstanceOf(ChatError);
    expect(thrown).toMatchObject({ code: "config_invalid" });
    const told = Bun.inspect(thrown)
      .split("\n")
      .filter((line) => !/^\s*(\d+ \||at )/.test(line));
    expect(String(thrown)).not.toContain("canary");
    for (const line of secret.split(/\\n|\n/).filter((part) => part.length > 20 && !part.startsWith("-----")))
      expect(`${told.join("\n")} ${String((thrown as Error).cause)}`).not.toContain(line);
  }

  for (const [what, changes] of bad)
    test(`U14: ${what} is refused at once, without being repeated`, async () => {
      const whole = await account(typeof changes === "function" ? await changes() : changes);
      for (const serviceAccount of [whole, JSON.stringify(whole)])
        expectRefusal(
          refusal(() => fcm({ serviceAccount })),
          String(whole["private_key"]),
        );
    });

  test("U14: anything else than a service account is refused at once", async () => {
    const whole = await account();
    const texts = ["", "canary", "{", "null", "5", "[]", "/etc/canary.json", JSON.stringify(whole).slice(0, -2)];
    for (const serviceAccount of [...texts, null, undefined, 5, []] as string[])
      expectRefusal(
        refusal(() => fcm({ serviceAccount })),
        String(whole["private_key"]),
      );
  });

  test("U14: a base URL must be https, or of this machine", async () => {
    const serviceAccount = await account();
    for (const baseUrl of [
      "http://fcm.example",
      "canary",
      "ftp://fcm.example",
      "https://u:canary@fcm.example",
      "https://a/?canary",
    ])
      expectRefusal(
        refusal(() => fcm({ serviceAccount, baseUrl })),
        "",
      );
    for (const baseUrl of ["https://fcm.example/", "http://127.0.0.1:9", "http://localhost:9", "http://[::1]:9"])
      expect(fcm({ serviceAccount, baseUrl }).name).toBe("fcm");
  });
});

describe("weak providers", () => {
  const failing = (weaken: Parameters<typeof weakened>[1]) => checksFailedBy(weakened(open, weaken), traits);
  const overFetch = (fetch: Fetch) => checksFailedBy(() => open(fetch), traits);

  test("control: U13 the provider itself passes each check", async () => {
    expect(await checksFailedBy(open, traits)).toEqual([]);
  });

  test("control: U13 one that follows redirects is noticed", async () => {
    const failed = await overFetch((url, init) => fetch(url, { ...init, redirect: "follow" }));
    expect(failed).toContain("a redirect is not followed, and fails finally");
  });

  test("control: U13 one that waits forever is noticed", async () => {
    const patient: Fetch = (url, { signal: _, ...init }) => fetch(url, init);
    const failed = await checksFailedBy(() => open(patient), { ...traits, endsWithinMs: 500 }, /ends with its signal/);
    expect(failed).toEqual(["a send ends with its signal"]);
  });

  test("control: U13 one with a tag for each message is noticed", async () => {
    const failed = await failing(({ send: real }) => ({
      send: (notice, context) => real({ ...notice, tag: String(notice.seq).padEnd(32, "-") }, context),
    }));
    expect(failed).toContain(
      "a newer notice of a conversation replaces the older one, and not those of other conversations",
    );
  });

  test("control: U13 one that shows a clear is noticed", async () => {
    const failed = await failing(({ send: real }) => ({
      send: (notice, context) => real({ ...notice, kind: "message" }, context),
    }));
    expect(failed).toEqual(["a clear removes the notification of its conversation without an alert"]);
  });

  test("control: U13 one that takes each refusal for a dead address, or none, is noticed", async () => {
    for (const type of ["dead", "failed"] as const) {
      const failed = await failing(({ send: real }) => ({
        async send(notice, context) {
          const result = await real(notice, context);
          return result.type === "dead" || result.type === "failed" ? { type, answer: result.answer } : result;
        },
      }));
      expect(failed).toContain("a dead address is distinguished from a refused request");
    }
  });

  test("control: U12 one that does not pass on Retry-After is noticed", async () => {
    const failed = await failing(({ send: real }) => ({
      async send(notice, context) {
        const { type, answer } = await real(notice, context);
        return { type, answer };
      },
    }));
    expect(failed).toEqual(["Retry-After is honoured, in seconds and as a date"]);
  });

  test("control: U13 one that repeats the token in its answers is noticed", async () => {
    const failed = await failing(({ send: real }) => ({
      async send(notice, context) {
        const result = await real(notice, context);
        return { ...result, answer: `${result.answer} for ${notice.token}`.slice(0, 200) };
      },
    }));
    expect(failed).toContain("an answer is one short line without tokens and keys");
  });

  test("control: U13 one that lets the host's data replace ours is noticed", async () => {
    const overruled: Fetch = (url, init) => {
      if (!url.endsWith(":send")) return fetch(url, init);
      const body = JSON.parse(textOf(init)) as { message: { data: Record<string, string> } };
      if (Object.hasOwn(body.message.data, "constructor"))
        Object.assign(body.message.data, { seq: "999", badge: "99" });
      return fetch(url, { ...init, body: JSON.stringify(body) });
    };
    expect(await overFetch(overruled)).toEqual(["the host's data is passed on, and replaces none of ours"]);
  });

  test("control: U13 one that accepts any address is noticed", async () => {
    const failed = await failing(() => ({ parse: ({ token }) => ({ token: String(token) }) }));
    expect(failed).toEqual(["an address has the form that the provider expects, and no other fields"]);
  });
});
