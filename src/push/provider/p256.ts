/** The curve P-256: y² = x³ − 3x + b (mod p), FIPS 186-4 section D.1.2.3. */
const p = 2n ** 256n - 2n ** 224n + 2n ** 192n + 2n ** 96n - 1n;
const b = 0x5ac635d8aa3a93e7b3ebbd55769886bc651d06b0cc53b0f63bce3c3e27d2604bn;

const integerOf = (bytes: Uint8Array): bigint => bytes.reduce((value, byte) => (value << 8n) | BigInt(byte), 0n);

/**
 * Whether an uncompressed point of 65 bytes lies on P-256. Checked before a library gets it: some runtimes keep the error of an invalid point, and throw
 * it at the next call for a hash.
 */
export function isOnP256(point: Uint8Array): boolean {
  const [x, y] = [integerOf(point.subarray(1, 33)), integerOf(point.subarray(33, 65))];
  return point.length === 65 && x < p && y < p && (y * y - x * x * x + 3n * x - b) % p === 0n;
}
