import type { Socket, SocketEvents } from "../../../../src/connection/socket.ts";
import fc from "fast-check";
import { createApi } from "../../../../src/http/api.ts";
import { createPolicy } from "../../../../src/access/policy.ts";
import { systemClock } from "../../../../src/internal/clock.ts";
import { systemRandom } from "../../../../src/internal/random.ts";
import { defaultLimits } from "../../../../src/protocol/limits.ts";
import type { PushProvider } from "../../../../src/push/provider.ts";
import type { Store } from "../../../../src/store/store.ts";
import { everyProvider, hostilePush } from "../hostile-push.ts";
import { createTarget, type Target, type Verdict } from "../target.ts";
import { hours } from "./push.ts";

export type Handler = (request: Request) => Promise<Response>;

const id = "01980000-0000-7000-8000-000000000001";
const odd = fc.oneof(
  fc.string({ unit: "binary", maxLength: 20 }).map((text) => encodeURIComponent(text.toWellFormed())),
  fc.string({ unit: fc.integer({ min: 0x21, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 12 }),
  fc.constantFrom(
    "",
    "0",
    "1",
    "-1",
    "9007199254740991",
    "9007199254740992",
    "1e3",
    "%",
    "%00",
    "%zz",
    "+1",
    "true",
    "bob",
    id,
    `${id},${id}`,
  ),
);
const number = fc.oneof(
  fc.nat({ max: 5 }),
  fc.maxSafeInteger(),
  fc.double(),
  fc.constantFrom(Number.MAX_SAFE_INTEGER, -1),
);
/** A `next` that no server has given out. */
const forged = fc
  .record({
    texts: fc.dictionary(
      fc.constantFrom("with", "conversation", "ids", "limit", "around", "undelivered", "__proto__"),
      fc.oneof(odd, fc.constantFrom("bob", "c1")),
    ),
    walk: fc.record({ down: number, up: number, ids: number, author: number }, { requiredKeys: [] }),
  })
  .map((next) => btoa(JSON.stringify(next)).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", ""));
const names =
  "device with conversation before after around ids from since until undelivered limit next user message for __proto__".split(
    " ",
  );
const parameter = fc.oneof(
  fc.tuple(fc.constantFrom(...names), odd).map((pair) => pair.join("=")),
  forged.map((next) => `next=${next}`),
  odd,
);
/** Mostly real routes, asked as documented; sometimes anything. */
const route = fc.oneof(
  { weight: 5, arbitrary: fc.constant(["GET", "/messages"] as const) },
  {
    weight: 4,
    arbitrary: fc.constantFrom(
      ["POST", "/messages"] as const,
      ["POST", "/ack"] as const,
      ["GET", "/conversations"] as const,
      ["POST", "/conversations/c1/read"] as const,
      ["GET", "/contacts"] as const,
      ["POST", "/contacts"] as const,
      ["GET", "/blocks"] as const,
      ["POST", "/tickets"] as const,
      ["GET", "/push"] as const,
      ["GET", "/push/explain"] as const,
      ["GET", `/push/explain?message=${id}`] as const,
      ["PUT", "/quiet-hours"] as const,
      ["DELETE", "/quiet-hours"] as const,
      ["PUT", "/conversations/c1/mute"] as const,
    ),
  },
  { weight: 4, arbitrary: fc.constantFrom(["PUT", "/devices/phone"] as const, ["PUT", "/devices/tablet"] as const) },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.constantFrom("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"),
      fc.oneof(
        fc
          .tuple(fc.constantFrom("contacts", "blocks"), fc.oneof(odd, fc.constantFrom("bob", "alice")))
          .map((path) => `/${path.join("/")}`),
        fc.constantFrom("/messages", "/x/messages", "/messages/", "//ack", "/ws", "*", ""),
        odd.map((text) => `/conversations/${text}/read`),
        odd.map((text) => `/conversations/${text}/mute`),
        odd.map((text) => `/devices/${text}`),
        fc.constantFrom("/quiet-hours", "/push", "/push/explain", "/devices/phone", "/devices/"),
        odd.map((text) => `/${text}`),
      ),
    ),
  },
);
const value = fc.oneof(
  fc.jsonValue({ maxDepth: 2 }),
  number,
  fc.constantFrom("bob", id, "\0", "\ud800", "abcdefgh.zzzzzzzzzzz"),
);
/** A registration: mostly a valid provider and token, or nearly. */
const registration = fc
  .record(
    {
      push: fc
        .oneof(
          {
            weight: 5,
            arbitrary: fc.tuple(fc.constantFrom("fcm", "onesignal", "webpush", "webhook", "custom"), hostilePush),
          },
          { weight: 1, arbitrary: fc.tuple(value, hostilePush) },
        )
        .map(([provider, push]) => ({ ...push, provider })),
      notify: fc.oneof(fc.boolean(), value),
      more: value,
    },
    { requiredKeys: ["push"] },
  )
  .map(({ notify, ...rest }) => JSON.stringify({ ...rest, ...(typeof notify === "boolean" && { notify }) }));
const body = fc.oneof(
  registration,
  hours.map((one) => JSON.stringify(one)),
  fc.record({ until: number }).map((one) => JSON.stringify(one)),
  fc
    .dictionary(
      fc.constantFrom("id", "to", "conversation", "text", "device", "cursor", "seq", "users", "__proto__", "x"),
      value,
    )
    .map((one) => JSON.stringify(one)),
  fc.constantFrom(
    `{"id":"${id}","to":"bob","text":"hi"}`,
    `{"seq":1e400}`,
    `{"users":["bob","carol","bob"]}`,
    "[".repeat(60_000),
    "null",
    "",
    `"${"x".repeat(70_000)}"`,
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
);
const request = fc.record({
  base: fc.constantFrom("http://localhost", "http://localhost:1", ""),
  route,
  query: fc.array(parameter, { maxLength: 3 }),
  body,
  type: fc.constantFrom("application/json", "application/json", "text/plain", "application/json;x=\u00ff"),
});

const alice = { tenant: "fuzz", user: "alice" };
const statuses = [200, 201, 204, 400, 404, 405, 409, 413, 426];

/** For a host that accepts everything. */
const custom: PushProvider = {
  name: "custom",
  expects: "anything",
  parse: ({ token, expirationTime }) =>
    typeof token === "string"
      ? { token, ...(typeof expirationTime === "number" && { expiresAt: expirationTime }) }
      : null,
  send: async () => ({ type: "sent", answer: "ok" }),
};

/** There is no hub: a request that waits for changes is asked to come again. */
const refused = (socket: Socket): SocketEvents => {
  queueMicrotask(() => socket.close(1012, ""));
  return { receive() {}, drain() {}, pong() {}, closed() {} };
};

/**
 * Any request at the HTTP API of a real store: it is answered or refused by a code, and never a defect. An accepted
 * registration can be read again.
 */
export const apiTarget = (store: Store, wrap: (handler: Handler) => Handler = (handler) => handler): Target => {
  const policy = createPolicy({ store, clock: systemClock, answerMs: 1_000, report: () => {} });
  const providers = everyProvider(async () => new Response()).then((list) => [...list, custom]);
  const api = wrap(
    createApi({
      parts: async () => ({ store, policy, connect: refused, push: { providers: await providers } }),
      prove: async () => alice,
      ...{ isHostAllowed: () => true, origins: [], isDraining: () => false, clock: systemClock, random: systemRandom },
      limits: defaultLimits,
    }),
  );
  return createTarget({
    name: "api",
    inputs: request,
    async judge({ base, route: [method, path], query, body, type }): Promise<Verdict> {
      const url = `${base}${path}?${query.join("&")}`;
      const stream = new Blob([body]).stream();
      // As a runtime passes it: an address may be a bare path.
      const asked = { method, url, headers: new Headers({ host: "localhost", "content-type": type }), body: stream };
      const answer = await api(asked as unknown as Request);
      const text = await answer.text();
      if (!statuses.includes(answer.status)) return `answered ${answer.status} ${text}`;
      if (text !== "") JSON.parse(text);
      if (answer.status >= 400 && !/"code":"\w+"/.test(text) && method !== "HEAD")
        return `refused without a code: ${text}`;
      return answer.status === 204 && method === "PUT" ? await faultOfKept(path, body) : null;
    },
  });

  async function faultOfKept(path: string, body: string): Promise<Verdict> {
    if (path === "/quiet-hours") {
      const answer = await api(new Request("http://localhost/quiet-hours", { headers: { host: "localhost" } }));
      const kept: unknown = await answer.json();
      return Bun.deepEquals(kept, { quietHours: JSON.parse(body) }) ? null : `keeps ${JSON.stringify(kept)}`;
    }
    const [, device] = /^\/devices\/([^/?]+)$/.exec(path) ?? [];
    if (device === undefined) return null;
    const { push } = JSON.parse(body) as { readonly push?: { readonly provider: string } };
    if (push === undefined) return null;
    const kept = await store.push.undecided([alice]);
    const isKept = kept.some((one) => one.device === decodeURIComponent(device) && one.provider === push.provider);
    return isKept ? null : `does not keep ${device} of ${push.provider}`;
  }
};
