import { expect, test } from "bun:test";
import { isPublicAddress } from "../../../src/push/provider/public-address.ts";

/** The first and the last address of each range, and the ones beside it. */
const cases: readonly (readonly [isPublic: boolean, addresses: readonly string[]])[] = [
  [true, ["1.1.1.1", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "172.15.255.255", "172.32.0.0"]],
  [true, ["192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255"]],
  [false, ["0.0.0.0", "10.0.0.0", "10.255.255.255", "100.64.0.0", "127.0.0.1", "169.254.169.254", "172.16.0.1"]],
  [false, ["192.168.1.1", "192.0.2.1", "198.18.0.0", "198.51.100.7", "203.0.113.9", "224.0.0.1", "255.255.255.255"]],
  [true, ["2000::", "2606:4700::1111", "2a00:1450::1", "3ffe:ffff::1"]],
  [false, ["::", "::1", "fe80::1", "fc00::1", "ff02::1", "1fff::1", "4000::1"]],
  // Teredo, documentation, 6to4, and one with an IPv4 address in its end.
  [false, ["2001::1", "2001:db8::1", "2002:101:101::1", "3fff::1", "::1.1.1.1"]],
  // Mapped, and as a network without IPv4 sees it.
  [true, ["::ffff:1.1.1.1", "64:ff9b::1.1.1.1"]],
  [false, ["::ffff:10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::169.254.169.254"]],
  [false, ["", "localhost", "1.1.1", "1.1.1.256", "push.example"]],
];

test("U17 a subscription is sent to addresses of the internet alone", () => {
  for (const [isPublic, addresses] of cases)
    for (const address of addresses) expect([address, isPublicAddress(address)]).toEqual([address, isPublic]);
});
