import { ChatError } from "../../error.ts";
import type { AuthToken } from "./auth-token.ts";
import { createEmbeddedEngine } from "./embedded.ts";
import type { Engine } from "./engine.ts";
import { redactUrl } from "./redact-url.ts";
import { createRemoteEngine } from "./remote.ts";

export type OpenOptions = {
  readonly url: string;
  readonly authToken?: AuthToken;
  /** For a file: memory for its pages. */
  readonly cacheBytes?: number;
};

/**
 * Opens the database that a URL names: `file:` on this machine, `libsql:`, `https:` or `http:` on a server.
 *
 * @throws {ChatError} `config_invalid`, `database_locked`, `database_unfit`.
 */
export function openEngine({ url, authToken, cacheBytes }: OpenOptions): Engine {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase() ?? "";
  switch (scheme) {
    case "file":
      return createEmbeddedEngine(cacheBytes === undefined ? { url } : { url, cacheBytes });
    case "libsql":
    case "https":
    case "http":
    case "wss":
    case "ws":
      return createRemoteEngine({ url, ...(authToken === undefined ? {} : { authToken }) });
    default:
      throw new ChatError(
        "config_invalid",
        `The database URL begins with file:, libsql:, https: or http:, got ${JSON.stringify(redactUrl(url))}`,
      );
  }
}
