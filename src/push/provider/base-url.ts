import { ChatError } from "../../error.ts";

/** As the URL parser writes them: every spelling of an address of this machine comes out as one of these. */
const loopback = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])$/;

/**
 * Where a provider is asked, without a slash at its end: https, or http on this machine.
 *
 * @param what Its name, for the text of the error.
 * @throws ChatError `config_invalid`; the text does not hold the address, which may hold a password.
 */
export function baseUrlOf(text: string, what: string): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  const isSafe = url?.protocol === "https:" || (url?.protocol === "http:" && loopback.test(url.hostname));
  if (url === null || !isSafe || url.username + url.password + url.search + url.hash !== "") {
    throw new ChatError(
      "config_invalid",
      `${what} must be an https URL, or http on this machine, without user name, query and fragment`,
    );
  }
  return url.href.replace(/\/+$/, "");
}
