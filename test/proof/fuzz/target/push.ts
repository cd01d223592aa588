import fc from "fast-check";
import * as v from "valibot";
import { ChatError } from "../../../../src/error.ts";
import { fcm } from "../../../../src/push/provider/fcm.ts";
import type { Fetch } from "../../../../src/push/provider/fetch.ts";
import { oneSignal } from "../../../../src/push/provider/onesignal.ts";
import { pushServices } from "../../../../src/push/provider/subscription.ts";
import { webhook } from "../../../../src/push/provider/webhook.ts";
import { webPush } from "../../../../src/push/provider/webpush.ts";
import type { PushAddress, PushNotice, PushProvider } from "../../../../src/push/provider.ts";
import { quietHours, type QuietHours, quietUntil } from "../../../../src/protocol/quiet-hours.ts";
import type { Store } from "../../../../src/store/store.ts";
import { append, newId } from "../../../support/store.ts";
import { everyProvider, hostilePush, someAccount, takerAnswer } from "../hostile-push.ts";
import { createTarget, type Findings, shownText, type Target, type Verdict } from "../target.ts";

const identity = { tenant: "default", user: "alice" };
/** The longest stored token: a subscription, with what JSON adds to it. */
const tokenCharsMax = 4_400;
const results = ["sent", "dead", "retry", "unfit", "failed"];

const noticeTo = (token: string): PushNotice => ({
  ...{ kind: "message", ...identity, device: "phone", token, conversation: "c1", seq: 1, unread: 1, badge: 1 },
  ...{ title: "New message", body: "", data: {}, options: {}, ttlMs: 60_000 },
  ...{ key: "01980000-0000-8000-8000-000000000001", tag: "0".repeat(32) },
});

/** Whether a provider's request goes to an allowed host. */
function isKnown(url: string): boolean {
  const { protocol, hostname, port, username } = new URL(url);
  const isService = pushServices.some((one) =>
    one.startsWith("*.") ? hostname.endsWith(one.slice(1)) && hostname.length > one.length - 1 : hostname === one,
  );
  const isOurs = ["oauth2.googleapis.com", "api.onesignal.com", "shop.example"].includes(hostname);
  return protocol === "https:" && port === "" && username === "" && (isService || isOurs);
}

function faultOfAddress({ token, expiresAt }: PushAddress): Verdict {
  if (typeof token !== "string" || !token.isWellFormed() || token.includes("\0")) return "took a token that is no text";
  if (token.length > tokenCharsMax) return `took a token of ${token.length} characters`;
  const isTime = expiresAt === undefined || (Number.isSafeInteger(expiresAt) && expiresAt >= 0);
  return isTime ? null : `took ${expiresAt} for a time`;
}

/** Registrations by clients, at each provider alone: refused, or stored and usable. */
export const pushTarget = (wrap: (provider: PushProvider, fetch: Fetch) => PushProvider = (one) => one): Target => {
  const asked: string[] = [];
  const fetch: Fetch = async (url) => {
    asked.push(String(url));
    return Response.json(takerAnswer);
  };
  const providers = everyProvider(fetch).then((list) => list.map((one) => wrap(one, fetch)));
  return createTarget({
    name: "push",
    inputs: fc.record({ push: hostilePush, nth: fc.constantFrom(0, 1, 2, 2, 2, 3) }),
    async judge({ push, nth }): Promise<Verdict> {
      const provider = (await providers)[nth];
      const address = provider?.parse(push, identity);
      if (!provider || !address) return null;
      const fault = faultOfAddress(address);
      if (fault !== null) return `${provider.name} ${fault}`;
      asked.length = 0;
      const context = { now: Date.now, signal: new AbortController().signal };
      const { type, answer } = await provider.send(noticeTo(address.token), context);
      if (!results.includes(type) || answer.length > 200) return `${provider.name} answered ${type}: ${answer}`;
      if (type !== "sent" && !answer.includes("not on the curve")) return `${provider.name} cannot use it: ${answer}`;
      const strange = asked.find((url) => !isKnown(url));
      return strange === undefined ? null : `${provider.name} asked ${strange}`;
    },
  });
};

/** Tokens that a provider accepted, through a real store: each comes back unchanged when a notification is due. */
export const pushTokenTarget = (store: Store): Target => ({
  name: "push token",
  async try(seed, count) {
    const tenant = `p${seed}`;
    const providers = await everyProvider(async () => Response.json(takerAnswer));
    const drawn = fc.sample(hostilePush, { seed, numRuns: count });
    const taken = drawn.flatMap((push) =>
      providers.flatMap((provider) => {
        const address = provider.parse(push, { tenant, user: "alice" });
        return address === null ? [] : [{ provider: `${provider.name}-${seed}`, ...address }];
      }),
    );
    const now = Date.now();
    const userOf = (i: number): string => `u${i}`;
    for (const [i, { provider, token, expiresAt }] of taken.entries()) {
      const address = { provider, token, hash: `${i}`, expiresAt };
      await store.devices.putDevice({ tenant, user: userOf(i) }, "phone", { address, now });
    }
    await Promise.all(
      taken.map((_, i) => append(store, { tenant, from: "sender", to: userOf(i), id: newId(), text: "hi" })),
    );
    const { n } = await store.head();
    await store.push.take("fuzz", await store.push.worker());
    const found = await store.push.undecided(taken.map((_, i) => ({ tenant, user: userOf(i) })));
    await store.push.enqueue(
      "fuzz",
      found.map(({ address }) => ({ address, upTo: n })),
    );
    const names = [...new Set(taken.map(({ provider }) => provider))];
    const due = (await Promise.all(names.map((name) => store.push.due(name, now, taken.length)))).flat();
    const violations = taken.flatMap(({ provider, token, expiresAt }, i) => {
      const back = due.find(({ user }) => user === userOf(i));
      const isSame = back?.token === token && back.provider === provider && back.expiresAt === (expiresAt ?? null);
      return isSame ? [] : [`push token, seed ${seed}: ${shownText(back?.token)} came back for ${shownText(token)}`];
    });
    return { cases: drawn.length, violations: violations.slice(0, 5) } satisfies Findings;
  },
});

