import { base64url, exportJWK, exportSPKI, generateKeyPair, type JWK, type JWTPayload, SignJWT } from "jose";

const claims = (): JWTPayload => ({ sub: "alice", iss: "https://id.example", aud: "chat", exp: seconds() + 600 });
const seconds = (): number => Math.floor(Date.now() / 1_000);
const bytes = (text: string): Uint8Array<ArrayBuffer> => new TextEncoder().encode(text);

/** The environment of a server that trusts the issuer. */
export const issuerEnv = (jwksUrl: string): Readonly<Record<string, string>> => ({
  AUTH: "jwt",
  JWKS_URL: jwksUrl,
  JWT_ISSUER: "https://id.example",
  JWT_AUDIENCE: "chat",
});

export type Issuer = Awaited<ReturnType<typeof startIssuer>>;

/** An issuer of tokens with two keys, and an attacker who knows everything public. */
export async function startIssuer() {
  const rsa = await generateKeyPair("RS256", { extractable: true });
  const ec = await generateKeyPair("ES256", { extractable: true });
  const foreign = await generateKeyPair("RS256", { extractable: true });
  const rsaKey: JWK = { ...(await exportJWK(rsa.publicKey)), kid: "rsa", alg: "RS256", use: "sig" };
  const ecKey: JWK = { ...(await exportJWK(ec.publicKey)), kid: "ec", alg: "ES256", use: "sig" };
  const foreignKey: JWK = { ...(await exportJWK(foreign.publicKey)), kid: "rsa", alg: "RS256" };
  /** Requests to the issuer's server other than for its keys: to an address that a token named. */
  const lured: string[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: "127.0.0.1",
    fetch(request) {
      const { pathname } = new URL(request.url);
      if (pathname === "/jwks") return Response.json({ keys: [rsaKey, ecKey] });
      lured.push(pathname);
      return Response.json({ keys: [foreignKey] });
    },
  });
  const at = `http://127.0.0.1:${server.port}`;

  type Key = CryptoKey | Uint8Array;
  const sign = async (
    payload: Readonly<Record<string, unknown>> = {},
    header: Record<string, unknown> = {},
    key: Key = rsa.privateKey,
  ): Promise<string> =>
    await new SignJWT({ ...claims(), ...payload } as JWTPayload)
      .setProtectedHeader({ alg: "RS256", kid: "rsa", ...header })
      .sign(key);
  /** A token with any content, even such that no library writes. */
  const unsigned = (header: object, payload: object = claims(), signature = ""): string =>
    `${[header, payload].map((part) => base64url.encode(JSON.stringify(part))).join(".")}.${signature}`;
  /** As `sign`, for headers that jose refuses to write. */
  async function signAnyHeader(header: object): Promise<string> {
    const text = unsigned(header).slice(0, -1);
    const signature = await crypto.subtle.sign("RSASSA-PKCS1-v1_5", rsa.privateKey, bytes(text));
    return `${text}.${base64url.encode(new Uint8Array(signature))}`;
  }

  const hmac = { alg: "HS256", kid: "rsa" };
  const good = await sign();
  const [head = "", body = "", signature = ""] = good.split(".");
  const forged: readonly (readonly [string, string])[] = [
    ["alg none", unsigned({ alg: "none", kid: "rsa" })],
    ["alg None", unsigned({ alg: "None", typ: "JWT" })],
    ["alg none with the signature of another token", unsigned({ alg: "none" }, claims(), signature)],
    ["no alg", unsigned({ kid: "rsa" })],
    ["HS256 with the public key's PEM as secret", await sign({}, hmac, bytes(await exportSPKI(rsa.publicKey)))],
    ["HS256 with the public key's JWK as secret", await sign({}, hmac, bytes(JSON.stringify(rsaKey)))],
    ["HS256 with the modulus as secret", await sign({}, hmac, base64url.decode(rsaKey.n ?? ""))],
    ["HS256 with an empty kid", await sign({}, { alg: "HS256", kid: "" }, bytes("x".repeat(32)))],
    ["a foreign key under a known kid", await sign({}, {}, foreign.privateKey)],
    ["the kid of the other key", await sign({}, { kid: "ec" })],
    ["the other key with the kid of the first", await sign({}, { alg: "ES256", kid: "rsa" }, ec.privateKey)],
    ["no kid where there are two keys", await sign({}, { kid: undefined })],
    ["an unknown kid", await sign({}, { kid: "../../dev/null" })],
    ["a kid of SQL", await sign({}, { kid: "rsa' OR '1'='1" })],
    [
      "another alg in the header",
      `${base64url.encode(JSON.stringify({ alg: "PS256", kid: "rsa" }))}.${body}.${signature}`,
    ],
    ["another payload", `${head}.${base64url.encode(JSON.stringify({ ...claims(), sub: "admin" }))}.${signature}`],
    ["no signature", `${head}.${body}.`],
    ["two parts", `${head}.${body}`],
    ["an embedded key", await sign({}, { jwk: foreignKey }, foreign.privateKey)],
    ["the address of a key set", await sign({}, { jku: `${at}/jku` }, foreign.privateKey)],
    ["the address of a certificate", await sign({}, { x5u: `${at}/x5u` }, foreign.privateKey)],
    ["an embedded certificate", await sign({}, { x5c: ["MIIB"] }, foreign.privateKey)],
    ["an unknown critical extension", await signAnyHeader({ alg: "RS256", kid: "rsa", crit: ["x"], x: 1 })],
    ["an unencoded payload", await signAnyHeader({ alg: "RS256", kid: "rsa", crit: ["b64"], b64: false })],
    ["a logout token", await sign({}, { typ: "logout+jwt" })],
    ["a DPoP proof", await sign({}, { typ: "dpop+jwt" })],
    ["an expired token", await sign({ exp: seconds() - 60 })],
    ["no expiry", await sign({ exp: undefined })],
    ["a token for later", await sign({ nbf: seconds() + 60 })],
    ["another issuer", await sign({ iss: "https://id.example.evil.example" })],
    ["no issuer", await sign({ iss: undefined })],
    ["another audience", await sign({ aud: "shop" })],
    ["no audience", await sign({ aud: undefined })],
    ["no subject", await sign({ sub: undefined })],
    ["a subject with a line end", await sign({ sub: "alice\r\n" })],
    ["a subject of another alphabet", await sign({ sub: "\u0430lice" })],
    ["a tenant that is a path", await sign({ tenant: "../other" })],
    ["a tenant that is a list", await sign({ tenant: ["default"] })],
  ];

  return {
    jwksUrl: `${at}/jwks`,
    good,
    forged,
    sign,
    lured: (): readonly string[] => lured,
    stop: async (): Promise<void> => await server.stop(true),
  };
}
