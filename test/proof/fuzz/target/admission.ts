import fc from "fast-check";
import { ChatError } from "../../../../src/error.ts";
import { createAdmit } from "../../../../src/access/admit.ts";
import { createProve } from "../../../../src/access/prove.ts";
import type { Authenticate } from "../../../../src/access/authenticate.ts";
import { demo } from "../../../../src/access/demo.ts";
import { jwt } from "../../../../src/access/jwt.ts";
import { isOriginAllowed, parseOrigins } from "../../../../src/access/origin.ts";
import { createTarget, type Target, type Verdict } from "../target.ts";

const latin = fc.string({
  unit: fc.integer({ min: 0x20, max: 0xff }).map((code) => String.fromCharCode(code)),
  maxLength: 20,
});
const any = fc.string({ unit: "binary", maxLength: 20 });
const host = fc.constantFrom(
  "localhost",
  "127.0.0.1:6662",
  "[::1]:1",
  "evil.example",
  "localhost.evil.example",
  "",
  "a b",
  "LOCALHOST",
);
const parameter = fc
  .tuple(
    fc.constantFrom("user", "device", "cursor", "tenant", "ticket", "us%65r", "%", "__proto__"),
    fc.oneof(
      any,
      any.map((text) => encodeURIComponent(text.toWellFormed())),
      fc.constantFrom("alice", "d1", "abcdefgh.1", "%00", "%zz", "+1", ""),
    ),
  )
  .map((pair) => pair.join("="));
const path = fc.oneof(any, fc.constantFrom("/ws", "/ws/", "//ws", "/WS", "/a/../ws", "*", "", "/%2e%2e/ws"));
const url = fc
  .tuple(
    fc.constantFrom("http://localhost", "https://localhost", "", "ws://", "http://[", "javascript:"),
    path,
    fc.array(parameter, { maxLength: 4 }),
  )
  .map(([base, where, parameters]) => `${base}${where}?${parameters.join("&")}`);
const origin = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("http://", "https://", "HTTP://", "null", "", "http:", "https://u@"),
      host,
      fc.constantFrom("", ":443", ":80", "/", "."),
    )
    .map((parts) => parts.join("")),
  latin,
);
const headerNames = [
  "upgrade",
  "connection",
  "host",
  "origin",
  "sec-websocket-protocol",
  "cookie",
  "authorization",
  "x-user",
];
const headers = fc.dictionary(
  fc.constantFrom(...headerNames),
  fc.oneof(
    fc.constantFrom("websocket", "WebSocket, h2c", "tidings.v1", "bearer.x, tidings.v1", ",,", ""),
    host,
    origin,
    latin,
  ),
  { maxKeys: 6 },
);
const method = fc.constantFrom("GET", "GET", "GET", "POST", "get", "BREW", "");

/** A request as a runtime may pass it: its URL may be invalid (HTTP/1.0). */
const requestOf = (from: { url: string; method: string; headers: Readonly<Record<string, string>> }): Request =>
  ({ ...from, headers: new Headers(from.headers) }) as unknown as Request;

const statuses = [400, 401, 403, 426, 429, 500, 503];

async function problemVerdict(answer: Response): Promise<Verdict> {
  if (!statuses.includes(answer.status)) return `answered ${answer.status}`;
  if (answer.headers.get("content-type") !== "application/problem+json") return "answered no problem+json";
  const body: unknown = await answer.json();
  return typeof body === "object" && body !== null && "code" in body ? null : "answered no code";
}

/** The socket's admission: for any request, a refusal or a well-formed admission. */
export function admissionTarget(
  admit = createAdmit({ authenticate: demo(), origins: ["https://app.example"], now: () => 0 }),
): Target {
  return createTarget({
    name: "admission",
    inputs: fc.record({
      url,
      method,
      headers: fc
        .tuple(headers, fc.boolean())
        .map(([some, isUpgrade]) => (isUpgrade ? { ...some, upgrade: "websocket", host: "localhost" } : some)),
    }),
    async judge(input) {
      const answer = await admit(requestOf(input));
      if (answer instanceof Response) return await problemVerdict(answer);
      const ids = [answer.device, answer.session.user, answer.session.tenant];
      if (!ids.every((id) => /^(?!\.{1,2}$)[A-Za-z0-9+\-_.@:~|]{1,128}$/.test(id))) return `admitted ${ids.join(" ")}`;
      const chosen = answer.headers["Sec-WebSocket-Protocol"] ?? "";
      return ["", "tidings.v1"].includes(chosen) ? null : `chose the subprotocol ${chosen}`;
    },
  });
}

