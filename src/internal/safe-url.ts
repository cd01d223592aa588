import { isLoopbackHost } from "./loopback.ts";

/** A URL to which secrets may be sent: https, or http on this machine; null: it is none. */
export function safeUrlOf(text: string): URL | null {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && isLoopbackHost(url.host));
  return isSafe ? url : null;
}

/** The same, and without a user name or a password in it. */
export function isSafeUrl(text: string): boolean {
  const url = safeUrlOf(text);
  return url !== null && url.username + url.password === "";
}
