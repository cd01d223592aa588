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

/** Whether a path is that of the socket, wherever the chat is mounted. */
export const isSocketPath = (path: string): boolean => path.endsWith("/ws");
