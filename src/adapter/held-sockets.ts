import type { Admission } from "../http/admission.ts";
import { createTally } from "../hub/tally.ts";
import { identityKey } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";

type Bounds = Pick<Limits, "connectionsMax" | "connectionsPerUserMax" | "connectionsPerAddressMax">;
type Holder = Pick<Admission, "session" | "address">;

/**
 * Counts the sockets that the runtime holds, those too that the chat is done with. Deno cannot drop a socket: one whose peer never answers
 * the closing handshake stays open, and nobody may gather them beyond the limits of connections.
 */
export function createHeldSockets({ connectionsMax, connectionsPerUserMax, connectionsPerAddressMax }: Bounds) {
  const perUser = createTally();
  const perAddress = createTally();
  let all = 0;

  return {
    /** Whether one more fits under the limits. */
    hasRoom: ({ session, address }: Holder): boolean =>
      all < connectionsMax &&
      perUser.count(identityKey(session)) < connectionsPerUserMax &&
      (address === undefined || perAddress.count(address) < connectionsPerAddressMax),

    /** Counts one. What it answers is to be called when the runtime says that the socket is gone; only the first call counts. */
    hold({ session, address }: Holder): () => void {
      const user = identityKey(session);
      let isHeld = true;
      all++;
      perUser.add(user);
      if (address !== undefined) perAddress.add(address);
      return () => {
        if (!isHeld) return;
        isHeld = false;
        all--;
        perUser.remove(user);
        if (address !== undefined) perAddress.remove(address);
      };
    },
  };
}
