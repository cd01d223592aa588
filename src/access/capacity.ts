import { type Identity, identityKey } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";

type Bounds = Pick<Limits, "connectionsMax" | "connectionsPerUserMax" | "connectionsPerAddressMax">;

/** The user of a socket, and the name under which its address is counted. */
export type Holder = { readonly session: Identity; readonly address?: string | undefined };

/** Counts sockets against the limits of connections: in all, per user, per address. */
export type Capacity = {
  /** Whether there is room for one more. */
  has(holder: Holder): boolean;
  enter(holder: Holder): void;
  leave(holder: Holder): void;
  sizes(): { readonly perUser: number; readonly perAddress: number };
};

export function createCapacity({ connectionsMax, connectionsPerUserMax, connectionsPerAddressMax }: Bounds): Capacity {
  const perUser = createCounter();
  const perAddress = createCounter();
  let all = 0;

  return {
    has: ({ session, address }) =>
      all < connectionsMax &&
      perUser.count(identityKey(session)) < connectionsPerUserMax &&
      (address === undefined || perAddress.count(address) < connectionsPerAddressMax),
    enter({ session, address }) {
      all++;
      perUser.add(identityKey(session));
      if (address !== undefined) perAddress.add(address);
    },
    leave({ session, address }) {
      all--;
      perUser.remove(identityKey(session));
      if (address !== undefined) perAddress.remove(address);
    },
    sizes: () => ({ perUser: perUser.size(), perAddress: perAddress.size() }),
  };
}

/** How many there are of each name; a name of which there are none is forgotten. */
function createCounter() {
  const counts = new Map<string, number>();
  return {
    count: (name: string): number => counts.get(name) ?? 0,
    add: (name: string): void => void counts.set(name, (counts.get(name) ?? 0) + 1),
    remove(name: string): void {
      const left = (counts.get(name) ?? 0) - 1;
      if (left > 0) counts.set(name, left);
      else counts.delete(name);
    },
    size: (): number => counts.size,
  };
}
