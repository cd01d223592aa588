import { SmallSet } from "./small-set.ts";
import { type Identity, identityKey } from "../model.ts";
import type { Connection } from "../connection/connection.ts";

/** The open connections of one user, and the last change that was fanned out to that user. */
export type Here = {
  readonly connections: SmallSet<Connection>;
  /** A connection that has read up to here has missed nothing that was fanned out. */
  lastN: number;
  /** The groups of the user are being read: until they are known, it reads the log. */
  isReading: boolean;
};

/** The connections of this node, by tenant and user. */
export function createRegistry() {
  const users = new Map<string, Here>();
  /** Connections that are about to open. */
  const opening = new Map<string, SmallSet<Connection>>();
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
      const others = opening.get(key) ?? new SmallSet();
      others.add(connection);
      opening.set(key, others);
    },
    /** A connection is open; `position`: the feed's. */
    join(identity: Identity, connection: Connection, position: number): Here {
      const key = identityKey(identity);
      endOpening(key, connection);
      let here = users.get(key);
      if (!here) {
        here = { connections: new SmallSet(), lastN: position, isReading: false };
        users.set(key, here);
      }
      here.connections.add(connection);
      size++;
      return here;
    },
    /** A connection is gone. True: it was the user's last open one. */
    leave(identity: Identity, connection: Connection): boolean {
      const key = identityKey(identity);
      endOpening(key, connection);
      const here = users.get(key);
      if (!here?.connections.delete(connection)) return false;
      size--;
      return here.connections.size === 0 && users.delete(key);
    },
    /** The open connections of a user; undefined: there are none. */
    find: (tenant: string, user: string): Here | undefined => users.get(identityKey({ tenant, user })),
    /** The connections of a user, also those that are about to open. */
    everyOf(identity: Identity): readonly Connection[] {
      const key = identityKey(identity);
      return [...(users.get(key)?.connections ?? []), ...(opening.get(key) ?? [])];
    },
    /** The number of users with open connections. */
    users: (): number => users.size,
    /** The number of open connections. */
    size: (): number => size,
  };
}

export type Registry = ReturnType<typeof createRegistry>;
