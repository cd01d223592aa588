import { type Identity, identityKey } from "../model.ts";

/** A subscription for each of some users. */
export function createUserSubscriptions(subscribe: (identity: Identity) => () => void) {
  const users = new Map<string, { readonly identity: Identity; readonly end: () => void }>();

  return {
    users,
    /** Subscribes for a user; false: there is a subscription already. */
    add(identity: Identity): boolean {
      const key = identityKey(identity);
      if (users.has(key)) return false;
      users.set(key, { identity, end: subscribe(identity) });
      return true;
    },
    end(identity: Identity): void {
      const key = identityKey(identity);
      users.get(key)?.end();
      users.delete(key);
    },
    stop(): void {
      for (const { end } of users.values()) end();
      users.clear();
    },
  };
}
