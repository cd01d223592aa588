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
 * The part of a path that is the chat's: what lies below `base`. Where nobody has said what the base is, it is all that stands before
 * the first segment with which a path of the chat begins (`heads`). A path that is not below the base is answered as it is.
 *
 * @example
 * pathBelow("/app/chat/conversations/c7/read", { heads: ["conversations"] }) // "/conversations/c7/read"
 * pathBelow("/messages/messages", { heads: ["messages"], base: "/messages" }) // "/messages"
 */
export function pathBelow(
  path: string,
  { heads, base }: { readonly heads: readonly string[]; readonly base?: string | undefined },
): string {
  if (base !== undefined) return path.startsWith(`${base}/`) ? path.slice(base.length) : nowhere;
  const starts = heads.map((head) => path.search(new RegExp(`/${head}(?=/|$)`))).filter((start) => start >= 0);
  return starts.length === 0 ? path : path.slice(Math.min(...starts));
}

/** No route of the chat. */
const nowhere = "/";
