import type { Clock } from "../internal/clock.ts";
import { withDeadline } from "../internal/deadline.ts";
import { readSessionEnd } from "../internal/session-end.ts";
import type { Identity } from "../model.ts";
import { closeCode } from "../protocol/close-code.ts";
import type { Connection } from "../connection/connection.ts";
import type { Health } from "../connection/health.ts";

/** Whether a session still holds. `expiresAt`: it holds until then (milliseconds since the Unix epoch), whatever its end was before. */
export type Revalidated = boolean | { readonly expiresAt?: number };

/** Does this session still hold? Only `false` ends it: after a throw, or without an answer in time, it is asked again. */
export type Revalidate = (session: Identity & { readonly device: string }) => Revalidated | Promise<Revalidated>;

/**
 * The host's answer: whether the session holds, or its new end.
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
  /** The time in which the host must answer. */
  readonly answerMs: number;
  readonly report: (fault: unknown) => void;
};

/** The parts of a connection that it uses. */
type Revalidatable = Pick<Connection, "session" | "device" | "close" | "extend"> & {
  readonly health: Pick<Health, "sessionEnd">;
};

/** Asks the host from time to time whether the sessions of open sockets still hold. */
export type Revalidation = {
  /**
   * Asks about a connection when it is due, and once more just before its session ends, for the end may have moved. While too many questions are
   * under way, the connection's next beat asks.
   */
  beat(connection: Revalidatable): void;
};

/** A session is asked about once more this long before its end, beside the time in which the host must answer. */
const endingMs = 2_000;

/** Questions to the host at a time: it may have to ask a database of its own. */
const askedMax = 64;

export function createRevalidation(options: RevalidationOptions): Revalidation {
  const { revalidate, clock, everyMs, answerMs, report } = options;
  /** When each was last asked about. A socket that opens counts as asked about: the host has just proved its session. */
  const asked = new WeakMap<Revalidatable, { readonly at: number; readonly end: number | undefined }>();
  let underWay = 0;

  async function ask(connection: Revalidatable): Promise<void> {
    const { session, device } = connection;
    underWay++;
    try {
      const answer = Promise.resolve(revalidate({ tenant: session.tenant, user: session.user, device }));
      const held = readRevalidated(await withDeadline(answer, { clock, ms: answerMs, who: "revalidate" }), clock.now());
      if (held === false) connection.close(closeCode.sessionEnded, "the session no longer holds");
      else if (typeof held === "number") connection.extend(held);
    } catch (fault) {
      report(fault);
    } finally {
      underWay--;
    }
  }

  return {
    beat(connection) {
      const now = clock.elapsed();
      const last = asked.get(connection);
      const end = connection.health.sessionEnd();
      const isEnding = end !== undefined && end - clock.now() <= answerMs + endingMs;
      const isDue = last === undefined || now - last.at >= everyMs || (isEnding && last.end !== end);
      if (!isDue || (last !== undefined && underWay >= askedMax)) return;
      asked.set(connection, { at: now, end: isEnding && last !== undefined ? end : undefined });
      if (last !== undefined) void ask(connection);
    },
  };
}
