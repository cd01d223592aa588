import { type Identity, identityKey } from "../model.ts";
import type { Connection } from "../connection/connection.ts";

/** One user who is here: their open connections, and the last change that was theirs. */
export type Here = {
  readonly connections: Set<Connection>;
  /** A connection that has read up to here has missed nothing that was fanned out. */
  lastN: number;
};

/** Who is here, by tenant and user. */
export function createRegistry() {
  const users = new Map<string, Here>();
  /** Connections that have not joined yet. */
  const opening = new Map<string, Set<Connection>>();
  let size = 0;

  function endOpening(key: string, connection: Connection): void {
    const others = opening.get(key);
    others?.delete(connection);
    if (others?.size === 0) opening.delete(key);
  }

  return {
    /** A connection is about to open. */
    enter(identity: Identity, connection: Connection): void {
      const key = identityKey(identity);
      opening.set(key, (opening.get(key) ?? new Set()).add(connection));
    },
    /** Adds a connection; `position` is where the feed stands. */
    join(identity: Identity, connection: Connection, position: number): Here {
      const key = identityKey(identity);
      endOpening(key, connection);
      let here = users.get(key);
      if (!here) {
        here = { connections: new Set(), lastN: position };
        users.set(key, here);
      }
      here.connections.add(connection);
      size++;
      return here;
    },
    /** True where it was the user's last one. */
    leave(identity: Identity, connection: Connection): boolean {
      const key = identityKey(identity);
      endOpening(key, connection);
      const here = users.get(key);
      if (!here?.connections.delete(connection)) return false;
      size--;
      return here.connections.size === 0 && users.delete(key);
    },
    find: (tenant: string, user: string): Here | undefined => users.get(identityKey({ tenant, user })),
    /** Every connection of a user, also those that are not open yet. */
    everyOf(identity: Identity): readonly Connection[] {
      const key = identityKey(identity);
      return [...(users.get(key)?.connections ?? []), ...(opening.get(key) ?? [])];
    },
    /** How many users are here; 0 once all have left. */
    users: (): number => users.size,
    size: (): number => size,
  };
}

export type Registry = ReturnType<typeof createRegistry>;
