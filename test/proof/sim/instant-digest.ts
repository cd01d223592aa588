/**
 * WebCrypto digests on threads, outside virtual time, and answers in no fixed order. While a world runs it answers at once, with the
 * same digest.
 *
 * @returns A function that restores the original.
 */
export function digestAtOnce(): () => void {
  const digest = async (_: string, data: Uint8Array): Promise<ArrayBuffer> =>
    new Uint8Array(new Bun.CryptoHasher("sha256").update(data).digest()).buffer;
  Object.defineProperty(crypto.subtle, "digest", { configurable: true, value: digest });
  return () => void Reflect.deleteProperty(crypto.subtle, "digest");
}
