import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { resetSync } from "@logtape/logtape";
import { base64url, exportJWK, exportSPKI, generateKeyPair, SignJWT, type JWK, type JWTPayload } from "jose";
import { ChatError } from "../../src/error.ts";
import { jwt, type JwtOptions } from "../../src/access/jwt.ts";
import { configureLog } from "../../src/standalone/log.ts";
import { type FakeClock, fakeClock, passes } from "../support/fake-clock.ts";

const secret = "0123456789abcdef0123456789abcdef";
const nowMs = 1_780_000_000_500;
const nowSeconds = Math.floor(nowMs / 1000);
const now = () => nowMs;
const claims: JWTPayload = { sub: "alice", exp: nowSeconds + 600 };

type Key = CryptoKey | Uint8Array;
const bytes = (text: string) => new TextEncoder().encode(text);
const sign = (payload: JWTPayload, header: Record<string, unknown> = {}, key: Key = bytes(secret)) =>
  new SignJWT(payload).setProtectedHeader({ alg: "HS256", ...header }).sign(key);

/** A token of our own making, for what jose would not write. */
const forge = (header: unknown, payload: unknown, signature = "") =>
  [JSON.stringify(header), JSON.stringify(payload)].map((part) => base64url.encode(part)).join(".") + `.${signature}`;

const request = (headers: Record<string, string>, url = "http://localhost/ws") => new Request(url, { headers });
const ask = async (token: string, options: JwtOptions = { secret, now }) =>
  jwt(options)(request({ authorization: `Bearer ${token}` }));

