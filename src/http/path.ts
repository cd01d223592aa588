import { ChatError } from "../error.ts";

/**
 * The path of a request's address, without query or fragment. Never throws: a runtime may hand over an address without
 * a host (HTTP/1.0), which `new URL` refuses.
 *
 * @example
 * pathOf("http://localhost:6662/chat/ws?device=phone") // "/chat/ws"
 */
export function pathOf(url: string): string {
  const withoutQuery = url.split(/[?#]/, 1)[0] ?? "";
  return withoutQuery.replace(/^[a-z][a-z0-9+.-]*:\/\/[^/]*/i, "") || "/";
}

/**
 * The path under which a chat is mounted, in the form that the code uses: `/chat`, or the empty text for the root. The slash at the beginning may
 * be missing, and there may be some at the end.
 *
 * @throws ChatError `config_invalid`: no path.
 *
 * @example
 * parseBase("chat/") // "/chat"
 */
export function parseBase(base: string): string {
  const path = typeof base === "string" ? base.replace(/^\/?/, "/").replace(/\/+$/, "") : null;
  if (path !== null && /^(\/[\w.~!$&'()+,;=:@%-]+)*$/.test(path) && !path.includes("/:")) return path;
  throw new ChatError(
    "config_invalid",
    'base is the path under which the chat is mounted, such as "/chat", and no pattern or address',
  );
}

/**
 * The part of a path that is the chat's, below `base`. Without a base, it begins at the first segment with which a path of the chat
 * begins (`heads`, as patterns). A slash at the end changes nothing.
 *
 * @example
 * pathBelow("/app/chat/conversations/c7/read", { heads: ["conversations"] }) // "/conversations/c7/read"
 * pathBelow("/messages/messages", { heads: ["messages"], base: "/messages" }) // "/messages"
 */
export function pathBelow(
  path: string,
  { heads, base }: { readonly heads: readonly string[]; readonly base?: string | undefined },
): string {
  if (base !== undefined) return path.startsWith(`${base}/`) ? withoutSlash(path.slice(base.length)) : nowhere;
  const starts = heads.map((head) => path.search(new RegExp(`/${head}(?=/|$)`))).filter((start) => start >= 0);
  return withoutSlash(starts.length === 0 ? path : path.slice(Math.min(...starts)));
}

const withoutSlash = (path: string): string => (path.length > 1 && path.endsWith("/") ? path.slice(0, -1) : path);

/** No route of the chat. */
const nowhere = "/";
