import { ClientError, type ClientOptions } from "./api.ts";
import { absoluteUrl } from "./runtime.ts";
import type { Scope } from "./vault/contract.ts";

/** The tenant of a host that names none (PROTOCOL 3). */
export const tenantDefault = "default";

/**
 * Whose data a client has, and where it is.
 *
 * @throws ClientError `config_invalid`: an option is missing, or is none.
 */
export function scopeOf({ url, tenant = tenantDefault, user, storage }: ClientOptions): Scope {
  const absolute = typeof url === "string" ? absoluteUrl(url) : null;
  // A path that depends on the page would be another chat on the next page, with other data.
  if (absolute === null)
    throw invalid('url is where the server mounts Tidings: "https://app.example/chat", or "/chat"');
  if (!user || !tenant) throw invalid("user and tenant are ids, not empty");
  if (typeof storage?.open !== "function") throw invalid("storage is indexedDb(), libsql(client) or memory()");
  return { url: absolute, tenant, user };
}

const invalid = (text: string): ClientError => new ClientError("config_invalid", `createClient: ${text}`);
