import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { Webhook } from "standardwebhooks";
import { ChatError } from "../../../src/error.ts";
import type { Fetch } from "../../../src/push/provider/fetch.ts";
import { webhook } from "../../../src/push/provider/webhook.ts";
import { plant, type PlantName } from "../../plants/index.ts";
import { type Fault, serveFake } from "../fake/http.ts";
import { type FakeWebhook, startFakeWebhook } from "../fake/webhook.ts";
import { plantedModule } from "../planted.ts";
import { noticeTo, send } from "../send.ts";

const identity = { tenant: "acme", user: "alice" };
const whsec = (bytes: number, fill = 7) => `whsec_${Buffer.alloc(bytes, fill).toString("base64")}`;
const secret = whsec(32);

let host: FakeWebhook;
beforeEach(async () => {
  host = await startFakeWebhook(secret);
});
afterEach(() => host.dispose());

const provider = (more: { secret?: string; url?: string; fetch?: Fetch } = {}) =>
  webhook({ url: host.url, secret, ...more });

describe("the request", () => {
  test("U18: a notice, with all that the host needs to notify by itself", async () => {
    const notice = noticeTo("token-1", { title: "Bob 👋", body: "Tea?", data: { url: "/c/1" } });
    const now = Date.now();
    expect(await send(provider(), notice, { now: () => now })).toEqual({ type: "sent", answer: "HTTP 204" });
    const { tenant, user, device, token, conversation, seq, unread, badge, title, body, tag, data, ttlMs } = notice;
    expect(host.posted).toEqual([
      {
        id: notice.key,
        type: "message.unread",
        timestamp: new Date(now).toISOString(),
        data: { tenant, user, device, token, conversation, seq, unread, badge, title, body, tag, data, ttlMs },
        signatures: [expect.stringMatching(/^v1,[A-Za-z0-9+/]{43}=$/)],
      },
    ]);
    expect(host.violations).toEqual([]);
  });

  test("U70 U18: the host's options, if there are any", async () => {
    const options = { channel: "chats", dataOnly: true };
    await send(provider(), noticeTo("", { options }));
    await send(provider(), noticeTo(""));
    expect(host.posted[0]?.data).toMatchObject({ options });
    expect(Object.keys(host.posted[1]?.data ?? {})).not.toContain("options");
    expect(host.violations).toEqual([]);
  });

  test("U18: a clear has its own type; without an address there is no device and no token", async () => {
    const more = { kind: "clear", device: "", title: "", body: "" } as const;
    await send(provider(), noticeTo("", more));
    expect(host.posted).toMatchObject([{ type: "message.cleared", data: { user: "alice", title: "" } }]);
    expect(Object.keys(host.posted[0]?.data ?? {})).not.toContain("device");
    expect(Object.keys(host.posted[0]?.data ?? {})).not.toContain("token");
    expect(host.violations).toEqual([]);
  });

  test("U18: a repeat has the same id, and its own time", async () => {
    const notice = noticeTo("");
    host.fail("lost");
    expect(await send(provider(), notice)).toEqual({ type: "retry", answer: "no answer" });
    const later = Date.now() + 60_000;
    expect(await send(provider(), notice, { now: () => later })).toMatchObject({ type: "sent" });
    expect(host.posted.map(({ id }) => id)).toEqual([notice.key, notice.key]);
    expect(host.posted[1]?.timestamp).toBe(new Date(later).toISOString());
    expect(host.violations).toEqual([]);
  });

  test("U18: a lone surrogate is replaced, so that each parser accepts the body", async () => {
    await send(provider(), noticeTo("", { body: "👋".slice(0, 1) }));
    expect(host.posted[0]?.data["body"]).toBe("\ufffd");
  });

  test("U18: the library of Standard Webhooks verifies it", async () => {
    const asked: { headers: Record<string, string>; body: string }[] = [];
    const fetch: Fetch = (_, init) => {
      asked.push({ headers: init.headers as Record<string, string>, body: init.body as string });
      return Promise.resolve(new Response(null, { status: 204 }));
    };
    await send(provider({ fetch }), noticeTo(""));
    const [{ headers, body } = { headers: {}, body: "" }] = asked;
    expect(new Webhook(secret).verify(body, headers)).toMatchObject({ type: "message.unread" });
    expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow("No matching signature");
    expect(() => new Webhook(whsec(32, 8)).verify(body, headers)).toThrow("No matching signature");
  });
});

