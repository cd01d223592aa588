import { addressBytes, addressRange, isWithin } from "../../internal/address.ts";

const ranges = (texts: readonly string[]) => texts.flatMap((text) => addressRange(text) ?? []);

/** IPv4 addresses that are no hosts of the internet: IANA's registry of special addresses (RFC 6890), multicast, and unassigned ones. */
const special = ranges([
  ...["0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"],
  ...["192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24"],
  ...["224.0.0.0/4", "240.0.0.0/4"],
]);

/** The IPv6 addresses of the internet (RFC 4291 section 2.4): without loopback, local or compatible ones. */
const globalUnicast = ranges(["2000::/3"]);

/** Exceptions among these: Teredo, ORCHID, benchmarks and the rest of RFC 2928; 6to4, which carries an IPv4 address; documentation. */
const specialInGlobal = ranges(["2001::/23", "2002::/16", "2001:db8::/32", "3fff::/20"]);

/** An IPv4 address in its last 32 bits, as a network without IPv4 sees it (NAT64, RFC 6052). */
const translated = ranges(["64:ff9b::/96"]);

/**
 * Whether this is the address of a host on the internet: not private, of this machine or link, multicast or reserved. An IPv6 address that contains an
 * IPv4 one is judged by it (mapped, NAT64), or refused (6to4, compatible).
 *
 * @example
 * isPublicAddress("::ffff:10.0.0.1") // false
 */
export function isPublicAddress(text: string): boolean {
  const bytes = addressBytes(text);
  if (bytes === null) return false;
  const isIn = (of: readonly number[], list: typeof special): boolean => list.some((range) => isWithin(of, range));
  if (bytes.length === 4) return !isIn(bytes, special);
  if (isIn(bytes, translated)) return !isIn(bytes.slice(12), special);
  return isIn(bytes, globalUnicast) && !isIn(bytes, specialInGlobal);
}
