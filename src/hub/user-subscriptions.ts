import { type Identity, identityKey } from "../model.ts";

/** A subscription for each of some users. */
export type UserSubscriptions = {
  readonly users: ReadonlyMap<string, { readonly identity: Identity; readonly end: () => void }>;
  /** Subscribes for a user; false: there is a subscription already. */
  add(identity: Identity): boolean;
  end(identity: Identity): void;
  /** Ends all. */
  stop(): void;
};

export function createUserSubscriptions(subscribe: (identity: Identity) => () => void): UserSubscriptions {
  const users = new Map<string, { readonly identity: Identity; readonly end: () => void }>();

  return {
    users,
    add(identity) {
      const key = identityKey(identity);
      if (users.has(key)) return false;
      users.set(key, { identity, end: subscribe(identity) });
      return true;
    },
    end(identity) {
      const key = identityKey(identity);
      users.get(key)?.end();
      users.delete(key);
    },
    stop() {
      for (const { end } of users.values()) end();
      users.clear();
    },
  };
}