describe("secrets", () => {
  const plain = "twenty-four characters!!".replaceAll(" ", "-");
  for (const [name, one] of [
    ["24 bytes", whsec(24)],
    ["64 bytes", whsec(64)],
    ["plain text", plain],
    ["plain text that is not ASCII", "schlüssel-schlüssel-schlüssel"],
  ] as const)
    test(`U18: ${name} of secret signs`, async () => {
      const own = await startFakeWebhook(
        name.startsWith("plain") ? `whsec_${Buffer.from(one).toString("base64")}` : one,
      );
      try {
        expect(await send(webhook({ url: own.url, secret: one }), noticeTo(""))).toMatchObject({ type: "sent" });
        expect(own.violations).toEqual([]);
      } finally {
        await own.dispose();
      }
    });

  test("U18: while one secret replaces another, both sign", async () => {
    const both = provider({ secret: ` ${whsec(24)}  ${secret}\n` });
    expect(await send(both, noticeTo(""))).toMatchObject({ type: "sent" });
    expect(host.posted[0]?.signatures.length).toBe(2);
    expect(new Set(host.posted[0]?.signatures).size).toBe(2);
    expect(host.violations).toEqual([]);
  });

  test("U18: a secret or an address that is no text is refused as a malformed one is", () => {
    const { url } = host;
    for (const [options, fault] of [
      [{ url }, "secret"],
      [{ url, secret: 7 }, "secret"],
      [{ url, secret: ["a", "b"] }, "secret"],
      [{ secret }, "https URL"],
    ] as const) {
      expect(() => webhook(options as never)).toThrow(ChatError);
      expect(() => webhook(options as never)).toThrow(fault);
    }
  });

  test("U18: a server with another secret refuses all", async () => {
    expect(await send(provider({ secret: whsec(24) }), noticeTo(""))).toEqual({ type: "failed", answer: "HTTP 400" });
    expect(host.violations).toEqual(["no signature fits"]);
  });

  const wrong: readonly { secret?: string; url?: string }[] = [
    ...[
      "",
      " ",
      "short",
      plain.slice(1),
      whsec(23),
      whsec(65),
      "whsec_",
      `${whsec(24)}!`,
      `whsec_${"a".repeat(33)}`,
    ].map((one) => ({ secret: one })),
    { secret: `${secret} short` },
    ...["", "/push", "http://shop.example/push", "ftp://shop.example", "https://user:pass@shop.example/"].map(
      (url) => ({
        url,
      }),
    ),
    ...["http://127.0.0.1.evil.example/", "http://0.0.0.0/", "javascript:alert(1)"].map((url) => ({ url })),
  ];
  for (const more of wrong)
    test(`U18: ${JSON.stringify(more)} is refused at once, without being repeated`, () => {
      let error: unknown;
      try {
        provider(more);
      } catch (thrown) {
        error = thrown;
      }
      if (!(error instanceof ChatError)) throw new Error("It was taken");
      expect(error.code).toBe("config_invalid");
      for (const text of [more.secret, more.url].flatMap((one) => (one?.trim() ? [one] : [])))
        if (text.length > 6) expect(error.message).not.toContain(text);
    });

  test("U18: https to any host, and http to this machine, are accepted", () => {
    for (const url of ["https://shop.example/push?a=b", "http://localhost:3000/push", "http://[::1]:3000/", host.url])
      expect(() => provider({ url })).not.toThrow();
  });
});

