import { type Identity, identityKey } from "../model.ts";
import type { Connection } from "./connection.ts";

/** One user who is here: their open connections, and the last change that was theirs. */
export type Here = {
  readonly connections: Set<Connection>;
  /** A connection that has read up to here has missed nothing that was fanned out. */
  lastN: number;
};

/** Who is here, by tenant and user. */
export function createRegistry() {
  const users = new Map<string, Here>();
  let size = 0;

  return {
    /** Adds a connection; `position` is where the feed stands. */
    join(identity: Identity, connection: Connection, position: number): Here {
      const key = identityKey(identity);
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
      const here = users.get(key);
      if (!here?.connections.delete(connection)) return false;
      size--;
      return here.connections.size === 0 && users.delete(key);
    },
    find: (tenant: string, user: string): Here | undefined => users.get(identityKey({ tenant, user })),
    /** How many users are here; 0 once all have left. */
    users: (): number => users.size,
    size: (): number => size,
  };
}

export type Registry = ReturnType<typeof createRegistry>;
