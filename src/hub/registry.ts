import { type Identity, identityKey } from "../model.ts";
import type { Connection } from "./connection.ts";

/** One user who is here: their open connections, and the last change that was theirs. */
export type Presence = {
  readonly connections: Set<Connection>;
  /** A connection that has read up to here has missed nothing that was fanned out. */
  lastN: number;
};

/** Who is here, by tenant and user. */
export function createRegistry() {
  const users = new Map<string, Presence>();
  let size = 0;

  return {
    /** Adds a connection; `position` is where the feed stands. */
    join(identity: Identity, connection: Connection, position: number): Presence {
      const key = identityKey(identity);
      let presence = users.get(key);
      if (!presence) {
        presence = { connections: new Set(), lastN: position };
        users.set(key, presence);
      }
      presence.connections.add(connection);
      size++;
      return presence;
    },
    leave(identity: Identity, connection: Connection): void {
      const key = identityKey(identity);
      const presence = users.get(key);
      if (!presence?.connections.delete(connection)) return;
      size--;
      if (presence.connections.size === 0) users.delete(key);
    },
    find: (tenant: string, user: string): Presence | undefined => users.get(identityKey({ tenant, user })),
    /** How many users are here; 0 once all have left. */
    users: (): number => users.size,
    size: (): number => size,
  };
}

export type Registry = ReturnType<typeof createRegistry>;
