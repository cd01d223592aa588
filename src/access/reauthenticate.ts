import type { Session } from "../model.ts";

/** Why the identity of a user is not proved. */
export type Unproved = { readonly code: "unauthenticated" | "unavailable" | "internal"; readonly text: string };

/**
 * Asks the host for the user of a token that a client sends on an open socket; `url` is the address of the socket. Never rejects.
 */
export type Reauthenticate = (
  token: string,
  connection: { readonly url?: string | undefined },
) => Promise<Session | Unproved>;
