/** Who uses the page. */
export type Identity = { readonly user: string; readonly tenant?: string };

const lastIdentityKey = "tidings identity";

/** Notes who is here, for a time without a network. */
export function remember(identity: Identity): void {
  try {
    localStorage.setItem(lastIdentityKey, JSON.stringify(identity));
  } catch {
    // This browser stores nothing: it has nothing to show without a network either.
  }
}

/** Who was here last. */
export function recall(): Identity | null {
  try {
    return JSON.parse(localStorage.getItem(lastIdentityKey) ?? "null") as Identity | null;
  } catch {
    return null;
  }
}
