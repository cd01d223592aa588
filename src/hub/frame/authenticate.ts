import { identityKey } from "../../model.ts";
import type { Unproved } from "../../access/reauthenticate.ts";
import type { Handler } from "./handler.ts";

const notHere: Unproved = { code: "unavailable", text: "Nobody can be asked here" };

/**
 * Moves the end of the session to that of a new token, which must be of the same user and tenant. Whatever else the token is, the session stays
 * as it was.
 */
export const authenticate: Handler<"authenticate"> = async (connection, { token, id }, { reauthenticate }) => {
  const name = id === undefined ? {} : { id };
  const proved = (await reauthenticate?.(token, connection)) ?? notHere;
  // The session may have ended meanwhile: then it has.
  if (!connection.isOpen()) return;
  if ("code" in proved) return connection.reply({ type: "error", code: proved.code, message: proved.text, ...name });
  if (identityKey(proved) !== identityKey(connection.session)) {
    const message = "The token is of another user or tenant";
    return connection.reply({ type: "error", code: "forbidden", message, ...name });
  }
  const { expiresAt } = proved;
  if (!connection.extend(expiresAt)) return;
  connection.reply({ type: "authenticated", ...(expiresAt !== undefined && { expiresAt }), ...name });
};
