/** Where a token may stand: a device of a user, with one provider. */
export type Place = {
  readonly tenant: string;
  readonly user: string;
  readonly device: string;
  readonly provider: string;
};

/** One thing that a client says of where it is notified, with the moments between which it came to hold. */
export type Claim = Omit<Place, "provider"> & {
  /** null: of a logout, for all of them. */
  readonly provider: string | null;
  /** null: nowhere any more. */
  readonly token: string | null;
  readonly expiresAt: number | null;
  readonly issuedAt: number;
  confirmedAt: number;
  /** When it was taken away with the history that it was said in. */
  voidedAt: number;
};

export type Claims = ReturnType<typeof createClaims>;

const known = new WeakMap<object, Claims>();

/** Who has registered which token in a world, as those who did know of it. */
export function claimsIn(world: object): Claims {
  const claims = known.get(world) ?? createClaims();
  known.set(world, claims);
  return claims;
}

const isDeviceOf = (one: Omit<Place, "provider">, other: Omit<Place, "provider">): boolean =>
  one.tenant === other.tenant && one.user === other.user && one.device === other.device;

/** Whether what is said last makes an end of the first. */
function ends(last: Claim, first: Claim): boolean {
  if (last === first) return false;
  const isSamePlace = isDeviceOf(last, first) && (last.provider === null || last.provider === first.provider);
  if (last.token === null) return isSamePlace;
  // A token has one place in the database, whosever it was.
  const isSameToken = last.provider === first.provider && last.token === first.token;
  return isSamePlace !== isSameToken;
}

function createClaims() {
  const all: Claim[] = [];
  const of = (place: Place): Claim[] =>
    all.filter((claim) => claim.token !== null && claim.provider === place.provider && isDeviceOf(claim, place));

  return {
    issue(said: Omit<Claim, "issuedAt" | "confirmedAt" | "voidedAt">, now: number): Claim {
      const claim = { ...said, issuedAt: now, confirmedAt: Infinity, voidedAt: Infinity };
      all.push(claim);
      return claim;
    },
    /** The database was set back, and has these. */
    restore(standing: readonly (Place & Pick<Claim, "token" | "expiresAt">)[], now: number): void {
      // What is not answered yet is said again.
      for (const claim of all) if (claim.confirmedAt < Infinity && claim.voidedAt === Infinity) claim.voidedAt = now;
      for (const each of standing) all.push({ ...each, issuedAt: now, confirmedAt: now, voidedAt: Infinity });
    },
    /** Whether it is possible that the token stood there at this moment. */
    mayStand: (place: Place, token: string, at: number): boolean =>
      of(place).some(
        (claim) =>
          claim.token === token &&
          claim.issuedAt <= at &&
          claim.voidedAt >= at &&
          !all.some((last) => ends(last, claim) && last.issuedAt > claim.confirmedAt && last.confirmedAt < at),
      ),
    /** Whether a token was, or may have been, said anew after this moment. */
    isRenewed: (place: Place, token: string, after: number): boolean =>
      of(place).some((claim) => claim.token === token && claim.confirmedAt >= after),
    /** What certainly holds now. */
    standing: (): readonly Claim[] =>
      all.filter(
        (claim) =>
          claim.token !== null &&
          claim.confirmedAt < Infinity &&
          claim.voidedAt === Infinity &&
          !all.some((last) => ends(last, claim) && last.confirmedAt >= claim.issuedAt && last.voidedAt === Infinity),
      ),
    /** Every place that a user ever had. */
    placesOf: ({ tenant, user }: Pick<Place, "tenant" | "user">): number =>
      new Set(
        all
          .filter((claim) => claim.tenant === tenant && claim.user === user)
          .map((claim) => `${claim.device} ${claim.provider}`),
      ).size,
    /** Whether one that could expire ever stood there. */
    couldExpire: (place: Place): boolean => of(place).some(({ expiresAt }) => expiresAt !== null),
    /** How many devices of an owner (`tenant/user`) ever had an address of a provider. */
    placesOfProvider: (owner: string, provider: string): number =>
      all.filter((claim) => `${claim.tenant}/${claim.user}` === owner && claim.provider === provider).length,
  };
}
