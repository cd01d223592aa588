import type { Clock } from "../internal/clock.ts";
import { withDeadline } from "../internal/deadline.ts";
import { readSessionEnd } from "../internal/session-end.ts";
import type { Identity } from "../model.ts";
import { closeCode } from "../protocol/close-code.ts";
import type { Connection } from "../connection/connection.ts";

/** Whether a session still holds. `expiresAt`: it does, until then (milliseconds since the Unix epoch) and no more until when it did. */
export type Revalidated = boolean | { readonly expiresAt?: number };

/** Does this session still hold? Only `false` ends it: a throw, or no answer in time, is asked again. */
export type Revalidate = (session: Identity & { readonly device: string }) => Revalidated | Promise<Revalidated>;

/**
 * What the host answered: whether the session holds, or until when, where that has moved.
 *
 * @throws TypeError where that is no time.
 */
export function readRevalidated(answer: unknown, now: number): boolean | number {
  const isMoved = typeof answer === "object" && answer !== null && "expiresAt" in answer;
  if (!isMoved || answer.expiresAt === undefined) return answer !== false;
  const end = readSessionEnd(answer.expiresAt, now);
  if (typeof end === "string") throw new TypeError(`The expiresAt that revalidate answered ${end}`);
  return end;
}

export type RevalidationOptions = {
  readonly revalidate: Revalidate;
  readonly clock: Clock;
  readonly everyMs: number;
  /** How long the host may think. */
  readonly answerMs: number;
  readonly report: (fault: unknown) => void;
};

/** How long before the end of a session it is asked about once more, beside the time that the host may take. */
const endingMs = 2_000;

/** Questions to the host at a time: it may have to ask a database of its own. */
const askedMax = 64;

/** Asks the host from time to time whether the sessions of open sockets still hold. */
export function createRevalidation({ revalidate, clock, everyMs, answerMs, report }: RevalidationOptions) {
  /** When each was last asked about; a socket is not asked about as it opens, for then it has just been. */
  const asked = new WeakMap<Connection, { readonly at: number; readonly end: number | undefined }>();
  let under = 0;

  async function ask(connection: Connection): Promise<void> {
    const { session, device } = connection;
    under++;
    try {
      const answer = Promise.resolve(revalidate({ tenant: session.tenant, user: session.user, device }));
      const held = readRevalidated(await withDeadline(answer, { clock, ms: answerMs, who: "revalidate" }), clock.now());
      if (held === false) connection.close(closeCode.sessionEnded, "the session no longer holds");
      else if (typeof held === "number") connection.extend(held);
    } catch (fault) {
      report(fault);
    } finally {
      under--;
    }
  }

  return {
    /**
     * Asks about a connection whose turn it is, and once more just before its session ends, for that may have moved. One that has to wait for
     * others is asked about at its next beat.
     */
    beat(connection: Connection): void {
      const now = clock.elapsed();
      const last = asked.get(connection);
      const end = connection.sessionEnd();
      const isEnding = end !== undefined && end - clock.now() <= answerMs + endingMs;
      const isDue = last === undefined || now - last.at >= everyMs || (isEnding && last.end !== end);
      if (!isDue || (last !== undefined && under >= askedMax)) return;
      asked.set(connection, { at: now, end: isEnding && last !== undefined ? end : undefined });
      if (last !== undefined) void ask(connection);
    },
  };
}

export type Revalidation = ReturnType<typeof createRevalidation>;
