import { identityKey } from "../../model.ts";
import type { Unproved } from "../../access/authenticate.ts";
import type { Handler } from "./handler.ts";

const cannotAsk: Unproved = { code: "unavailable", text: "This server cannot check a token on an open socket" };

/**
 * Moves the end of the session to that of a new token, which must be of the same user and tenant. The session does not change otherwise, whatever
 * the token says.
 */
export const authenticate: Handler<"authenticate", "session" | "url" | "isOpen" | "extend"> = async (
  connection,
  { token, id },
  { reauthenticate },
) => {
  const requestId = id === undefined ? {} : { id };
  const proved = (await reauthenticate?.(token, connection)) ?? cannotAsk;
  // The session may have ended meanwhile: a new token does not bring it back.
  if (!connection.isOpen()) return undefined;
  if ("code" in proved) return { type: "error", code: proved.code, message: proved.text, ...requestId };
  if (identityKey(proved) !== identityKey(connection.session)) {
    const message = "The token is of another user or tenant";
    return { type: "error", code: "forbidden", message, ...requestId };
  }
  const { expiresAt } = proved;
  if (!connection.extend(expiresAt)) return undefined;
  return { type: "authenticated", ...(expiresAt !== undefined && { expiresAt }), ...requestId };
};