const canary = "canary-7d20";
const text = fc.oneof(
  fc.string({ unit: "binary", maxLength: 60 }),
  fc.constantFrom("", canary, canary.repeat(5), `${canary}\0`, "\ud800".repeat(30), "é".repeat(30), "x".repeat(60_000)),
  fc.constantFrom(
    `whsec_${canary}`,
    `whsec_${btoa(canary.repeat(3))}`,
    "whsec_",
    `whsec_${"=".repeat(40)}`,
    "whsec_AAAA ",
  ),
  fc.constantFrom(
    `https://${canary}@host/`,
    `https://host/${canary}`,
    "http://127.0.0.1:1/",
    "https://",
    "//",
    "data:,x",
  ),
  fc.constantFrom("mailto:a@b.example", "https://b.example", "A".repeat(43), `B${"A".repeat(86)}`, "B".repeat(87)),
);
const loose = fc.oneof({ weight: 5, arbitrary: text }, fc.anything({ maxDepth: 2 }));
const accountNames = "type project_id client_email private_key private_key_id token_uri __proto__ x".split(" ");

type Setting = { readonly which: number; readonly values: readonly unknown[]; readonly account: unknown };

/** Secrets and addresses that a host configures: accepted, or refused with a text that contains none of them. */
export const pushSecretTarget = (make: (setting: Setting) => unknown = makeProvider): Target => {
  const whole = someAccount();
  return createTarget({
    name: "push secret",
    inputs: fc.record({
      which: fc.nat({ max: 4 }),
      values: fc.array(loose, { minLength: 3, maxLength: 3 }),
      changes: fc.dictionary(fc.constantFrom(...accountNames), fc.oneof(loose, fc.constant(canary)), { maxKeys: 3 }),
      cut: fc.oneof(fc.nat({ max: 3_000 }), fc.constant(Infinity)),
    }),
    async judge({ which, values, changes, cut }): Promise<Verdict> {
      const changed = { ...(await whole), ...changes };
      const account = which === 1 ? changed : safeJson(changed).slice(0, cut);
      try {
        make({ which, values, account });
        return null;
      } catch (error) {
        if (!(error instanceof ChatError) || error.code !== "config_invalid") return `threw ${String(error)}`;
        return `${error.message} ${String(error.cause)}`.includes(canary) ? "leaked a secret" : null;
      }
    },
  });
};

function safeJson(value: unknown): string {
  try {
    return JSON.stringify(value) ?? "";
  } catch {
    return "";
  }
}

function makeProvider({ which, values, account }: Setting): unknown {
  // As a host without types may call it.
  const [one, two, three] = values as [never, never, never];
  switch (which) {
    case 0:
    case 1:
      return fcm({ serviceAccount: account as string });
    case 2:
      return webhook({ url: one, secret: two });
    case 3:
      return webPush({ publicKey: one, privateKey: two, subject: three });
    default:
      return oneSignal({ appId: one, apiKey: two, baseUrl: three });
  }
}

const hourMs = 3_600_000;
const zones = [...Intl.supportedValuesOf("timeZone"), "UTC", "Etc/GMT+12", "Etc/GMT-14", "europe/berlin", "EST5EDT"];
const time = fc.oneof(
  fc.nat({ max: 1_439 }).map((minute) => new Date(minute * 60_000).toISOString().slice(11, 16)),
  fc.constantFrom("24:00", "00:00", "23:59", "7:00", "07:00:00", "", "٠٧:٠٠", "07:60"),
);
/** Quiet hours, or nearly. */
export const hours = fc.record({
  from: time,
  to: time,
  timeZone: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...zones) },
    { weight: 1, arbitrary: fc.oneof(text, fc.constantFrom("+01:00", "GMT+1", "__proto__", "constructor", "Local")) },
  ),
});
/** Every hour, by any clock change. */
const moment = fc
  .oneof(
    fc.integer({ min: 0, max: 4_102_444_800_000 }),
    fc.integer({ min: 0, max: 1_139_567 }).map((hour) => hour * hourMs),
    fc.integer({ min: 0, max: 1_139_567 }).map((hour) => hour * hourMs - 1),
  )
  .map((at) => Math.max(0, at));

/** Accepted quiet hours, at any time: they are not in force, or they end later, within a day and the largest clock change. */
export const quietHoursTarget = (until: typeof quietUntil = quietUntil): Target =>
  createTarget({
    name: "quiet hours",
    inputs: fc.record({ hours, now: moment }),
    judge({ hours, now }): Verdict {
      const parsed = v.safeParse(quietHours, hours);
      if (!parsed.success) return null;
      const end = until(parsed.output, now);
      if (end !== null && !(Number.isSafeInteger(end) && end > now && end <= now + 26 * hourMs)) return `end at ${end}`;
      return (end !== null) === isWithin(parsed.output, now) ? null : `say ${end}, which is wrong`;
    },
  });

/** In another way: from the local wall clock, read as a date. */
function isWithin({ from, to, timeZone }: QuietHours, now: number): boolean {
  const wall = new Date(now).toLocaleString("sv-SE", { timeZone }).slice(11, 16);
  return from === to || (from < to ? wall >= from && wall < to : wall >= from || wall < to);
}
