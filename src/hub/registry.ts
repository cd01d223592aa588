import { type Identity, identityKey } from "../model.ts";
import type { Connection } from "../connection/connection.ts";

/** The open connections of one user, and the last change that was fanned out to that user. */
export type Here = {
  readonly connections: Set<Connection>;
  /** A connection that has read up to here has missed nothing that was fanned out. */
  lastN: number;
};

/** The connections of this node, by tenant and user. */
export type Registry = {
  /** A connection is about to open. */
  enter(identity: Identity, connection: Connection): void;
  /** A connection is open; `position`: the feed's. */
  join(identity: Identity, connection: Connection, position: number): Here;
  /** A connection is gone. True: it was the user's last open one. */
  leave(identity: Identity, connection: Connection): boolean;
  /** The open connections of a user; undefined: there are none. */
  find(tenant: string, user: string): Here | undefined;
  /** The connections of a user, also those that are about to open. */
  everyOf(identity: Identity): readonly Connection[];
  /** The number of users with open connections. */
  users(): number;
  /** The number of open connections. */
  size(): number;
};

export function createRegistry(): Registry {
  const users = new Map<string, Here>();
  /** Connections that are about to open. */
  const opening = new Map<string, Set<Connection>>();
  let size = 0;

  function endOpening(key: string, connection: Connection): void {
    const others = opening.get(key);
    others?.delete(connection);
    if (others?.size === 0) opening.delete(key);
  }

  return {
    enter(identity, connection) {
      const key = identityKey(identity);
      opening.set(key, (opening.get(key) ?? new Set()).add(connection));
    },
    join(identity, connection, position) {
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
    leave(identity, connection) {
      const key = identityKey(identity);
      endOpening(key, connection);
      const here = users.get(key);
      if (!here?.connections.delete(connection)) return false;
      size--;
      return here.connections.size === 0 && users.delete(key);
    },
    find: (tenant, user) => users.get(identityKey({ tenant, user })),
    everyOf(identity) {
      const key = identityKey(identity);
      return [...(users.get(key)?.connections ?? []), ...(opening.get(key) ?? [])];
    },
    users: () => users.size,
    size: () => size,
  };
}
