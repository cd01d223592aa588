/**
 * The runtime digests on threads of its own, and answers when they are done: behind virtual time's back, and not twice in the same order.
 * While a world runs, WebCrypto answers at once instead, and with the same.
 *
 * @returns How to give it back.
 */
export function digestAtOnce(): () => void {
  const digest = async (_: string, data: Uint8Array): Promise<ArrayBuffer> =>
    new Uint8Array(new Bun.CryptoHasher("sha256").update(data).digest()).buffer;
  Object.defineProperty(crypto.subtle, "digest", { configurable: true, value: digest });
  return () => void Reflect.deleteProperty(crypto.subtle, "digest");
}
