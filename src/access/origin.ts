import { ChatError } from "../error.ts";
import { shownValue } from "../internal/shown-value.ts";
import type { Origination } from "./peer.ts";

/** A scheme of an app shell (`capacitor://localhost`): compared as text, for URL gives these no origin. */
const appOrigin = /^[a-z][a-z0-9+.-]*:\/\/[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?$/;

/** The origins of Electron pages, sandboxed pages and local files: allowed only where they are listed literally. */
const namedOrigins = /^([a-z][a-z0-9+.-]*:\/\/\.|file:\/\/|null)$/;

/** Schemes that an `Origin` header never has, or that name no site. */
const schemesRefused = ["ws:", "wss:", "ftp:", "file:", "data:", "blob:", "javascript:", "about:"];

const shownCharsMax = 120;

/**
 * The host and port that the client addressed: the `Host` header or, where a runtime has none, the URL's; null: neither.
 *
 * An HTTP/1.0 request may have no `Host`; its URL is then only a path on Bun.
 */
export function hostOf(request: Pick<Request, "url" | "headers">): string | null {
  return request.headers.get("host") ?? (URL.canParse(request.url) ? new URL(request.url).host : null);
}

/** The scheme, as the beginning of a URL, and the host that a client addressed. */
export type Addressed = { readonly url: string; readonly host: string | null };

/** How the client addressed the server: as a trusted proxy says, else as the request does. */
export function addressedBy(
  request: Pick<Request, "url" | "headers">,
  { isHttps = request.url.startsWith("https:"), host }: Pick<Origination, "isHttps" | "host">,
): Addressed {
  return { url: isHttps ? "https:" : "http:", host: host ?? hostOf(request) };
}

/**
 * May a page of this origin talk to us (RFC 6454, CWE-1385)?
 *
 * - No `Origin` header: yes. Browsers send it on every upgrade and every unsafe method, so this is no browser.
 * - The server's own origin: yes. Own means that host and port are those of the `Host` header. Behind a proxy that ends
 *   TLS the request arrives as http while the page was https, so over http either scheme counts as own; over https an
 *   http page does not (the operator of the network could have written it).
 * - Exactly an entry of `allowed`: yes. There are no wildcards and no suffixes.
 * - Anything else, including an unlisted `null` and forms that no browser writes (upper case, user names, paths, `:443`): no.
 *
 * @param origin The `Origin` header as it came; null where there is none.
 * @param options.url The request's URL, or only its scheme.
 * @param options.host The `Host` header, as `hostOf` gives it.
 * @param options.allowed Canonical origins, as `parseOrigins` gives them.
 *
 * @example
 * isOriginAllowed("https://evil.example", { url: "http://chat.example/ws", host: "chat.example", allowed: [] }) // false
 */
export function isOriginAllowed(
  origin: string | null,
  options: Addressed & { readonly allowed: readonly string[] },
): boolean {
  if (origin === null || options.allowed.includes(origin)) return true;
  if (options.host === null || !URL.canParse(origin)) return false;
  const page = new URL(origin);
  if (page.origin !== origin) return false;
  if (page.protocol !== "https:" && (page.protocol !== "http:" || options.url.startsWith("https:"))) return false;
  const defaultPort = page.protocol === "https:" ? ":443" : ":80";
  const host = options.host.toLowerCase();
  return page.host === (host.endsWith(defaultPort) ? host.slice(0, -defaultPort.length) : host);
}

/**
 * Checks the list of allowed origins: each `scheme://host` or `scheme://host:port` in the form in which browsers send it.
 *
 * App shells with a scheme of their own (`capacitor://localhost`, `app://.`) are fine; so are `file://` and `null`, where they are named.
 *
 * @throws ChatError `config_invalid` on the first wrong entry, saying what to write instead.
 *
 * @example
 * parseOrigins(["https://app.example", "http://localhost:5173"])
 */
export function parseOrigins(entries: readonly string[]): readonly string[] {
  return [...new Set(entries.map(parseOrigin))];
}

function parseOrigin(entry: string): string {
  if (typeof entry !== "string")
    throw new ChatError("config_invalid", `origins are texts such as "https://app.example", got ${shownValue(entry)}`);
  // A user name comes with a password: this one text does not repeat the value.
  if (entry.includes("@")) throw new ChatError("config_invalid", "An origin has no user name or password");
  const wrong = faultOf(entry);
  // Texts repeat no query either, and nothing long.
  const shown = JSON.stringify(entry.replace(/[?#].*$/s, "?***").slice(0, shownCharsMax));
  if (wrong !== null) throw new ChatError("config_invalid", `${wrong}; the origin is ${shown}`);
  return entry;
}

function faultOf(entry: string): string | null {
  if (entry.includes("*")) return "Wildcards are not supported, every origin is named";
  if (namedOrigins.test(entry) && !/^(https?|wss?):/.test(entry)) return null;
  if (!entry.includes("://") || !URL.canParse(entry)) return 'Expected "https://host" or "https://host:port"';
  const { protocol, origin } = new URL(entry);
  if (schemesRefused.includes(protocol)) return "Expected http or https, the scheme of the page";
  if (protocol !== "http:" && protocol !== "https:")
    return appOrigin.test(entry) ? null : 'Expected "scheme://host" in lower case';
  return origin === entry ? null : `Expected ${JSON.stringify(origin)}, as browsers send it`;
}