/** The error that a promise rejects with; undefined where it does not. */
const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe("with a secret", () => {
  const good: [string, JWTPayload, Record<string, unknown>, JwtOptions, object][] = [
    ["a plain token", claims, {}, { secret, now }, { user: "alice", tenant: "default" }],
    ["a tenant", { ...claims, tenant: "acme" }, {}, { secret, now }, { user: "alice", tenant: "acme" }],
    ["typ JWT", claims, { typ: "JWT" }, { secret, now }, { user: "alice", tenant: "default" }],
    ["typ at+jwt", claims, { typ: "at+JWT" }, { secret, now }, { user: "alice", tenant: "default" }],
    [
      "the right iss and aud",
      { ...claims, iss: "i", aud: ["x", "chat"] },
      {},
      { secret, now, issuer: "i", audience: "chat" },
      { user: "alice", tenant: "default" },
    ],
    [
      "a phone number",
      { ...claims, sub: "+249912345678" },
      {},
      { secret, now },
      { user: "+249912345678", tenant: "default" },
    ],
    [
      "other claims",
      { ...claims, email: "a@b.example", "https://app.example/org": "acme", tenant: 7 },
      {},
      { secret, now, userClaim: "email", tenantClaim: "https://app.example/org" },
      { user: "a@b.example", tenant: "acme" },
    ],
    [
      "another claim than sub, without one",
      { exp: nowSeconds + 600, uid: "alice" },
      {},
      { secret, now, userClaim: "uid" },
      { user: "alice", tenant: "default" },
    ],
    [
      "a sub of Auth0",
      { ...claims, sub: "auth0|5f7c" },
      {},
      { secret, now },
      { user: "auth0|5f7c", tenant: "default" },
    ],
    ["a secret of bytes", claims, {}, { secret: bytes(secret), now }, { user: "alice", tenant: "default" }],
  ];
  for (const [name, payload, header, options, proof] of good) {
    test(`A23 jwt takes ${name}`, async () => {
      expect(await ask(await sign(payload, header), options)).toEqual({
        ...proof,
        expiresAt: (nowSeconds + 600) * 1000,
      } as never);
    });
  }

  test("A24 jwt takes nbf within the clock tolerance, and the system's clock by default", async () => {
    expect(await ask(await sign({ ...claims, nbf: nowSeconds + 5 }))).not.toBeNull();
    expect(await ask(await sign({ ...claims, nbf: nowSeconds + 6 }))).toBeNull();
    expect(
      await ask(await sign({ ...claims, nbf: nowSeconds + 1 }), { secret, now, clockToleranceSeconds: 0 }),
    ).toBeNull();
    const exp = Math.floor(Date.now() / 1000) + 60;
    expect(await ask(await sign({ sub: "alice", exp }), { secret })).toMatchObject({ expiresAt: exp * 1000 });
    expect(await ask(await sign({ sub: "alice", exp: exp - 120 }), { secret })).toBeNull();
  });

  test("A24 jwt never moves exp", async () => {
    expect(await ask(await sign({ ...claims, exp: nowSeconds - 2 }))).toMatchObject({
      expiresAt: (nowSeconds - 2) * 1000,
    });
    expect(await ask(await sign({ ...claims, exp: nowSeconds + 0.25 }))).toMatchObject({
      expiresAt: nowSeconds * 1000 + 250,
    });
  });

  const without = (name: string) => Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
  const wrongClaims: [string, string, Record<string, unknown>, JwtOptions?][] = [
    ["A24", "an expired token", { ...claims, exp: nowSeconds - 10 }],
    ["A24", "a token without exp", without("exp")],
    ["A24", "an exp of text", { ...claims, exp: "never" }],
    ["A24", "an exp beyond time", { ...claims, exp: 1e300 }],
    ["A24", "a future nbf", { ...claims, nbf: nowSeconds + 60 }],
    ["A24", "an nbf of text", { ...claims, nbf: "now" }],
    ["A23", "a token without sub", without("sub")],
    ["A23", "an empty sub", { ...claims, sub: "" }],
    ["A23", "a sub with NUL", { ...claims, sub: "alice\0" }],
    ["A23", "a sub of letters beyond ASCII", { ...claims, sub: "аlice" }],
    ["A23", "a sub too long", { ...claims, sub: "a".repeat(129) }],
    ["A23", "a sub that is a number", { ...claims, sub: 7 }],
    ["A23", "a sub that is a list", { ...claims, sub: ["alice"] }],
    ["A53", "a sub that the path of a URL cannot carry", { ...claims, sub: ".." }],
    ["A23", "a malformed tenant", { ...claims, tenant: "acme/../other" }],
    ["A23", "a tenant that is null", { ...claims, tenant: null }],
    ["A23", "a tenant that is an object", { ...claims, tenant: { a: 1 } }],
    ["A23", "no claim of the user", claims, { secret, now, userClaim: "email" }],
    ["A23", "a claim that every object has", claims, { secret, now, userClaim: "constructor" }],
    ["A23", "a malformed claim of the tenant", { ...claims, org: null }, { secret, now, tenantClaim: "org" }],
    ["A25", "the wrong iss", { ...claims, iss: "j" }, { secret, now, issuer: "i" }],
    ["A25", "no iss where one is expected", claims, { secret, now, issuer: "i" }],
    ["A25", "the wrong aud", { ...claims, aud: "shop" }, { secret, now, audience: "chat" }],
    ["A25", "no aud where one is expected", claims, { secret, now, audience: "chat" }],
    ["A25", "an aud where none is configured", { ...claims, aud: "chat" }],
  ];
  for (const [rule, name, payload, options] of wrongClaims) {
    test(`${rule} (A23, A24 or A25) jwt refuses ${name}`, async () => {
      const signed = await signRaw({ alg: "HS256" }, payload);
      expect(await ask(signed, options)).toBeNull();
    });
  }

  /** HS256 over any value, for claims of types that jose would not sign. */
  async function signRaw(header: object, payload: object, withSecret = secret, hash = "SHA-256"): Promise<string> {
    const text = forge(header, payload).slice(0, -1);
    const key = await crypto.subtle.importKey("raw", bytes(withSecret), { name: "HMAC", hash }, false, ["sign"]);
    return `${text}.${base64url.encode(new Uint8Array(await crypto.subtle.sign("HMAC", key, bytes(text))))}`;
  }

  test("A54 the log says how the issuer's name for a user breaks the rule, and nothing else of it", async () => {
    const lines: string[] = [];
    configureLog({ write: (line) => void lines.push(line) });
    expect(await ask(await sign({ ...claims, sub: "s3cr3t sub" }))).toBeNull();
    expect(await ask(await sign({ ...claims, tenant: ".." }))).toBeNull();
    // A stranger's made-up token is no news.
    expect(await ask(forge({ alg: "HS256" }, { ...claims, sub: "a b" }))).toBeNull();
    resetSync();
    const events = lines.map((line) => JSON.parse(line) as { claim: string; reason: string; level: string });
    expect(events.map(({ level, claim, reason }) => `${level} ${claim}: ${reason}`)).toEqual([
      "warning sub: character 7 is U+0020, which no id has",
      'warning tenant: "." and ".." are no ids',
    ]);
    expect(lines.join()).not.toContain("s3cr3t");
  });

  test("A20 jwt refuses none, other HMACs and asymmetric algorithms with a secret", async () => {
    for (const alg of [
      "none",
      "None",
      "NONE",
      "",
      "HS1",
      "hs256",
      null,
      5,
      undefined,
      ["HS256"],
      "RS256",
      "ES256",
      "dir",
    ]) {
      expect(await ask(forge({ alg }, claims))).toBeNull();
      expect(await ask(await signRaw({ alg }, claims))).toBeNull();
    }
    for (const hash of ["SHA-384", "SHA-512"]) {
      expect(await ask(await signRaw({ alg: hash.replace("SHA-", "HS") }, claims, secret, hash))).toBeNull();
    }
  });

  test("A20 jwt refuses a token of another secret, and one that brings its own key", async () => {
    const other = "f".repeat(32);
    expect(await ask(await sign(claims, {}, bytes(other)))).toBeNull();
    expect(await ask(await sign(claims, { jwk: { kty: "oct", k: base64url.encode(other) } }, bytes(other)))).toBeNull();
    expect(await ask(await sign(claims, { jku: "https://evil.example/jwks.json" }, bytes(other)))).toBeNull();
    const { privateKey } = await generateKeyPair("RS256");
    expect(await ask(await sign(claims, { alg: "RS256" }, privateKey))).toBeNull();
  });

  test("A23 jwt refuses tokens of other types and with critical extensions", async () => {
    for (const typ of ["logout+jwt", "dpop+jwt", "secevent+jwt", "", 1, null]) {
      expect(await ask(await signRaw({ alg: "HS256", typ }, claims))).toBeNull();
    }
    expect(await ask(await signRaw({ alg: "HS256", crit: ["x"], x: 1 }, claims))).toBeNull();
    expect(await ask(await signRaw({ alg: "HS256", crit: ["b64"], b64: false }, claims))).toBeNull();
  });

  test("A26 no cut, turned or random token makes jwt reject", async () => {
    const token = await sign(claims);
    for (let end = 0; end < token.length; end++) expect(await ask(token.slice(0, end))).toBeNull();
    const tampered = fc
      .tuple(fc.nat(token.length - 2), fc.constantFrom(..."AQgw_-.9".split("")))
      .filter(([at, char]) => token[at] !== char);
    await fc.assert(
      fc.asyncProperty(tampered, async ([at, char]) => {
        expect(await ask(token.slice(0, at) + char + token.slice(at + 1))).toBeNull();
      }),
    );
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.json(), fc.base64String(), async (header, payload, signature) => {
        const parts = [header, payload].map((part) => base64url.encode(part));
        expect(await ask([...parts, signature].join("."))).toBeNull();
      }),
    );
  });
});

