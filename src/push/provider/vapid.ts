import { base64url, importJWK, SignJWT } from "jose";
import { ChatError } from "../../error.ts";
import { createLru } from "../../internal/lru.ts";
import { bytesOf, pointOf } from "./base64url.ts";
import type { VapidKeys } from "./vapid-keys.ts";

export type VapidOptions = VapidKeys & {
  /** The contact for a push service in case of trouble: `mailto:` and an address, or an https URL. */
  readonly subject: string;
};

/** Half of the longest lifetime that is allowed (RFC 8292 section 2): clocks differ. */
const tokenMs = 12 * 3_600_000;
/** A token is renewed when this much of its lifetime is left. */
const renewMs = 3_600_000;
/** Push services have few origins, but some have one for each of their machines. */
const tokensMax = 64;

type Token = { readonly header: Promise<string>; readonly expiresAt: number };

/**
 * Identifies the sender to push services (RFC 8292). The function returns the `Authorization` for an origin; signed once, it is used until shortly before
 * it expires. It rejects if the two keys are no pair.
 *
 * @throws ChatError `config_invalid` on options that no push service would take.
 */
export function createVapid(options: VapidOptions): (origin: string, now: number) => Promise<string> {
  const { subject } = options;
  const point = pointOf(options.publicKey);
  const scalar = bytesOf(options.privateKey, 32);
  if (point === null) throw new ChatError("config_invalid", "The public VAPID key must be 65 bytes of base64url");
  if (scalar === null) throw new ChatError("config_invalid", "The private VAPID key must be 32 bytes of base64url");
  if (!isSubject(subject))
    throw new ChatError("config_invalid", "The VAPID subject must be mailto: and an address, or an https URL");

  const publicKey = base64url.encode(point);
  const coordinates = { x: base64url.encode(point.slice(1, 33)), y: base64url.encode(point.slice(33)) };
  const jwk = { kty: "EC", crv: "P-256", ...coordinates, d: base64url.encode(scalar) };
  const tokens = createLru<string, Token>(tokensMax);
  let pair: Promise<CryptoKey> | null = null;

  const sign = async (origin: string, expiresAt: number): Promise<string> => {
    const key = await (pair ??= importPair(jwk));
    const token = await new SignJWT({ aud: origin, exp: Math.floor(expiresAt / 1000), sub: subject })
      .setProtectedHeader({ typ: "JWT", alg: "ES256" })
      .sign(key);
    return `vapid t=${token}, k=${publicKey}`;
  };

  return (origin, now) => {
    const known = tokens.get(origin);
    const leftMs = (known?.expiresAt ?? 0) - now;
    // More is left than the whole lifetime: our clock was set back, and the push service's may never have been ahead.
    if (known && leftMs > renewMs && leftMs <= tokenMs) return known.header;
    const expiresAt = now + tokenMs;
    const header = sign(origin, expiresAt);
    tokens.set(origin, { header, expiresAt });
    return header;
  };
}

/** Some runtimes refuse keys of two pairs at the import; for the others a signature is tried. */
async function importPair(jwk: { kty: string; crv: string; x: string; y: string; d: string }): Promise<CryptoKey> {
  const { d: _, ...open } = jwk;
  const algorithm = { name: "ECDSA", hash: "SHA-256" };
  const probe = new Uint8Array(1);
  try {
    const [key, check] = await Promise.all([importJWK(jwk, "ES256"), importJWK(open, "ES256")]);
    if (key instanceof Uint8Array || check instanceof Uint8Array) throw new TypeError("An EC key is no secret");
    const signature = await crypto.subtle.sign(algorithm, key, probe);
    if (!(await crypto.subtle.verify(algorithm, check, signature, probe))) throw new TypeError("They do not fit");
    return key;
  } catch (cause) {
    throw new ChatError("config_invalid", "The VAPID keys are no pair", { cause });
  }
}

/** Apple refuses any other subject. */
function isSubject(subject: unknown): boolean {
  if (typeof subject !== "string" || subject.length > 256) return false;
  if (/^mailto:[^\s@<>]+@[^\s@<>]+$/.test(subject)) return true;
  return /^https:\/\/[^\s]+$/.test(subject) && URL.canParse(subject);
}
