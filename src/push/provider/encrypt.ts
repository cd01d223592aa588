type Bytes = Uint8Array<ArrayBuffer>;

/** The keys of a browser's subscription: it alone can read the push. */
export type PushKeys = {
  /** An uncompressed point of P-256. */
  readonly p256dh: Bytes;
  /** 16 bytes that only the browser and this server know. */
  readonly auth: Bytes;
};

/** New for each push; passed only to repeat the example of RFC 8291. */
export type EncryptionInputs = {
  readonly salt: Bytes;
  readonly pair: { readonly publicKey: CryptoKey; readonly privateKey: CryptoKey };
  /** The length of the text with its padding, in bytes. */
  readonly filledTo: number;
};

/** The `rs` of the only record. Push services must take 4096 bytes (RFC 8030 section 7.2), and need not take more. */
const recordBytes = 4_096;
/** salt (16), rs (4), idlen (1), the key (65): RFC 8188 section 2.1. */
const headerBytes = 86;
const authTagBytes = 16;

/** The longest text: 4096 bytes without the header, the tag, and the byte where the padding begins (RFC 8291 section 4). */
export const plaintextBytesMax = recordBytes - headerBytes - authTagBytes - 1;

/**
 * Texts are padded to a multiple of this, so that a push service learns little from their length: all pushes without a preview look alike, and the length
 * of a preview shows only in this step.
 */
const stepBytes = 512;

const { subtle } = crypto;
const curve = { name: "ECDH", namedCurve: "P-256" };
const utf8 = new TextEncoder();

/**
 * Encrypts a text for a subscription: RFC 8291, `aes128gcm`. Null where the subscription's key is no point of the curve.
 *
 * @throws RangeError where the text is longer than `plaintextBytesMax`.
 */
export async function encrypt(
  text: Bytes,
  { p256dh, auth, inputs }: PushKeys & { readonly inputs?: EncryptionInputs },
): Promise<Bytes | null> {
  if (text.length > plaintextBytesMax) throw new RangeError(`A push has at most ${plaintextBytesMax} bytes`);
  const { salt, pair, filledTo } = inputs ?? (await drawInputs(text.length));
  const shared = await agree(p256dh, pair.privateKey).catch(() => null);
  if (shared === null) return null;
  const sender = new Uint8Array(await subtle.exportKey("raw", pair.publicKey));
  const secret = await derive(shared, auth, join(utf8.encode("WebPush: info\0"), p256dh, sender), 32);
  const [key, iv] = await Promise.all([
    derive(secret, salt, utf8.encode("Content-Encoding: aes128gcm\0"), 16),
    derive(secret, salt, utf8.encode("Content-Encoding: nonce\0"), 12),
  ]);
  // Two: this is the last record (RFC 8188 section 2).
  const record = join(text, new Uint8Array([2]), new Uint8Array(filledTo - text.length - 1));
  const cipher = await subtle.importKey("raw", key, "AES-GCM", false, ["encrypt"]);
  const sealed = new Uint8Array(await subtle.encrypt({ name: "AES-GCM", iv }, cipher, record));
  const sizes = new DataView(new ArrayBuffer(5));
  sizes.setUint32(0, recordBytes);
  sizes.setUint8(4, sender.length);
  return join(salt, new Uint8Array(sizes.buffer), sender, sealed);
}

async function drawInputs(textBytes: number): Promise<EncryptionInputs> {
  return {
    salt: crypto.getRandomValues(new Uint8Array(16)),
    pair: await subtle.generateKey(curve, true, ["deriveBits"]),
    filledTo: Math.min(Math.ceil((textBytes + 1) / stepBytes) * stepBytes, plaintextBytesMax + 1),
  };
}

/** ECDH. Rejects if the point is not on the curve: some runtimes notice at its import, Deno when it is used. */
async function agree(point: Bytes, privateKey: CryptoKey): Promise<Bytes> {
  const reader = await subtle.importKey("raw", point, curve, false, []);
  return new Uint8Array(await subtle.deriveBits({ name: "ECDH", public: reader }, privateKey, 256));
}

async function derive(secret: Bytes, salt: Bytes, info: Bytes, bytes: number): Promise<Bytes> {
  const key = await subtle.importKey("raw", secret, "HKDF", false, ["deriveBits"]);
  return new Uint8Array(await subtle.deriveBits({ name: "HKDF", hash: "SHA-256", salt, info }, key, bytes * 8));
}

function join(...parts: readonly Uint8Array[]): Bytes {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
