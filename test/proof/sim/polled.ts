import type { Sighting } from "../checker/checker.ts";

/** The messages that a user's clients without a socket have stored, by position. */
export type Polled = Map<string, Sighting>;

const stored = new WeakMap<object, Map<string, Polled>>();
const archives = new WeakMap<Polled, Map<string, Sighting>>();

/** Stores a polled message. */
export function storePolled(polled: Polled, row: Sighting): void {
  const place = `${row.conversation} ${row.seq}`;
  polled.set(place, row);
  const archive = archives.get(polled) ?? new Map<string, Sighting>();
  archives.set(polled, archive.set(`${place} ${row.id}`, row));
}

/** The database was restored: of all messages ever polled, keeps those that it has. */
export function restorePolled(polled: Polled, history: readonly Sighting[]): void {
  const archive = archives.get(polled);
  polled.clear();
  for (const { conversation, seq, id } of history) {
    const row = archive?.get(`${conversation} ${seq} ${id}`);
    if (row) polled.set(`${conversation} ${seq}`, row);
  }
}

/** The messages that the pollers of a user (`tenant/user`) have stored in a world. */
export function polledIn(world: object, owner: string): Polled {
  const owners = stored.get(world) ?? new Map<string, Polled>();
  stored.set(world, owners);
  const polled = owners.get(owner) ?? new Map<string, Sighting>();
  owners.set(owner, polled);
  return polled;
}
