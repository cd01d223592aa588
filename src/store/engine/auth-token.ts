import { ChatError } from "../../error.ts";
import { backoffMs } from "../../internal/backoff.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Random } from "../../internal/random.ts";
import { withDeadline } from "../../internal/deadline.ts";
import { deferred } from "../../internal/deferred.ts";
import { closedFailure } from "./failure.ts";

/**
 * The token of a libSQL server: a text, or a function that answers it, for tokens that expire. The function is asked before the first request
 * and again when the server has refused its token.
 */
export type AuthToken = string | (() => string | Promise<string>);

type TokenSourceOptions = {
  readonly authToken: AuthToken | undefined;
  /** How long the function may take. */
  readonly deadlineMs: number;
  readonly clock: Pick<Clock, "elapsed" | "after">;
  readonly random: Pick<Random, "integer">;
};

/** Between two calls of the function, while its tokens are refused or it fails. The second call is made at once. */
const againMsMin = 1_000;
const againMsMax = 30_000;

/** The characters that a header may contain. */
const tokenForm = /^[\x21-\x7e]+$/;

/**
 * Keeps the token in use. All requests that need another one share one call of the function.
 *
 * @throws {ChatError} `config_invalid`: the text is not a token.
 */
export function createTokenSource({ authToken, deadlineMs, clock, random }: TokenSourceOptions) {
  if (typeof authToken !== "function") {
    const text = authToken?.trim() ?? "";
    if (text !== "" && !tokenForm.test(text))
      throw new ChatError(
        "config_invalid",
        "The token of the database server has blanks or other characters than ASCII",
      );
    return { isRenewable: false, known: () => text, get: async () => text, close: (): void => {} };
  }
  const ask = authToken;
  const who = "authToken";
  let token: string | null = null;
  let asking: Promise<string> | null = null;
  let attempts = 0;
  let askedAt = -Infinity;
  let askableAt = 0;
  let cancelWait = (): void => {};
  const stopped = deferred<never>();
  // A rejection without a caller must not end the process.
  stopped.promise.catch(() => {});

  async function renew(): Promise<string> {
    const ms = askableAt - clock.elapsed();
    if (ms > 0) await new Promise<void>((resolve) => (cancelWait = clock.after(ms, resolve)));
    const now = clock.elapsed();
    // Long after the last call this is no repetition: the token has simply expired.
    attempts = now - askedAt >= Math.max(againMsMax, 2 * (askableAt - askedAt)) ? 0 : attempts + 1;
    askedAt = now;
    try {
      const answer: unknown = await withDeadline(Promise.resolve().then(ask), { clock, ms: deadlineMs, who });
      const text = typeof answer === "string" ? answer.trim() : "";
      if (!tokenForm.test(text)) throw new TypeError("authToken answered no token");
      token = text;
      return text;
    } catch (cause) {
      throw new ChatError("unavailable", "The token of the database server cannot be had: authToken failed", { cause });
    } finally {
      const waitMs =
        attempts === 0 ? 0 : backoffMs(random, { attempt: attempts - 1, minMs: againMsMin, maxMs: againMsMax });
      askableAt = clock.elapsed() + waitMs;
      asking = null;
    }
  }

  return {
    /** Whether another token can be had than the one that was refused. */
    isRenewable: true,
    /** The token that is in use and was not refused; null: `get` asks for it. */
    known: (refused?: string): string | null => (token === refused ? null : token),
    /** The token to use in place of the one that was refused, where there was one. Rejects with `unavailable` at `end` of the elapsed time. */
    async get(end: number, refused?: string): Promise<string> {
      if (token !== null && token !== refused) return token;
      if (asking === null && askableAt >= end)
        throw new ChatError(
          "unavailable",
          "The token of the database server cannot be had, and is asked for again soon",
        );
      asking ??= renew();
      const answer = Promise.race([asking, stopped.promise]);
      return await withDeadline(answer, { clock, ms: Math.max(0, end - clock.elapsed()), who });
    },
    /** Rejects all calls that wait for a token. */
    close(): void {
      cancelWait();
      stopped.reject(closedFailure());
    },
  };
}

export type TokenSource = ReturnType<typeof createTokenSource>;
