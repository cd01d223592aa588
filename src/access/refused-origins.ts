import type { Log } from "../internal/logger.ts";
import type { addressedBy } from "./origin.ts";

export type RefusedOrigin = ReturnType<typeof addressedBy> & {
  readonly origin: string;
  /** Allowed origins beside the server's own. */
  readonly allowed: readonly string[];
};

/** So many origins are remembered: strangers can make up others without end. */
const rememberedMax = 32;
const shownCharsMax = 120;

/**
 * Says in the log why an origin is refused: what it was compared with. The first time of each one at `warning`, for whoever mounts the chat
 * has forgotten it or a proxy changes the `Host`; again, and of more than 32 of them, at `debug`.
 */
export function createRefusedOrigins(log: Log): (refused: RefusedOrigin) => void {
  const known = new Set<string>();

  return ({ origin, url, host, allowed }) => {
    const shown = origin.slice(0, shownCharsMax);
    const own = (url.startsWith("https:") ? ["https"] : ["https", "http"]).map((scheme) => `${scheme}://${host}`);
    const told = { origin: shown, own: host === null ? [] : own.map((each) => each.slice(0, shownCharsMax)), allowed };
    const text = "an Origin is refused: it is neither the server's own, by the Host, nor one of the allowed ones";
    if (known.has(shown) || known.size >= rememberedMax) return log.debug(text, told);
    known.add(shown);
    log.warn(text, told);
  };
}
