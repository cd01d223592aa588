import type { Session } from "../model.ts";

/** Why it is not proved who somebody is. */
export type Unproved = { readonly code: "unauthenticated" | "unavailable" | "internal"; readonly text: string };

/**
 * Asks the host whose token it is that a client brings on an open socket; `url` is the address at which it opened it. Never rejects.
 */
export type Reauthenticate = (
  token: string,
  connection: { readonly url?: string | undefined },
) => Promise<Session | Unproved>;
