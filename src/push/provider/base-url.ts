import { ChatError } from "../../error.ts";
import { safeUrlOf } from "../../internal/safe-url.ts";

/**
 * Where a provider is asked, without a slash at its end: https, or http on this machine.
 *
 * @param what Its name, for the text of the error.
 * @throws ChatError `config_invalid`; the text does not hold the address, which may hold a password.
 */
export function baseUrlOf(text: string, what: string): string {
  const url = safeUrlOf(text);
  if (url === null || url.username + url.password + url.search + url.hash !== "") {
    throw new ChatError(
      "config_invalid",
      `${what} must be an https URL, or http on this machine, without user name, query and fragment`,
    );
  }
  return url.href.replace(/\/+$/, "");
}
