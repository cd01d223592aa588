import { base64url } from "jose";

/** Decodes `length` bytes of base64url (RFC 4648 section 5), padded or not; null: the text is anything else. */
export function bytesOf(text: unknown, length: number): Uint8Array<ArrayBuffer> | null {
  if (typeof text !== "string" || !/^[A-Za-z0-9_-]{1,128}={0,2}$/.test(text)) return null;
  try {
    const bytes = new Uint8Array(base64url.decode(text.replace(/=+$/, "")));
    return bytes.length === length ? bytes : null;
  } catch {
    return null;
  }
}

/** The bytes of an uncompressed point of P-256 (SEC 1 section 2.3.3). It may not lie on the curve. */
export function pointOf(text: unknown): Uint8Array<ArrayBuffer> | null {
  const bytes = bytesOf(text, 65);
  return bytes?.[0] === 4 ? bytes : null;
}
