/** What a host's `authenticate` proves about a request. */
export type Proof = {
  /** 1–128 characters of `A–Z a–z 0–9 + - _ . @ : ~ |`, and neither `.` nor `..`. */
  readonly user: string;
  /** As `user`; default `default`. */
  readonly tenant?: string;
  /**
   * Milliseconds since the Unix epoch; open sockets close with 4401 then. What is plainly seconds (`exp` of a JWT is) is answered 500 and
   * logged; what lies beyond the last date that there is counts as that. Absent: the session does not end by itself.
   */
  readonly expiresAt?: number;
  /** `true`: it is the host itself that asks, which may see why anybody of the tenant was, or was not, notified. */
  readonly isHost?: boolean;
};

/** Says who makes a request, or null. A throw is answered 503 and never lets anybody in. */
export type Authenticate = (request: Request) => Proof | null | Promise<Proof | null>;
