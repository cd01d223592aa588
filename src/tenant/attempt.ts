import { ChatError } from "../error.ts";
import { backoffMs } from "../internal/backoff.ts";
import type { Clock } from "../internal/clock.ts";
import type { Log } from "../internal/logger.ts";
import type { Random } from "../internal/random.ts";
import type { Database } from "./database.ts";

/** The result of one try to open a database. */
export type Outcome =
  | { readonly type: "open"; readonly database: Database }
  | {
      readonly type: "failed";
      readonly error: ChatError;
      /** Whether an operator must change something first: a setting, the schema, the file. */
      readonly isFinal: boolean;
      /** Until when it is not tried again, by the clock's elapsed time. */
      readonly until: number;
    };

export type AttemptOptions = {
  readonly open: () => Promise<Database>;
  /** How many tries failed before this one. */
  readonly attempt: number;
  readonly clock: Clock;
  readonly random: Pick<Random, "integer">;
  readonly log: Log;
};

/** Here a further try fails as well. Other causes end by themselves: another process has the file, a server is still starting. */
const finalCodes: readonly string[] = ["config_invalid", "migration_refused", "database_unfit"];

/** Shortages of the machine, as the system and SQLite name them: too many open files, a full disk, no memory. */
const passing = /^(EMFILE|ENFILE|ENOSPC|EIO|EAGAIN|EBUSY|ENOMEM|SQLITE_(BUSY|FULL|IOERR|NOMEM|CANTOPEN)(_\w+)?)$/;
const causesMax = 8;

/** Whether a shortage, which may end, is the cause of an error. */
function isPassing(error: unknown): boolean {
  let cause = error;
  for (let i = 0; cause instanceof Error && i < causesMax; i++) {
    if ("code" in cause && passing.test(String(cause.code))) return true;
    cause = cause.cause;
  }
  return false;
}

/**
 * The pause between two tries. Waiting for the lock of a file blocks the event loop (`file-lock.ts`), so the
 * pause is never short.
 */
const pauseMsMin = 500;
const pauseMsMax = 2_000;

/** Tries once to open a database; after each failure in a row the pause is longer. Never rejects. */
export async function tryToOpen({ open, attempt, clock, random, log }: AttemptOptions): Promise<Outcome> {
  try {
    return { type: "open", database: await open() };
  } catch (cause) {
    const error = cause instanceof ChatError ? cause : unavailable(cause);
    const { code, message: reason } = error;
    const isFinal = finalCodes.includes(code) && !isPassing(error);
    if (isFinal) log.error("the database cannot be opened", { error: cause });
    else if (isPowerOfTwo(attempt))
      log.warn("the database cannot be opened yet; it is tried again", { code, reason, attempt });
    const pauseMs = isFinal ? pauseMsMax : backoffMs(random, { attempt, minMs: pauseMsMin, maxMs: pauseMsMax });
    return { type: "failed", error, isFinal, until: clock.elapsed() + pauseMs };
  }
}

/** 0, 1, 2, 4, 8, …: a failure that lasts for hours is logged about fifteen times. */
const isPowerOfTwo = (attempt: number): boolean => (attempt & (attempt - 1)) === 0;

function unavailable(cause: unknown): ChatError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ChatError("unavailable", `The database cannot be opened: ${reason}`, { cause });
}
