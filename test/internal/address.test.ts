import { expect, test } from "bun:test";
import fc from "fast-check";
import { addressBytes, addressName, addressRange, isWithin } from "../../src/internal/address.ts";

test("A33 IPv6 counts by the /64, IPv4 within IPv6 as IPv4, and this machine and private networks not at all", () => {
  const named: readonly (readonly [string | undefined, string | undefined])[] = [
    ["192.0.2.1", "192.0.2.1"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::FFFF:C000:0201", "192.0.2.1"],
    ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"],
    ["2001:db8:1:2::", "2001:db8:1:2::/64"],
    ["2001:0db8:0001:0002:ffff::1", "2001:db8:1:2::/64"],
    ["fe80::1%eth0", undefined],
    ["10.1.2.3", undefined],
    ["172.31.255.255", undefined],
    ["172.32.0.1", "172.32.0.1"],
    ["192.168.0.1", undefined],
    ["100.64.0.1", undefined],
    ["100.128.0.1", "100.128.0.1"],
    ["fd12:3456::1", undefined],
    ["::ffff:10.0.0.1", undefined],
    ["127.0.0.1", undefined],
    ["127.9.9.9", undefined],
    ["::1", undefined],
    ["::ffff:127.0.0.1", undefined],
    [undefined, undefined],
    ["", undefined],
    ["localhost", undefined],
    ["1.2.3", undefined],
    ["1.2.3.256", undefined],
    ["01.2.3.4", undefined],
    ["0x7f.0.0.1", undefined],
    ["1.2.3.4, 5.6.7.8", undefined],
    ["2001:db8::1::2", undefined],
    ["[::1]", undefined],
    ["unknown", undefined],
  ];
  for (const [text, name] of named) expect([text, addressName(text)]).toEqual([text, name]);
});

test("A33 every IPv6 address has the bytes that were written, however it is written", () => {
  const group = fc.integer({ min: 0, max: 0xffff });
  fc.assert(
    fc.property(fc.array(group, { minLength: 8, maxLength: 8 }), fc.nat(7), fc.nat(8), (groups, start, length) => {
      const end = Math.min(8, start + length);
      const whole = groups.map((value, i) => (i >= start && i < end ? 0 : value));
      const hex = whole.map((value) => value.toString(16));
      const short = end - start > 0 ? `${hex.slice(0, start).join(":")}::${hex.slice(end).join(":")}` : hex.join(":");
      const bytes = whole.flatMap((value) => [value >> 8, value & 255]);
      const isMapped = whole.slice(0, 5).every((value) => value === 0) && whole[5] === 0xffff;
      const expected = isMapped ? bytes.slice(12) : bytes;
      expect(addressBytes(short)).toEqual(expected);
      expect(addressBytes(hex.join(":"))).toEqual(expected);
    }),
  );
});

test("A32 ranges are exact to the bit", () => {
  const within = (address: string, range: string): boolean => {
    const [bytes, parsed] = [addressBytes(address), addressRange(range)];
    return bytes !== null && parsed !== null && isWithin(bytes, parsed);
  };
  for (const [address, range] of [
    ["10.255.255.255", "10.0.0.0/8"],
    ["172.31.0.1", "172.16.0.0/12"],
    ["192.0.2.1", "192.0.2.1"],
    ["192.0.2.1", "0.0.0.0/0"],
    ["fd12::1", "fd00::/8"],
    ["::ffff:10.1.2.3", "10.0.0.0/8"],
  ] as const)
    expect([address, range, within(address, range)]).toEqual([address, range, true]);
  for (const [address, range] of [
    ["11.0.0.0", "10.0.0.0/8"],
    ["172.32.0.1", "172.16.0.0/12"],
    ["192.0.2.2", "192.0.2.1"],
    ["::1", "0.0.0.0/0"],
    ["10.0.0.1", "::/0"],
  ] as const)
    expect([address, range, within(address, range)]).toEqual([address, range, false]);
  for (const range of ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "x/8", "fd00::/129"])
    expect([range, addressRange(range)]).toEqual([range, null]);
});
