import { createDecipheriv, createECDH, createPublicKey, type ECDH, hkdfSync, randomBytes, verify } from "node:crypto";

/** The browser's side of Web Push, written from the RFCs with node:crypto, without code of the provider. */
export type Receiver = { readonly ecdh: ECDH; readonly auth: Buffer };

export function createReceiver(): Receiver {
  const ecdh = createECDH("prime256v1");
  ecdh.generateKeys();
  return { ecdh, auth: randomBytes(16) };
}

/** Decrypts a body (RFC 8291 section 3.4, RFC 8188 section 2). Throws where a browser would drop it. */
export function openEnvelope(body: Buffer, { ecdh, auth }: Receiver): string {
  if (body.length < 86 + 17) throw new Error(`the body has ${body.length} bytes`);
  const salt = body.subarray(0, 16);
  const recordBytes = body.readUInt32BE(16);
  const sender = body.subarray(21, 21 + body.readUInt8(20));
  const sealed = body.subarray(21 + sender.length);
  if (sender.length !== 65 || sender[0] !== 4) throw new Error("the key id is no point of P-256");
  if (recordBytes < 18 || sealed.length > recordBytes) throw new Error("there is more than one record");
  const receiver = ecdh.getPublicKey();
  const hkdf = (secret: Uint8Array, by: Uint8Array, info: Buffer, bytes: number): Buffer =>
    Buffer.from(hkdfSync("sha256", secret, by, info, bytes));
  const infoOf = (text: string): Buffer => Buffer.from(`${text}\0`, "latin1");
  const about = Buffer.concat([infoOf("WebPush: info"), receiver, sender]);
  const secret = hkdf(ecdh.computeSecret(sender), auth, about, 32);
  const key = hkdf(secret, salt, infoOf("Content-Encoding: aes128gcm"), 16);
  const nonce = hkdf(secret, salt, infoOf("Content-Encoding: nonce"), 12);
  const decipher = createDecipheriv("aes-128-gcm", key, nonce);
  decipher.setAuthTag(sealed.subarray(-16));
  const record = Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]);
  const end = record.findLastIndex((byte) => byte !== 0);
  if (record[end] !== 2) throw new Error("the record does not say that it is the last one");
  return new TextDecoder("utf-8", { fatal: true }).decode(record.subarray(0, end));
}

const authorizationForm = /^vapid t=(?<head>[\w-]+)\.(?<claims>[\w-]+)\.(?<signature>[\w-]+), ?k=(?<key>[\w-]+)$/;

/** Why an `Authorization` (RFC 8292) is invalid at the time `now`; null: it is valid. */
export function faultOfVapid(
  authorization: string,
  wanted: { readonly origin: string; readonly publicKey: string; readonly nowMs: number },
): string | null {
  const { head, claims, signature, key } = authorizationForm.exec(authorization)?.groups ?? {};
  if (head === undefined || claims === undefined || signature === undefined || key === undefined)
    return "Authorization is not of the scheme vapid";
  if (key !== wanted.publicKey) return "k is not the key that the subscription was made for";
  const read = (part: string) => JSON.parse(Buffer.from(part, "base64url").toString()) as Record<string, unknown>;
  const header = read(head);
  if (header["alg"] !== "ES256" || header["typ"] !== "JWT") return "the token is no JWT signed by ES256";
  const point = Buffer.from(key, "base64url");
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((half) => half.toString("base64url"));
  const publicKey = createPublicKey({ key: { kty: "EC", crv: "P-256", x, y } as never, format: "jwk" });
  const signed = Buffer.from(`${head}.${claims}`);
  const options = { key: publicKey, dsaEncoding: "ieee-p1363" } as const;
  if (!verify("sha256", signed, options, Buffer.from(signature, "base64url"))) return "the token's signature is wrong";
  const { aud, exp, sub } = read(claims);
  const now = wanted.nowMs / 1000;
  if (aud !== wanted.origin) return `aud is ${String(aud)}`;
  if (typeof exp !== "number" || exp <= now || exp > now + 86_400) return "exp is not within 24 hours";
  return typeof sub === "string" && /^(mailto:.+@.+|https:\/\/.+)$/.test(sub) ? null : "sub is no way to reach anybody";
}
