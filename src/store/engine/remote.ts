import { type Client, createClient } from "@libsql/client/web";
import { ChatError } from "../../error.ts";
import { createBreaker } from "../../internal/breaker.ts";
import { systemClock } from "../../internal/clock.ts";
import { systemRandom } from "../../internal/random.ts";
import { toArguments } from "./arguments.ts";
import type { Engine, Row, Statement, Value } from "./engine.ts";
import { closedFailure, failure } from "./failure.ts";
import { redactUrl } from "./redact-url.ts";

export type RemoteOptions = {
  /** `libsql://`, `https://` or `http://`; `wss://` and `ws://` are taken as the latter two. */
  readonly url: string;
  readonly authToken?: string;
  /** After this long a call rejects; the server may still carry it out. */
  readonly deadlineMs?: number;
};

/** A server that is down costs three calls their deadline, and then one a second at most. */
const patience = { failuresMax: 3, openMsMin: 100, openMsMax: 1_000 };

/**
 * A connection that was open when the network lost it (a firewall that forgot it, a server that vanished) tells nobody, and Bun would ask on
 * it again, one after the other of all that it keeps, each for a whole deadline. So after a deadline none is used twice until those are
 * gone: Bun closes what was idle for five minutes, other runtimes sooner.
 */
const distrustMs = 330_000;

/** Whether the database itself has said no: then it is there. */
const isAnswer = (error: unknown): boolean =>
  error instanceof Error && "code" in error && String(error.code).startsWith("SQL");

/** One client and the calls that still run on it: a call that fails must not take its neighbours along. */
type Lease = { readonly client: Client; calls: number };

/**
 * An engine on a libSQL server (Turso, sqld). Each call is one HTTP request.
 *
 * @throws {ChatError} `config_invalid` when the URL is none that the client takes. Nothing is sent yet.
 */
export function createRemoteEngine(options: RemoteOptions): Engine {
  const deadlineMs = options.deadlineMs ?? 10_000;
  let distrustUntil = 0;
  const isTrusted = (): boolean => systemClock.elapsed() >= distrustUntil;
  let lease: Lease | undefined = openLease(options, { deadlineMs, isTrusted });
  let isClosed = false;
  const breaker = createBreaker({ clock: systemClock, random: systemRandom, ...patience });
  /** Calls that try whether the server is there again. */
  let probes = 0;

  const call = async (mode: "read" | "write", statements: readonly Statement[]): Promise<Row[][]> => {
    if (isClosed) throw closedFailure();
    if (statements.length === 0) return [];
    const allowed = breaker.allows(Infinity);
    const isProbe = allowed !== Infinity;
    if (isProbe && probes >= allowed) throw failure(new Error("The server does not answer, and is asked again soon"));
    if (isProbe) probes += 1;
    lease ??= openLease(options, { deadlineMs, isTrusted });
    const used = lease;
    used.calls += 1;
    const since = systemClock.elapsed();
    let isSent = false;
    try {
      const batch = statements.map(({ sql, args }) => ({ sql, args: toArguments(args) }));
      isSent = true;
      const results = await withDeadline(used.client.batch(batch, mode), deadlineMs);
      breaker.answered();
      isSent = false;
      return results.map(({ columns, rows }) => rows.map((row) => toRow(columns, row)));
    } catch (error) {
      if (isSent && isAnswer(error)) breaker.answered();
      else if (isSent) breaker.failed();
      const now = systemClock.elapsed();
      // Timers may be a little early.
      if (now - since >= 0.9 * deadlineMs) distrustUntil = now + distrustMs;
      if (lease === used) lease = undefined;
      throw failure(error);
    } finally {
      if (isProbe) probes -= 1;
      used.calls -= 1;
      if (lease !== used && used.calls === 0) used.client.close();
    }
  };

  return {
    read: (statements) => call("read", statements),
    write: (statements) => call("write", statements),
    async close() {
      isClosed = true;
      const last = lease;
      lease = undefined;
      if (last?.calls === 0) last.client.close();
    },
  };
}

type Wire = { readonly deadlineMs: number; readonly isTrusted: () => boolean };

function openLease(options: RemoteOptions, { deadlineMs, isTrusted }: Wire): Lease {
  const url = options.url.replace(/^ws(s?):/i, "http$1:");
  // The client has no timeout of its own; the signal ends the request, and frees its socket.
  const config = {
    url,
    intMode: "number" as const,
    fetch: (request: Request) =>
      fetch(request, { signal: AbortSignal.timeout(deadlineMs), ...(isTrusted() ? {} : { keepalive: false }) }),
  };
  const { authToken } = options;
  try {
    return { client: createClient(authToken === undefined ? config : { ...config, authToken }), calls: 0 };
  } catch (cause) {
    throw new ChatError(
      "config_invalid",
      `The database URL is not one of a libSQL server, got ${redactUrl(options.url)}`,
      {
        cause,
      },
    );
  }
}

async function withDeadline<T>(work: Promise<T>, deadlineMs: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new ChatError("unavailable", `The database server did not answer within ${deadlineMs} ms`));
    }, deadlineMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}

function toRow(columns: readonly string[], values: ArrayLike<unknown>): Row {
  const row: Row = {};
  for (const [i, column] of columns.entries()) row[column] = toValue(values[i], column);
  return row;
}

function toValue(value: unknown, column: string): Value {
  if (typeof value === "string" || typeof value === "number" || value === null) return value;
  throw new TypeError(`Column ${column} holds neither text nor a number`);
}
