import type { Session } from "../model.ts";

/** The user of a request, as the host's `authenticate` has proved it. */
export type Proof = {
  /** 1–128 characters of `A–Z a–z 0–9 + - _ . @ : ~ |`, and neither `.` nor `..`. */
  readonly user: string;
  /** As `user`; default `default`. */
  readonly tenant?: string;
  /**
   * Milliseconds since the Unix epoch; open sockets close with 4401 then. A value that must be seconds (as `exp` of a JWT) is answered 500 and
   * logged; one beyond the last possible date counts as that date. Absent: the session does not end by itself.
   */
  readonly expiresAt?: number;
  /** `true`: the host itself asks. It may see why each user of the tenant was, or was not, notified. */
  readonly isHost?: boolean;
};

/** Identifies the user of a request; null: there is none. A throw is answered 503 and never admits a request. */
export type Authenticate = (request: Request) => Proof | null | Promise<Proof | null>;

/** Why the identity of a user is not proved. */
export type Unproved = { readonly code: "unauthenticated" | "unavailable" | "internal"; readonly text: string };

/**
 * Asks the host for the user of a token that a client sends on an open socket; `url` is the address of the socket. Never rejects.
 */
export type Reauthenticate = (
  token: string,
  connection: { readonly url?: string | undefined },
) => Promise<Session | Unproved>;
