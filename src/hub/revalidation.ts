import type { Clock } from "../internal/clock.ts";
import { answerWithin } from "../internal/within.ts";
import type { Identity } from "../model.ts";
import { closeCode } from "../protocol/close-code.ts";
import type { Connection } from "./connection.ts";

/** Does this session still hold? Only `false` ends it: a throw, or no answer in time, is asked again. */
export type Revalidate = (session: Identity & { readonly device: string }) => boolean | Promise<boolean>;

export type RevalidationOptions = {
  readonly revalidate: Revalidate;
  readonly clock: Clock;
  readonly everyMs: number;
  /** How long the host may think. */
  readonly answerMs: number;
  readonly report: (fault: unknown) => void;
};

/** Questions to the host at a time: it may have to ask a database of its own. */
const askedMax = 64;

/** Asks the host from time to time whether the sessions of open sockets still hold. */
export function createRevalidation({ revalidate, clock, everyMs, answerMs, report }: RevalidationOptions) {
  /** When each was last asked about; a socket is not asked about as it opens, for then it has just been. */
  const asked = new WeakMap<Connection, number>();
  let under = 0;

  async function ask(connection: Connection): Promise<void> {
    const { session, device } = connection;
    under++;
    try {
      const answer = Promise.resolve(revalidate({ tenant: session.tenant, user: session.user, device }));
      if ((await answerWithin(clock, answerMs, answer, "revalidate")) === false)
        connection.close(closeCode.sessionEnded, "the session no longer holds");
    } catch (fault) {
      report(fault);
    } finally {
      under--;
    }
  }

  return {
    /** Asks about a connection whose turn it is; one that has to wait for others is asked about at its next beat. */
    beat(connection: Connection): void {
      const now = clock.elapsed();
      const last = asked.get(connection);
      if (last !== undefined && (now - last < everyMs || under >= askedMax)) return;
      asked.set(connection, now);
      if (last !== undefined) void ask(connection);
    },
  };
}

export type Revalidation = ReturnType<typeof createRevalidation>;