describe("answers", () => {
  const headers = { "Retry-After": "7" };
  const answers: readonly (readonly [Fault, object])[] = [
    ...[200, 202, 204].map((status) => [{ status }, { type: "sent", answer: `HTTP ${status}` }] as const),
    ...[400, 401, 403, 404, 410, 422].map(
      (status) => [{ status }, { type: "failed", answer: `HTTP ${status}` }] as const,
    ),
    [{ status: 413 }, { type: "unfit", answer: "HTTP 413" }],
    ...[408, 429, 500, 502, 503].map((status) => [{ status }, { type: "retry", answer: `HTTP ${status}` }] as const),
    ...[429, 503].map(
      (status) =>
        [
          { status, headers },
          { type: "retry", answer: `HTTP ${status}`, afterMs: 7_000 },
        ] as const,
    ),
    ["hang", { type: "retry", answer: "no answer" }],
    ["lost", { type: "retry", answer: "no answer" }],
  ];
  for (const [fault, result] of answers)
    test(`U18: ${typeof fault === "string" ? fault : JSON.stringify(fault)} is ${JSON.stringify(result)}`, async () => {
      host.fail(typeof fault === "string" || fault.status === 204 ? fault : { ...fault, body: "the host's secret" });
      const answered: object = await send(provider(), noticeTo(""), fault === "hang" ? { withinMs: 200 } : {});
      expect(answered).toEqual(result);
    });

  test("U18: a redirect is not followed", async () => {
    const other = await serveFake(() => ({ status: 204 }));
    try {
      for (const status of [301, 302, 303, 307, 308]) {
        host.fail({ status, headers: { Location: other.url } });
        expect(await send(provider(), noticeTo(""))).toEqual({ type: "failed", answer: `HTTP ${status}` });
      }
      expect(other.connections()).toBe(0);
    } finally {
      await other.dispose();
    }
  });

  test("U18: a network error is reported without the address", async () => {
    const fetch: Fetch = (url) => Promise.reject(new TypeError(`cannot reach ${url}`));
    expect(await send(provider({ fetch }), noticeTo(""))).toEqual({ type: "retry", answer: "no answer" });
  });
});

test("U18: a device registers nothing, or a token", () => {
  const hook = provider();
  expect(hook.reach).toBe("user");
  expect(hook.parse({}, identity)).toEqual({ token: "" });
  for (const token of ["a", "~".repeat(4_096)]) expect(hook.parse({ token }, identity)).toEqual({ token });
  for (const token of ["", null, 1, {}, "a b", "é", "a\n", "~".repeat(4_097)])
    expect(hook.parse({ token }, identity)).toBeNull();
  expect(hook.parse({ token: "a", other: 1 }, identity)).toBeNull();
});

describe("planted faults", () => {
  type WebhookModule = { readonly webhook: typeof webhook };
  const file = "push/provider/webhook.ts";
  const faults: readonly (readonly [PlantName, string])[] = [
    ["a webhook signs its parts in another order", "no signature fits"],
    ["a webhook does not sign the key", "no signature fits"],
    ["a webhook writes its signature with an equals sign", "no signature fits"],
    ["a webhook signs with a part of the secret", "no signature fits"],
    ["a webhook tells its time in milliseconds", "the timestamp is"],
    ["a webhook does not say that it posts JSON", "not said to be JSON"],
  ];
  for (const [name, fault] of faults)
    test(`control: U18 the fake finds that ${name}`, async () => {
      const weak = await plantedModule<WebhookModule>(file, plant(name));
      await send(weak.webhook({ url: host.url, secret }), noticeTo(""));
      expect(host.violations.join()).toContain(fault);
    });

  test("control: U18 a provider that follows redirects is noticed at their target", async () => {
    const weak = await plantedModule<WebhookModule>(file, plant("a webhook follows redirects"));
    const other = await serveFake(() => ({ status: 204 }));
    try {
      host.fail({ status: 302, headers: { Location: other.url } });
      await send(weak.webhook({ url: host.url, secret }), noticeTo(""));
      expect(other.connections()).toBe(1);
    } finally {
      await other.dispose();
    }
  });
});
