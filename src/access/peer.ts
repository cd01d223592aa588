import { ChatError } from "../error.ts";
import { addressBytes, addressName, addressRange, isWithin } from "../internal/address.ts";

/** The sender of a request, as the runtime's socket knows it. */
export type Peer = {
  /** The IP address at the other end of the connection. */
  readonly address?: string | undefined;
};

/**
 * Which proxies are trusted to name their clients: how many there are in front of the server, each of which appends to
 * `X-Forwarded-For`; or their addresses, as single ones or as ranges such as `10.0.0.0/8`. Default: none.
 */
export type TrustProxy = number | readonly string[];

/** Where a request comes from, as far as its headers are trusted. */
export type Origination = {
  /** The name under which the address is counted; undefined: not at all. */
  readonly address: string | undefined;
  /** The scheme in which the client addressed the proxy. */
  readonly isHttps: boolean | undefined;
  /** The host that the client addressed, where the proxy says so. */
  readonly host: string | undefined;
};

/** More proxies than any deployment has. */
const hopsMax = 16;

/**
 * Makes the reader of forwarded headers. `X-Forwarded-For` is read from its right end: left of the outermost trusted proxy it is
 * the client's own text, and is never trusted. `X-Forwarded-Proto` and `X-Forwarded-Host` count where the peer itself is trusted.
 *
 * @throws ChatError `config_invalid`: no number from 0 to 16, or no list of addresses and ranges.
 */
export function createOrigination(trust: TrustProxy = 0): (request: Request, peer?: Peer) => Origination {
  const ranges =
    typeof trust === "number"
      ? null
      : trust.map((text) => {
          const range = addressRange(text);
          if (range !== null) return range;
          throw new ChatError(
            "config_invalid",
            `A trusted proxy is an address or a range, got ${JSON.stringify(text)}`,
          );
        });
  if (typeof trust === "number" && !(Number.isInteger(trust) && trust >= 0 && trust <= hopsMax))
    throw new ChatError("config_invalid", `trustProxy is ${trust}, and must be a whole number from 0 to ${hopsMax}`);

  const isTrusted = (address: string | undefined, hop: number): boolean => {
    if (ranges === null) return hop < Number(trust);
    const bytes = address === undefined ? null : addressBytes(address);
    return bytes !== null && ranges.some((range) => isWithin(bytes, range));
  };

  return ({ headers }, { address } = {}) => {
    if (!isTrusted(address, 0)) return { address: addressName(address), isHttps: undefined, host: undefined };
    const forwarded = (headers.get("x-forwarded-for") ?? "").split(",").map(bareAddress);
    let known = address;
    for (let hop = 0; hop < hopsMax && isTrusted(known, hop); hop++) {
      const next = forwarded.pop();
      // A proxy that writes no address ends the chain: it is the last known one.
      if (next === undefined || addressBytes(next) === null) break;
      known = next;
    }
    const proto = lastOf(headers.get("x-forwarded-proto"));
    return {
      address: addressName(known),
      isHttps: proto === "https" ? true : proto === "http" ? false : undefined,
      host: lastOf(headers.get("x-forwarded-host")),
    };
  };
}

/** Some proxies write a port: `192.0.2.1:4711`, `[2001:db8::1]:4711`. */
const bareAddress = (text: string): string =>
  text
    .trim()
    .replace(/^\[(.*)\](:\d+)?$/, "$1")
    .replace(/^(\d+\.\d+\.\d+\.\d+):\d+$/, "$1");

const lastOf = (header: string | null): string | undefined => header?.split(",").at(-1)?.trim() || undefined;
