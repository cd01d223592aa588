import { base64url } from "jose";

/** The keys by which push services know a sender (RFC 8292), in base64url. */
export type VapidKeys = {
  /** An uncompressed point of P-256, 65 bytes: `applicationServerKey` in the browser. */
  readonly publicKey: string;
  /** Its scalar, 32 bytes: a secret. */
  readonly privateKey: string;
};

/** Makes a pair of keys. Keep it: subscriptions are bound to it, and another pair makes all of them useless. */
export async function generateVapidKeys(): Promise<VapidKeys> {
  const pair = await crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
  const [point, { d = "" }] = await Promise.all([
    crypto.subtle.exportKey("raw", pair.publicKey),
    crypto.subtle.exportKey("jwk", pair.privateKey),
  ]);
  return { publicKey: base64url.encode(new Uint8Array(point)), privateKey: d };
}