describe("where the token is", () => {
  const authorization: [string, (token: string) => string, boolean][] = [
    ["Bearer", (token) => `Bearer ${token}`, true],
    ["bearer", (token) => `bearer ${token}`, true],
    ["BEARER", (token) => `BEARER  ${token}`, true],
    ["Basic", (token) => `Basic ${token}`, false],
    ["Token", (token) => `Token ${token}`, false],
    ["DPoP", (token) => `DPoP ${token}`, false],
    ["NotBearer", (token) => `NotBearer ${token}`, false],
    ["Bearer without space", (token) => `Bearer${token}`, false],
    ["Bearer:", (token) => `Bearer: ${token}`, false],
    ["the token alone", (token) => token, false],
    ["two tokens", (token) => `Bearer ${token} ${token}`, false],
    ["two headers", (token) => `Bearer ${token}, Bearer ${token}`, false],
    ["Bearer alone", () => "Bearer", false],
  ];
  for (const [name, write, isGood] of authorization) {
    test(`A22 Authorization with ${name} ${isGood ? "counts" : "does not count"}`, async () => {
      const proof = await jwt({ secret, now })(request({ authorization: write(await sign(claims)) }));
      expect(proof !== null).toBe(isGood);
    });
  }

  const cookies: [string, (token: string) => Record<string, string>, boolean][] = [
    ["the named cookie", (token) => ({ cookie: `a=b; session=${token}; c=d` }), true],
    ["another cookie", (token) => ({ cookie: `token=${token}` }), false],
    ["a cookie whose name ends alike", (token) => ({ cookie: `xsession=${token}` }), false],
    ["a cookie of another case", (token) => ({ cookie: `Session=${token}` }), false],
    ["the last of two cookies of the name", (token) => ({ cookie: `session=x; session=${token}` }), false],
    ["the first of two cookies of the name", (token) => ({ cookie: `session=${token}; session=x` }), false],
    [
      "a cookie beside a wrong Authorization",
      (token) => ({ cookie: `session=${token}`, authorization: "Basic eA==" }),
      false,
    ],
    ["no cookie", () => ({}), false],
  ];
  for (const [name, headers, isGood] of cookies) {
    test(`A22 ${name} ${isGood ? "counts" : "does not count"}`, async () => {
      const proof = await jwt({ secret, now, cookie: "session" })(request(headers(await sign(claims))));
      expect(proof !== null).toBe(isGood);
    });
  }

  test("A22 a token longer than 8192 characters does not count", async () => {
    const long = (chars: number) => sign({ ...claims, x: "x".repeat(chars) });
    expect(await ask(await long(5_000))).not.toBeNull();
    expect(await ask(await long(7_000))).toBeNull();
  });

  test("A22 a cookie does not count unless it is named", async () => {
    expect(await jwt({ secret, now })(request({ cookie: `session=${await sign(claims)}` }))).toBeNull();
  });

  test("A22 a token in the query or among the subprotocols does not count", async () => {
    const token = await sign(claims);
    for (const name of ["token", "access_token", "jwt", "authorization", "session", "ticket"]) {
      expect(
        await jwt({ secret, now, cookie: "session" })(request({}, `http://localhost/ws?${name}=${token}`)),
      ).toBeNull();
    }
    expect(await jwt({ secret, now })(request({ "sec-websocket-protocol": `tidings.v1, bearer.${token}` }))).toBeNull();
  });
});

