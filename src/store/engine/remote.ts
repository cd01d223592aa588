import type { ResultSet } from "@libsql/client/web";
import { createBreaker } from "../../internal/breaker.ts";
import { systemClock } from "../../internal/clock.ts";
import { createSemaphore } from "../../internal/semaphore.ts";
import { systemRandom } from "../../internal/random.ts";
import { withDeadline } from "../../internal/deadline.ts";
import { toArguments } from "./arguments.ts";
import type { Engine, Row, Statement, Value } from "./engine.ts";
import { closedFailure, failure } from "./failure.ts";
import { createReadQueue } from "./read-queue.ts";
import { type Batch, createRemoteClient, isBusy, type RemoteClientOptions } from "./remote-client.ts";

/** Default: a deadline of 10 s, and the system's clock and randomness. */
export type RemoteOptions = Pick<RemoteClientOptions, "url"> & Partial<RemoteClientOptions>;

/** While a server is down, three calls wait for their deadline, and then at most one a second. */
const breakerOptions = { failuresMax: 3, openMsMin: 100, openMsMax: 1_000 };

/**
 * Requests under way at a time. A server refuses more than its limit (sqld takes 128, of all nodes together), and more do not make it faster. Two
 * writes, so that the second is there when the first is done. A commit does not wait for reads.
 */
const atOnceMax = { read: 8, write: 2 };
const readStatementsMax = 64;

/** Whether the database itself has refused the call: then it is reachable. */
const isAnswer = (error: unknown): boolean =>
  error instanceof Error && "code" in error && /^(SQL|RESPONSE_TOO_LARGE$)/.test(String(error.code));

/**
 * An engine on a libSQL server (Turso, sqld). Each call is one HTTP request.
 *
 * @throws {ChatError} `config_invalid` when the URL is none that the client takes, or the token none. Nothing is sent yet.
 */
export function createRemoteEngine(options: RemoteOptions): Engine {
  const { deadlineMs = 10_000, clock = systemClock, random = systemRandom } = options;
  const client = createRemoteClient({ ...options, deadlineMs, clock, random });
  const breaker = createBreaker({ clock, random, ...breakerOptions });
  const enter = createSemaphore(atOnceMax.write);
  let isClosed = false;
  /** Calls under way that try whether the server is reachable again. */
  let probes = 0;
  let answeredAt = -Infinity;

  /** Whether this call is a probe; throws where there are enough already. */
  function beginProbe(): boolean {
    if (isClosed) throw closedFailure();
    const allowed = breaker.allows(Infinity);
    if (allowed === Infinity) return false;
    if (probes >= allowed) throw failure(new Error("The server does not answer, and is asked again soon"));
    return true;
  }

  async function attempt(mode: "read" | "write", batch: Batch, end: number): Promise<ResultSet[]> {
    if (clock.elapsed() >= end) throw failure(new Error("Its turn came too late"));
    const isProbe = beginProbe();
    const begun = clock.elapsed();
    if (isProbe) probes += 1;
    const noteAnswer = (): void => {
      answeredAt = clock.elapsed();
      breaker.answered();
    };
    try {
      const results = await client.ask(mode, batch, end);
      noteAnswer();
      return results;
    } catch (error) {
      if (isAnswer(error)) noteAnswer();
      // Where others were answered meanwhile, the server is reachable, and only this call was too slow.
      else if (!isClosed && answeredAt <= begun) breaker.failed();
      throw error;
    } finally {
      if (isProbe) probes -= 1;
    }
  }

  const queue = createReadQueue({
    ask: (batch, end) => attempt("read", batch, end),
    isOnesOwn: (error) => isAnswer(error) && !isBusy(error),
    ...{ atOnceMax: atOnceMax.read, statementsMax: readStatementsMax },
  });
  type Send = (batch: Batch, end: number) => Promise<ResultSet[]>;
  const write: Send = (batch, end) => enter(() => attempt("write", batch, end));

  async function call(send: Send, statements: readonly Statement[]): Promise<Row[][]> {
    if (isClosed) throw closedFailure();
    if (statements.length === 0) return [];
    try {
      // No call queues for a server that is down.
      beginProbe();
      const batch = statements.map(({ sql, args }) => ({ sql, args: toArguments(args) }));
      const asked = send(batch, clock.elapsed() + deadlineMs);
      // The deadline covers the wait for its turn too.
      const results = await withDeadline(asked, { clock, ms: deadlineMs, who: "The database server" });
      return results.map(({ columns, rows }) => rows.map((row) => toRow(columns, row)));
    } catch (error) {
      throw failure(error);
    }
  }

  return {
    read: (statements) => call(queue.read, statements),
    write: (statements) => call(write, statements),
    async close() {
      isClosed = true;
      queue.close(closedFailure());
      client.close();
    },
  };
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