/** Origins: only the exact own one and the listed ones pass, and a list is accepted or refused as a whole. */
export const originTarget = (isAllowedBy: typeof isOriginAllowed = isOriginAllowed): Target =>
  createTarget({
    name: "origin",
    inputs: fc.record({ origin, host, url }),
    judge({ origin: from, host: own, url: address }) {
      const isAllowed = isAllowedBy(from, { url: address, host: own, allowed: ["https://app.example"] });
      const bare = own.toLowerCase().replace(/:(80|443)$/, "");
      const isOwn = ["http", "https"].some((scheme) =>
        [own.toLowerCase(), bare].some((name) => from === `${scheme}://${name}`),
      );
      if (isAllowed && !isOwn && from !== "https://app.example") return "let a foreign origin pass";
      try {
        parseOrigins([from]);
        return null;
      } catch (error) {
        return error instanceof ChatError && error.code === "config_invalid" ? null : `threw ${String(error)}`;
      }
    },
  });

const secret = "a secret of at least thirty-two bytes";
const encoded = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");
const claims = { sub: "alice", tenant: "acme", exp: 1_800_000_000 };

function signed(header: object, payload: object, key = secret): string {
  const content = `${encoded(header)}.${encoded(payload)}`;
  return `${content}.${new Bun.CryptoHasher("sha256", key).update(content).digest("base64url")}`;
}

const anyJson = fc.jsonValue({ maxDepth: 1 });
const token = fc.oneof(
  fc
    .tuple(
      fc.constantFrom("none", "HS256", "hs256", "RS256", "HS512", ""),
      fc.dictionary(fc.constantFrom("kid", "typ", "crit", "b64", "jwk"), anyJson, { maxKeys: 2 }),
    )
    .map(([alg, more]) => signed({ alg, ...more }, claims, "another secret of thirty-two bytes!!")),
  fc
    .dictionary(fc.constantFrom("sub", "tenant", "exp", "nbf", "aud", "iss", "iat"), anyJson, { maxKeys: 3 })
    .map((more) => signed({ alg: "HS256" }, { ...claims, ...more })),
  fc.tuple(fc.nat(), latin).map(([i, put]) => {
    const good = signed({ alg: "HS256" }, claims);
    return good.slice(0, i % good.length) + put + good.slice((i % good.length) + 1);
  }),
  latin,
  fc.constantFrom("..", "a.b.c", "e30.e30.e30", "A".repeat(9_000)),
);

/** Tokens: a proof of the signed claims, or 401; never a rejection, which would be answered 503. */
export function tokenTarget(authenticate: Authenticate = jwt({ secret, now: () => 1_780_000_000_000 })): Target {
  const prove = createProve({
    authenticate,
    now: () => 1_780_000_000_000,
  });
  return createTarget({
    name: "token",
    inputs: fc.tuple(fc.constantFrom("Bearer ", "bearer ", "Basic ", ""), token).map((parts) => parts.join("")),
    async judge(authorization) {
      const session = await prove(requestOf({ url: "http://h/ws", method: "GET", headers: { authorization } }));
      if (session instanceof Response) return session.status === 401 ? null : `answered ${session.status}`;
      const content = authorization.slice(7, authorization.lastIndexOf("."));
      const signature = authorization.split(".").at(-1);
      const wanted = new Bun.CryptoHasher("sha256", secret).update(content).digest();
      return Buffer.from(signature ?? "", "base64url").equals(wanted) ? null : `believed ${session.user}`;
    },
  });
}
