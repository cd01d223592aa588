import type { Log } from "../internal/logger.ts";
import type { Addressed } from "./origin.ts";

export type RefusedOrigin = Addressed & {
  readonly origin: string;
  /** Allowed origins beside the server's own. */
  readonly allowed: readonly string[];
};

/** Origins that are remembered: strangers can make up others without end. */
const rememberedMax = 32;
const shownCharsMax = 120;

/**
 * Logs why an origin is refused, with the values that it was compared with: the first time at `warning`, for an operator may have
 * forgotten it, or a proxy may change the `Host`; repetitions, and more than 32 origins, at `debug`.
 */
export function createRefusedOrigins(log: Log): (refused: RefusedOrigin) => void {
  const known = new Set<string>();

  return ({ origin, url, host, allowed }) => {
    const shown = origin.slice(0, shownCharsMax);
    const schemes = host === null ? [] : url.startsWith("https:") ? ["https"] : ["https", "http"];
    const own = schemes.map((scheme) => `${scheme}://${host}`.slice(0, shownCharsMax));
    const properties = { origin: shown, own, allowed };
    const text = "an Origin is refused: it is neither the server's own (by the Host) nor an allowed one";
    if (known.has(shown) || known.size >= rememberedMax) return log.debug(text, properties);
    known.add(shown);
    log.warn(text, properties);
  };
}
