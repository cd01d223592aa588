const ipv4 = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/;

/**
 * An IP address as its 4 or 16 bytes; null where it is none. An IPv4 address inside IPv6 (`::ffff:192.0.2.1`) is the IPv4 address;
 * a zone (`%eth0`) is left out.
 *
 * @example
 * addressBytes("::ffff:192.0.2.1") // [192, 0, 2, 1]
 */
export function addressBytes(text: string): readonly number[] | null {
  const four = ipv4.exec(text);
  if (four) {
    const bytes = four.slice(1).map(Number);
    return bytes.some((byte, i) => byte > 255 || String(byte) !== four[i + 1]) ? null : bytes;
  }
  const bare = text.replace(/%.*$/s, "");
  if (!bare.includes(":") || !/^[0-9a-f:.]+$/i.test(bare) || !URL.canParse(`http://[${bare}]/`)) return null;
  const groups = expand(new URL(`http://[${bare}]/`).hostname.slice(1, -1));
  const bytes = groups.flatMap((group) => [group >> 8, group & 255]);
  const isMapped = bytes.slice(0, 10).every((byte) => byte === 0) && bytes[10] === 255 && bytes[11] === 255;
  return isMapped ? bytes.slice(12) : bytes;
}

/** The eight groups of an IPv6 address in its canonical form (RFC 5952). */
function expand(canonical: string): number[] {
  const [head = "", tail] = canonical.split("::");
  const parse = (part: string): number[] => (part === "" ? [] : part.split(":").map((group) => parseInt(group, 16)));
  const [before, after] = [parse(head), parse(tail ?? "")];
  return [...before, ...Array.from({ length: 8 - before.length - after.length }, () => 0), ...after];
}

/**
 * The name under which an address is counted: of IPv6 the /64, which is the size of one household (RFC 6177). Undefined for
 * an address that must not be counted: of this machine or of a private network, which is a proxy that is not trusted, or a tool; or for none.
 *
 * @example
 * addressName("2001:db8:1:2:3:4:5:6") // "2001:db8:1:2::/64"
 */
export function addressName(text: string | undefined): string | undefined {
  const bytes = text === undefined ? null : addressBytes(text);
  if (bytes === null || near.some((range) => isWithin(bytes, range))) return undefined;
  if (bytes.length === 4) return bytes.join(".");
  const groups = [0, 2, 4, 6].map((i) => (((bytes[i] ?? 0) << 8) | (bytes[i + 1] ?? 0)).toString(16));
  return `${groups.join(":")}::/64`;
}

/** A range of addresses, as `10.0.0.0/8` says it; one address is a range of itself. */
export type AddressRange = { readonly bytes: readonly number[]; readonly bits: number };

/** Null where it is no range. */
export function addressRange(text: string): AddressRange | null {
  const [address = "", length, ...rest] = text.split("/");
  const bytes = addressBytes(address);
  if (bytes === null || rest.length > 0) return null;
  const bits = length === undefined ? bytes.length * 8 : /^\d{1,3}$/.test(length) ? Number(length) : NaN;
  return bits >= 0 && bits <= bytes.length * 8 ? { bytes, bits } : null;
}

export const isWithin = (bytes: readonly number[], range: AddressRange): boolean =>
  bytes.length === range.bytes.length &&
  range.bytes.every((byte, i) => {
    const bits = Math.min(8, Math.max(0, range.bits - 8 * i));
    return byte >> (8 - bits) === (bytes[i] ?? 0) >> (8 - bits);
  });

/** This machine, private networks (RFC 1918, 4193), carriers' and clouds' own (RFC 6598), and links (RFC 3927, 4291). */
const near = [
  ...["127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16"],
  ...["::1", "fc00::/7", "fe80::/10"],
].flatMap((text) => addressRange(text) ?? []);
