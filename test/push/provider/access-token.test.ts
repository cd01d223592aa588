import { beforeEach, expect, test } from "bun:test";
import { generateKeyPairSync } from "node:crypto";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { createAccessTokens } from "../../../src/push/provider/access-token.ts";
import type { Fetch } from "../../../src/push/provider/fetch.ts";

const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });
const account = {
  projectId: "p",
  email: "push@p.example",
  privateKey: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  keyId: "k1",
  tokenUri: "https://tokens.example/token",
};

let asked: { url: string; init: { method?: string; redirect?: string; body?: string } }[] = [];
let answer: () => Response | Promise<Response>;
let now = 0;
const fetch: Fetch = async (url, init) => {
  asked.push({ url, init: init as (typeof asked)[number]["init"] });
  return await answer();
};
const context = (signal = new AbortController().signal) => ({ now: () => now, signal });
const grant = (token: string, seconds = 3_600) => Response.json({ access_token: token, expires_in: seconds });

beforeEach(() => {
  asked = [];
  now = 1_780_000_000_000;
  let count = 0;
  answer = () => grant(`t${++count}`);
});

test("U14 the request has an assertion of the account for an hour", async () => {
  await createAccessTokens(account, fetch).get(context());
  const [{ url, init } = { url: "", init: {} }] = asked;
  const body = new URLSearchParams(init.body);
  const assertion = body.get("assertion") ?? "";
  expect([url, init.method, init.redirect]).toEqual(["https://tokens.example/token", "POST", "manual"]);
  expect(body.get("grant_type")).toBe("urn:ietf:params:oauth:grant-type:jwt-bearer");
  expect(decodeProtectedHeader(assertion)).toEqual({ alg: "RS256", typ: "JWT", kid: "k1" });
  const { iss, aud, iat, exp } = decodeJwt(assertion);
  expect([iss, aud, iat, exp]).toEqual([account.email, account.tokenUri, now / 1_000, now / 1_000 + 3_600]);
});

test("U14 a token is used until a minute before its end, and no longer once it was refused", async () => {
  const tokens = createAccessTokens(account, fetch);
  const get = () => tokens.get(context());
  expect([await get(), await get()]).toEqual([
    { type: "token", token: "t1" },
    { type: "token", token: "t1" },
  ]);
  now += 3_540_000 - 1;
  expect(await get()).toEqual({ type: "token", token: "t1" });
  now += 1;
  expect(await get()).toEqual({ type: "token", token: "t2" });
  tokens.drop("t1");
  expect(await get()).toEqual({ type: "token", token: "t2" });
  tokens.drop("t2");
  expect(await get()).toEqual({ type: "token", token: "t3" });
});

test("U14 all who wait share one request, which goes on for the others when its first caller gives up", async () => {
  const tokens = createAccessTokens(account, fetch);
  const first = new AbortController();
  answer = () =>
    new Promise((resolve, reject) => {
      answer = () => grant("t");
      first.signal.addEventListener("abort", () => reject(first.signal.reason as Error));
      void resolve;
    });
  const one = tokens.get(context(first.signal)).catch(() => "gave up");
  const other = tokens.get(context());
  while (asked.length === 0) await Bun.sleep(0);
  expect(asked.length).toBe(1);
  first.abort();
  expect(await Promise.all([one, other])).toEqual(["gave up", { type: "token", token: "t" }]);
  expect(asked.length).toBe(2);
});

test("U14 U12 a refusal is tried again, also where it is the account's fault; a redirect never is", async () => {
  const get = async (response: Response) => {
    answer = () => response;
    return await createAccessTokens(account, fetch).get(context());
  };
  expect(
    await get(Response.json({ error: "invalid_grant" }, { status: 400, headers: { "Retry-After": "7" } })),
  ).toEqual({
    type: "retry",
    answer: "No access token: 400 invalid_grant",
    afterMs: 7_000,
  });
  expect(await get(new Response("", { status: 503 }))).toMatchObject({ type: "retry", answer: "No access token: 503" });
  // No form of a token, and nothing of the answer is shown.
  for (const body of [{}, { access_token: "a b", expires_in: 9 }, { access_token: "t", expires_in: 0 }])
    expect(await get(Response.json(body))).toMatchObject({ type: "retry", answer: "No access token: 200" });
  expect(await get(new Response(null, { status: 302 }))).toMatchObject({ type: "failed" });
});

test("U14 a key that is none is refused as a fault of the configuration, at each call", async () => {
  const tokens = createAccessTokens(
    { ...account, privateKey: "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----" },
    fetch,
  );
  for (let i = 0; i < 2; i++) {
    const error: unknown = await tokens.get(context()).catch((fault: unknown) => fault);
    expect(error).toMatchObject({ code: "config_invalid" });
  }
  expect(asked).toEqual([]);
});
