import { ChatError } from "../../error.ts";
import type { AuthToken } from "./auth-token.ts";
import { createEmbeddedEngine } from "./embedded.ts";
import { pathOfFileUrl } from "./database-file.ts";
import type { Engine } from "./engine.ts";
import { redactUrl } from "./redact-url.ts";
import { createRemoteEngine } from "./remote.ts";
import { requireRemoteUrl } from "./remote-client.ts";

export type OpenOptions = {
  readonly url: string;
  readonly authToken?: AuthToken;
  /** For a file: memory for its pages. */
  readonly cacheBytes?: number;
};

const isRemote = (url: string): boolean => /^(libsql|https?|wss?):/i.test(url);

/**
 * Refuses a text that is no URL of a database, before anything is opened.
 *
 * @throws {ChatError} `config_invalid`.
 */
export function requireUrl(url: string): void {
  if (/^file:/i.test(url)) return void pathOfFileUrl(url);
  if (!isRemote(url))
    throw new ChatError(
      "config_invalid",
      `The database URL begins with file:, libsql:, https: or http:, got ${JSON.stringify(redactUrl(url))}`,
    );
  requireRemoteUrl(url);
}

/**
 * Opens the database that a URL names: `file:` on this machine, `libsql:`, `https:` or `http:` on a server.
 *
 * @throws {ChatError} `config_invalid`, `database_locked`, `database_unfit`.
 */
export function openEngine({ url, authToken, cacheBytes }: OpenOptions): Engine {
  requireUrl(url);
  if (isRemote(url)) return createRemoteEngine({ url, ...(authToken === undefined ? {} : { authToken }) });
  return createEmbeddedEngine(cacheBytes === undefined ? { url } : { url, cacheBytes });
}
