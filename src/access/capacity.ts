import { type Identity, identityKey } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";
import { createCounter } from "./counter.ts";

type Bounds = Pick<Limits, "connectionsMax" | "connectionsPerUserMax" | "connectionsPerAddressMax">;

/** Whose a socket is, and under which name its address is counted. */
export type Holder = { readonly session: Identity; readonly address?: string | undefined };

/** Counts sockets against the limits of connections: of all, of one user, of one address. */
export function createCapacity({ connectionsMax, connectionsPerUserMax, connectionsPerAddressMax }: Bounds) {
  const perUser = createCounter();
  const perAddress = createCounter();
  let all = 0;

  return {
    /** Whether one more fits. */
    has: ({ session, address }: Holder): boolean =>
      all < connectionsMax &&
      perUser.count(identityKey(session)) < connectionsPerUserMax &&
      (address === undefined || perAddress.count(address) < connectionsPerAddressMax),
    enter({ session, address }: Holder): void {
      all++;
      perUser.add(identityKey(session));
      if (address !== undefined) perAddress.add(address);
    },
    leave({ session, address }: Holder): void {
      all--;
      perUser.remove(identityKey(session));
      if (address !== undefined) perAddress.remove(address);
    },
    sizes: () => ({ perUser: perUser.size(), perAddress: perAddress.size() }),
  };
}

export type Capacity = ReturnType<typeof createCapacity>;