describe("options", () => {
  const wrong: [string, JwtOptions][] = [
    ["no key", {}],
    ["two keys", { secret, jwksUrl: "https://id.example/jwks" }],
    ["a short secret", { secret: "canary".repeat(5) }],
    ["31 bytes", { secret: new Uint8Array(31) }],
    ["an empty secret", { secret: "" }],
    ["an http address", { jwksUrl: "http://id.example/canary" }],
    ["a host that looks like loopback", { jwksUrl: "http://localhost.evil.com/canary" }],
    ["no address", { jwksUrl: "canary" }],
    ["a file", { jwksUrl: "file:///canary" }],
    ["too much tolerance", { secret, clockToleranceSeconds: 6 }],
    ["negative tolerance", { secret, clockToleranceSeconds: -1 }],
    ["NaN tolerance", { secret, clockToleranceSeconds: NaN }],
    ["a malformed cookie name", { secret, cookie: "a=b" }],
    ["a claim that names nobody", { secret, userClaim: "exp" }],
    ["an empty claim", { secret, tenantClaim: "" }],
    ["one claim for both", { secret, tenantClaim: "sub" }],
  ];
  for (const [name, options] of wrong) {
    test(`A27 jwt refuses ${name}`, () => {
      let thrown: unknown;
      try {
        jwt(options);
      } catch (error) {
        thrown = error;
      }
      expect(thrown).toBeInstanceOf(ChatError);
      expect(thrown).toMatchObject({ code: "config_invalid" });
      expect(String(thrown)).not.toContain("canary");
      expect(String(thrown)).not.toContain(secret);
    });
  }

  test("A27 jwt takes 32 bytes that are fewer characters", () => {
    expect(() => jwt({ secret: "é".repeat(16) })).not.toThrow();
  });
});

