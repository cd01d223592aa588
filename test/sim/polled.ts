import type { Sighting } from "../checker/checker.ts";

/** What the clients without a socket of one user have stored, by place. */
export type Polled = Map<string, Sighting>;

const stored = new WeakMap<object, Map<string, Polled>>();

/** What the pollers of a user (`tenant/user`) have stored in a world. */
export function polledIn(world: object, owner: string): Polled {
  const owners = stored.get(world) ?? new Map<string, Polled>();
  stored.set(world, owners);
  const polled = owners.get(owner) ?? new Map<string, Sighting>();
  owners.set(owner, polled);
  return polled;
}
