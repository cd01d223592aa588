import type { Identity } from "../model.ts";
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
  const name = ({ tenant, user }: Identity): string => `${tenant} ${user}`;

  return {
    /** Adds a connection; `position` is where the feed stands. */
    join(identity: Identity, connection: Connection, position: number): Presence {
      const key = name(identity);
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
      const key = name(identity);
      const presence = users.get(key);
      if (!presence?.connections.delete(connection)) return;
      size--;
      if (presence.connections.size === 0) users.delete(key);
    },
    find: (tenant: string, user: string): Presence | undefined => users.get(`${tenant} ${user}`),
    count: (identity: Identity): number => users.get(name(identity))?.connections.size ?? 0,
    /** How many users are here; 0 once all have left. */
    users: (): number => users.size,
    size: (): number => size,
    *connections(): Generator<Connection> {
      for (const { connections } of users.values()) yield* connections;
    },
  };
}

export type Registry = ReturnType<typeof createRegistry>;
