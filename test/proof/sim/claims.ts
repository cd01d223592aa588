/** The key of an address: a device of a user, with one provider. */
export type AddressKey = {
  readonly tenant: string;
  readonly user: string;
  readonly device: string;
  readonly provider: string;
};

/** One registration or logout by a client, with the span within which it took effect. */
export type Claim = Omit<AddressKey, "provider"> & {
  /** null: a logout, from all providers. */
  readonly provider: string | null;
  /** null: removed. */
  readonly token: string | null;
  readonly expiresAt: number | null;
  readonly issuedAt: number;
  confirmedAt: number;
  /** When a restore removed the history that it was made in. */
  voidedAt: number;
};

export type Claims = ReturnType<typeof createClaims>;

const known = new WeakMap<object, Claims>();

/** The registered tokens of a world, as the clients that registered them know. */
export function claimsIn(world: object): Claims {
  const claims = known.get(world) ?? createClaims();
  known.set(world, claims);
  return claims;
}

const isDeviceOf = (one: Omit<AddressKey, "provider">, other: Omit<AddressKey, "provider">): boolean =>
  one.tenant === other.tenant && one.user === other.user && one.device === other.device;

/** Whether the last claim ends the first one. */
function ends(last: Claim, first: Claim): boolean {
  if (last === first) return false;
  const isSameAddress = isDeviceOf(last, first) && (last.provider === null || last.provider === first.provider);
  if (last.token === null) return isSameAddress;
  // The database holds a token once, even when it moves to another user.
  const isSameToken = last.provider === first.provider && last.token === first.token;
  return isSameAddress !== isSameToken;
}

function createClaims() {
  const all: Claim[] = [];
  const of = (address: AddressKey): Claim[] =>
    all.filter((claim) => claim.token !== null && claim.provider === address.provider && isDeviceOf(claim, address));

  return {
    issue(fields: Omit<Claim, "issuedAt" | "confirmedAt" | "voidedAt">, now: number): Claim {
      const claim = { ...fields, issuedAt: now, confirmedAt: Infinity, voidedAt: Infinity };
      all.push(claim);
      return claim;
    },
    /** The database was restored, and has these. */
    restore(registered: readonly (AddressKey & Pick<Claim, "token" | "expiresAt">)[], now: number): void {
      // Its client repeats an unanswered claim.
      for (const claim of all) if (claim.confirmedAt < Infinity && claim.voidedAt === Infinity) claim.voidedAt = now;
      for (const each of registered) all.push({ ...each, issuedAt: now, confirmedAt: now, voidedAt: Infinity });
    },
    /** Whether the token may have been registered there at this moment. */
    mayBeRegistered: (address: AddressKey, token: string, at: number): boolean =>
      of(address).some(
        (claim) =>
          claim.token === token &&
          claim.issuedAt <= at &&
          claim.voidedAt >= at &&
          !all.some((last) => ends(last, claim) && last.issuedAt > claim.confirmedAt && last.confirmedAt < at),
      ),
    /** Whether the token was, or may have been, registered again after this moment. */
    isRenewed: (address: AddressKey, token: string, after: number): boolean =>
      of(address).some((claim) => claim.token === token && claim.confirmedAt >= after),
    /** The claims that certainly hold now. */
    registered: (): readonly Claim[] =>
      all.filter(
        (claim) =>
          claim.token !== null &&
          claim.confirmedAt < Infinity &&
          claim.voidedAt === Infinity &&
          !all.some((last) => ends(last, claim) && last.confirmedAt >= claim.issuedAt && last.voidedAt === Infinity),
      ),
    /** How many addresses a user ever had. */
    addressesOf: ({ tenant, user }: Pick<AddressKey, "tenant" | "user">): number =>
      new Set(
        all
          .filter((claim) => claim.tenant === tenant && claim.user === user)
          .map((claim) => `${claim.device} ${claim.provider}`),
      ).size,
    /** Whether a token that expires was ever registered there. */
    couldExpire: (address: AddressKey): boolean => of(address).some(({ expiresAt }) => expiresAt !== null),
    /** How many devices of an owner (`tenant/user`) ever had an address with a provider. */
    devicesWith: (owner: string, provider: string): number =>
      all.filter((claim) => `${claim.tenant}/${claim.user}` === owner && claim.provider === provider).length,
  };
}
