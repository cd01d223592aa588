const octet = "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
const host = new RegExp(`^(localhost|127\\.${octet}\\.${octet}\\.${octet}|\\[::1\\])(?::([0-9]{1,5}))?$`, "i");

/**
 * Does this `Host` header (RFC 9110 section 7.2) name the machine itself: `localhost`, `127.0.0.0/8` in plain dotted decimals, or
 * `[::1]`, each with an optional port?
 *
 * It keeps a foreign name that resolves to 127.0.0.1 (DNS rebinding) out of a developer's chats, so it accepts only the
 * forms that a browser sends for a page of this machine. Refused, by decision: `*.localhost` (RFC 6761 makes it loopback, but
 * some resolvers ask the network), a trailing dot, other spellings of an address (`127.1`, `0x7f.1`, `2130706433`,
 * `[0:0:0:0:0:0:0:1]`, `[::ffff:127.0.0.1]`: browsers rewrite them first), and `0.0.0.0`.
 *
 * @param hostHeader As it came; null: there is none, which is not loopback.
 *
 * @example
 * isLoopbackHost("localhost:6662")       // true
 * isLoopbackHost("127.0.0.1.evil.com")   // false
 */
export function isLoopbackHost(hostHeader: string | null): boolean {
  const match = host.exec(hostHeader ?? "");
  return match !== null && Number(match[5] ?? 0) <= 65_535;
}