describe("with a JWKS", () => {
  const algs = ["RS256", "PS256", "ES256", "EdDSA"] as const;
  const pairs = new Map<string, CryptoKeyPair>();
  const keys: JWK[] = [];
  let answer: () => Response | Promise<Response> = () => Response.json({ keys });
  let server: ReturnType<typeof Bun.serve>;
  let options: JwtOptions;
  let fetches = 0;

  beforeAll(async () => {
    for (const alg of algs) pairs.set(alg, await generateKeyPair(alg, { extractable: true }));
    for (const alg of algs)
      keys.push({ ...(await exportJWK(pair(alg).publicKey)), kid: `kid-${alg}`, alg, use: "sig" });
    server = Bun.serve({
      port: 0,
      hostname: "127.0.0.1",
      fetch: () => {
        fetches++;
        return answer();
      },
    });
    options = { jwksUrl: `http://127.0.0.1:${server.port}/jwks`, now };
  });
  afterAll(() => server.stop(true));

  function pair(alg: string): CryptoKeyPair {
    const found = pairs.get(alg);
    if (found === undefined) throw new Error(`No key pair for ${alg}`);
    return found;
  }
  const privateKey = (alg: string) => pair(alg).privateKey;

  for (const alg of algs) {
    test(`A20 jwt takes ${alg}, and the keys are fetched once`, async () => {
      const before = fetches;
      const authenticate = jwt(options);
      const token = await sign({ ...claims, tenant: "acme" }, { alg, kid: `kid-${alg}` }, privateKey(alg));
      for (let i = 0; i < 3; i++) {
        const proof = await authenticate(request({ authorization: `Bearer ${token}` }));
        expect(proof).toEqual({ user: "alice", tenant: "acme", expiresAt: (nowSeconds + 600) * 1000 });
      }
      expect(fetches - before).toBe(1);
    });
  }

  test("A21 jwt refuses swapped, unknown and foreign kids", async () => {
    for (const alg of algs) {
      for (const other of algs.filter((each) => each !== alg)) {
        expect(await ask(await sign(claims, { alg, kid: `kid-${other}` }, privateKey(alg)), options)).toBeNull();
      }
      expect(await ask(await sign(claims, { alg, kid: "unknown" }, privateKey(alg)), options)).toBeNull();
      const { privateKey: foreign } = await generateKeyPair(alg);
      expect(await ask(await sign(claims, { alg, kid: `kid-${alg}` }, foreign), options)).toBeNull();
    }
  });

  test("A21 jwt refuses a token without kid while there are several keys", async () => {
    for (const alg of algs) expect(await ask(await sign(claims, { alg }, privateKey(alg)), options)).toBeNull();
  });

  test("A21 jwt takes a token without kid where there is one key", async () => {
    answer = () => Response.json({ keys: keys.slice(0, 1) });
    expect(await ask(await sign(claims, { alg: "RS256" }, privateKey("RS256")), options)).not.toBeNull();
    answer = () => Response.json({ keys });
  });

  test("A21 jwt refuses a kid that two keys share", async () => {
    answer = () => Response.json({ keys: [keys[0], keys[0]] });
    const token = await sign(claims, { alg: "RS256", kid: "kid-RS256" }, privateKey("RS256"));
    expect(await ask(token, options)).toBeNull();
    answer = () => Response.json({ keys });
  });

  test("A20 jwt refuses HS256 with the public key as its secret", async () => {
    const publicKey = pair("RS256").publicKey;
    const jwk = keys[0] ?? {};
    for (const key of [
      await exportSPKI(publicKey),
      JSON.stringify(jwk),
      jwk.n ?? "",
      (await exportSPKI(publicKey)).trim(),
    ]) {
      for (const kid of ["kid-RS256", undefined]) {
        const header = kid === undefined ? {} : { kid };
        expect(await ask(await sign(claims, { alg: "HS256", ...header }, bytes(key)), options)).toBeNull();
      }
    }
  });

  test("A20 jwt refuses HS256 even where the JWKS publishes the secret", async () => {
    answer = () => Response.json({ keys: [{ kty: "oct", k: base64url.encode(secret), kid: "s", alg: "HS256" }] });
    expect(await ask(await sign(claims, { kid: "s" }), options)).toBeNull();
    answer = () => Response.json({ keys });
  });

  test("A20 jwt refuses none and algorithms that are not pinned", async () => {
    for (const alg of ["none", "RS384", "RS512", "PS512", "ES384", "HS512", "RSA-OAEP"]) {
      expect(await ask(forge({ alg, kid: "kid-RS256" }, claims, "AAAA"), options)).toBeNull();
    }
    const { privateKey: key } = await generateKeyPair("RS512");
    expect(await ask(await sign(claims, { alg: "RS512", kid: "kid-RS256" }, key), options)).toBeNull();
  });

  test("A20 jwt refuses the key in the token's header", async () => {
    const { privateKey: key, publicKey } = await generateKeyPair("ES256", { extractable: true });
    const header = { alg: "ES256", kid: "kid-ES256", jwk: await exportJWK(publicKey) };
    expect(await ask(await sign(claims, header, key), options)).toBeNull();
  });

  test("A24 jwt refuses an expired token of a good key", async () => {
    const token = await sign(
      { ...claims, exp: nowSeconds - 60 },
      { alg: "ES256", kid: "kid-ES256" },
      privateKey("ES256"),
    );
    expect(await ask(token, options)).toBeNull();
  });

  const broken: [string, () => Response | Promise<Response>][] = [
    ["answers 500", () => new Response("no", { status: 500 })],
    ["answers a redirect", () => Response.redirect("http://127.0.0.1:1/", 302)],
    ["answers HTML", () => new Response("<html>", { headers: { "content-type": "text/html" } })],
    ["answers other JSON", () => Response.json({ hello: 1 })],
  ];
  for (const [name, respond] of broken) {
    test(`A26 jwt rejects with unavailable when the key server ${name}`, async () => {
      answer = respond;
      const token = await sign(claims, { alg: "ES256", kid: "kid-ES256" }, privateKey("ES256"));
      const clock = fakeClock();
      const authenticate = jwt({ ...options, clock });
      const asked = async () => authenticate(request({ authorization: `Bearer ${token}` }));
      expect(await failureOf(asked())).toMatchObject({
        name: "ChatError",
        code: "unavailable",
        cause: expect.anything(),
      });
      answer = () => Response.json({ keys });
      await clock.advance(1_000);
      expect(await asked()).not.toBeNull();
    });
  }

  test("A26 jwt rejects with unavailable when no server listens", async () => {
    const gone = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response() });
    const jwksUrl = `http://127.0.0.1:${gone.port}/jwks`;
    await gone.stop(true);
    const token = await sign(claims, { alg: "ES256", kid: "kid-ES256" }, privateKey("ES256"));
    expect(await failureOf(ask(token, { jwksUrl, now }))).toMatchObject({ code: "unavailable" });
    expect(await ask("garbage", { jwksUrl, now })).toBeNull();
  });

  test("A26 no random token makes jwt reject while the keys are there", async () => {
    const authenticate = jwt(options);
    const header = fc.record({
      alg: fc.constantFrom(...algs, "HS256", "none"),
      kid: fc.constantFrom(...algs.map((alg) => `kid-${alg}`), "x"),
    });
    await fc.assert(
      fc.asyncProperty(header, fc.json(), fc.uint8Array(), async (head, payload, signature) => {
        const token = `${base64url.encode(JSON.stringify(head))}.${base64url.encode(payload)}.${base64url.encode(signature)}`;
        const answered = await Promise.resolve(authenticate(request({ authorization: `Bearer ${token}` }))).catch(
          (error: unknown) => error,
        );
        // A key that is not known may be a new one.
        if (head.kid === "x" && answered !== null) expect(answered).toMatchObject({ code: "unavailable" });
        else expect(answered).toBeNull();
      }),
      { numRuns: 300 },
    );
  });

  describe("over time", () => {
    /** A clock that a test moves. At each step a real network has 2 ms to work. */
    const startClock = (): FakeClock => fakeClock(undefined, () => Bun.sleep(2));
    const token = (kid = "kid-ES256") => sign(claims, { alg: "ES256", kid }, privateKey("ES256"));
    const away = () => new Response("away", { status: 500 });
    /** "good", "refused", or the code with which it rejects. */
    function start(clock: FakeClock) {
      const authenticate = jwt({ ...options, clock });
      return async (text: string): Promise<string> => {
        try {
          return (await authenticate(request({ authorization: `Bearer ${text}` }))) === null ? "refused" : "good";
        } catch (error) {
          return error instanceof ChatError ? error.code : String(error);
        }
      };
    }
    afterEach(() => void (answer = () => Response.json({ keys })));

    test("A34 the keys of an issuer that is away are good for an hour, and it is not asked once a request", async () => {
      const clock = startClock();
      const asked = start(clock);
      const good = await token();
      expect(await asked(good)).toBe("good");
      answer = away;
      const before = fetches;
      for (let s = 0; s < 3_570; s += 30) {
        expect(await asked(good)).toBe("good");
        await clock.advance(30_000);
      }
      // In 50 minutes at most one for each of the looks, which are as far apart as the longest wait.
      expect(fetches - before).toBeWithin(2, 110);
      await clock.advance(30_000);
      expect(await asked(good)).toBe("unavailable");
      answer = () => Response.json({ keys });
      await clock.advance(30_000);
      expect(await asked(good)).toBe("good");
    });

    test("A34 an issuer that is away at the start is asked with backoff, and once for all who wait", async () => {
      const clock = startClock();
      const asked = start(clock);
      const good = await token();
      answer = away;
      const before = fetches;
      expect(new Set(await Promise.all(Array.from({ length: 50 }, () => asked(good))))).toEqual(
        new Set(["unavailable"]),
      );
      expect(await asked(good)).toBe("unavailable");
      expect(fetches - before).toBe(1);
    });

    test("A34 an issuer that never answers delays one fetch in a while, and after it no token with a known key", async () => {
      const clock = startClock();
      const asked = start(clock);
      const good = await token();
      expect(await asked(good)).toBe("good");
      await clock.advance(600_000);
      answer = () => new Promise<Response>(() => {});
      // One deadline, not two: keys are verified on threads, and a busy machine moves the clock further meanwhile.
      expect(await passes(clock, asked(good), 100)).toBeWithin(4_900, 9_900);
      await clock.advance(30_000);
      for (let i = 0; i < 5; i++) expect(await asked(good)).toBe("good");
    });

    test("A34 a key that the issuer has withdrawn is good for ten minutes at most while it answers", async () => {
      const clock = startClock();
      const asked = start(clock);
      const good = await token();
      expect(await asked(good)).toBe("good");
      answer = () => Response.json({ keys: keys.filter(({ alg }) => alg !== "ES256") });
      await clock.advance(600_000);
      expect(await asked(good)).toBe("refused");
    });

    test("A35 a new key is good with its first token, or is answered later, but never refused", async () => {
      const clock = startClock();
      const asked = start(clock);
      const rotated = async (kid: string) => {
        answer = () => Response.json({ keys: [...keys, { ...keys.find(({ alg }) => alg === "ES256"), kid }] });
        return await token(kid);
      };
      expect(await asked(await token())).toBe("good");
      await clock.advance(5_000);
      const before = fetches;
      const first = await rotated("first");
      expect(await Promise.all([asked(first), asked(first), asked(first)])).toEqual(["good", "good", "good"]);
      expect(fetches - before).toBe(1);
      const second = await rotated("second");
      expect(await asked(second)).toBe("unavailable");
      await clock.advance(5_000);
      expect(await asked(second)).toBe("good");
    });

    test("A35 a new key without a name, or under the name of the old one, is good with its first token", async () => {
      const { publicKey, privateKey: newKey } = await generateKeyPair("ES256");
      const old = keys.find(({ alg }) => alg === "ES256");
      const jwk = { ...(await exportJWK(publicKey)), alg: "ES256", kid: "kid-ES256" };
      for (const header of [{ alg: "ES256" }, { alg: "ES256", kid: "kid-ES256" }]) {
        const clock = startClock();
        const asked = start(clock);
        answer = () => Response.json({ keys: [old] });
        expect(await asked(await sign(claims, header, privateKey("ES256")))).toBe("good");
        await clock.advance(5_000);
        answer = () => Response.json({ keys: [jwk] });
        const before = fetches;
        const rotated = await sign(claims, header, newKey);
        expect(await Promise.all([asked(rotated), asked(rotated)])).toEqual(["good", "good"]);
        // A forged one costs one fetch in five seconds at most.
        const forged = await sign(claims, header, privateKey("ES256"));
        for (let i = 0; i < 5; i++) expect(await asked(forged)).toBe("refused");
        expect(fetches - before).toBe(1);
        await clock.advance(5_000);
        for (let i = 0; i < 5; i++) expect(await asked(forged)).toBe("refused");
        expect(fetches - before).toBe(2);
        // While the issuer is away it is refused too: its keys are at hand, and none of them signed it.
        answer = away;
        await clock.advance(5_000);
        expect(await asked(forged)).toBe("refused");
      }
    });

    test("A35 unknown keys cost a fetch in five seconds, and those who have a known one nothing", async () => {
      const clock = startClock();
      const asked = start(clock);
      const [good, unknown] = [await token(), await token("unknown")];
      expect(await asked(unknown)).toBe("refused");
      const before = fetches;
      const answers: string[] = [];
      for (let ms = 0; ms < 60_000; ms += 500) {
        answers.push(await asked(unknown));
        expect(await asked(good)).toBe("good");
        await clock.advance(500);
      }
      expect(fetches - before).toBe(11);
      expect(answers.filter((each) => each === "refused").length).toBe(11);
      expect(new Set(answers)).toEqual(new Set(["refused", "unavailable"]));
      answer = away;
      await clock.advance(5_000);
      expect(await asked(unknown)).toBe("unavailable");
      expect(await asked(good)).toBe("good");
    });
  });
});

describe("the log", () => {
  const lines: string[] = [];
  afterAll(() => configureLog({ write: () => {} }));

  const refusals: [string, JWTPayload, JwtOptions, object][] = [
    [
      "the issuer",
      { ...claims, iss: "https://a.example/" },
      { secret, now, issuer: "https://a.example" },
      {
        ...{ claim: "iss", expected: "https://a.example", actual: "https://a.example/" },
      },
    ],
    [
      "the audience",
      { ...claims, aud: "shop" },
      { secret, now, audience: "chat" },
      {
        ...{ claim: "aud", expected: "chat", actual: "shop" },
      },
    ],
    [
      "the expiry",
      { ...claims, exp: nowSeconds - 60 },
      { secret, now },
      {
        ...{ claim: "exp", expected: `after ${nowSeconds}`, actual: nowSeconds - 60 },
      },
    ],
    ["a claim that is missing", claims, { secret, now, userClaim: "email" }, { claim: "email", expected: "a value" }],
    ["the signature", claims, { secret: secret.toUpperCase(), now }, { algorithm: "HS256", kid: "k1" }],
    [
      "the algorithm",
      claims,
      { jwksUrl: "http://127.0.0.1:9/", now },
      { algorithm: "HS256", reason: "ERR_JOSE_ALG_NOT_ALLOWED" },
    ],
  ];
  for (const [name, payload, options, expected] of refusals) {
    test(`A36 the log has the fault of ${name}, without the token`, async () => {
      lines.length = 0;
      configureLog({ level: "debug", write: (line) => void lines.push(line) });
      const token = await sign(payload, { kid: "k1" });
      expect(await ask(token, options)).toBeNull();
      // The key server of a test before may be given up only now.
      const events = lines
        .map((line) => JSON.parse(line) as { level: string })
        .filter(({ level }) => level === "debug");
      expect(events).toMatchObject([{ message: "A token was refused", ...expected }]);
      for (const part of token.split(".")) expect(lines.join()).not.toContain(part);
    });
  }
});
