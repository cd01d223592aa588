import { createClient, type ResultSet } from "@libsql/client/web";
import { ChatError } from "../../error.ts";
import { createBreaker } from "../../internal/breaker.ts";
import { type Clock, systemClock } from "../../internal/clock.ts";
import { type Random, systemRandom } from "../../internal/random.ts";
import { type Argument, toArguments } from "./arguments.ts";
import type { Engine, Row, Statement, Value } from "./engine.ts";
import { closedFailure, failure } from "./failure.ts";
import { redactUrl } from "./redact-url.ts";

export type RemoteOptions = {
  /** `libsql://`, `https://` or `http://`; `wss://` and `ws://` are taken as the latter two. */
  readonly url: string;
  readonly authToken?: string;
  /** After this long a call rejects; the server may still carry it out. */
  readonly deadlineMs?: number;
  readonly clock?: Pick<Clock, "elapsed" | "after">;
  readonly random?: Pick<Random, "integer">;
  /** How requests go out; default: the runtime's own. */
  readonly fetch?: (request: Request, init: RequestInit) => Promise<Response>;
};

/** A server that is down costs three calls their deadline, and then one a second at most. */
const patience = { failuresMax: 3, openMsMin: 100, openMsMax: 1_000 };

/**
 * A connection that was open when the network lost it (a firewall that forgot it, a server that vanished) tells nobody, and Bun would ask on
 * it again, one after the other of all that it keeps, each for a whole deadline. So once one seems lost none is used twice until those are
 * gone: Bun closes what was idle for five minutes, other runtimes sooner.
 */
const distrustMs = 330_000;

/** A read that has no answer by then is asked once more, on a connection of its own. */
const secondMsMax = 1_000;

/** Whether the database itself has said no: then it is there. */
const isAnswer = (error: unknown): boolean =>
  error instanceof Error && "code" in error && String(error.code).startsWith("SQL");

type Batch = { readonly sql: string; readonly args: Argument[] }[];

/** A request under way; `drop` ends it, where its answer is not wanted any more. */
type Asked = { readonly results: Promise<ResultSet[]>; readonly drop: () => void };

/**
 * An engine on a libSQL server (Turso, sqld). Each call is one HTTP request.
 *
 * @throws {ChatError} `config_invalid` when the URL is none that the client takes. Nothing is sent yet.
 */
export function createRemoteEngine(options: RemoteOptions): Engine {
  const { deadlineMs = 10_000, clock = systemClock, random = systemRandom } = options;
  const open = prepareClient(options);
  const breaker = createBreaker({ clock, random, ...patience });
  let distrustUntil = 0;
  let isClosed = false;
  /** Calls that try whether the server is there again. */
  let probes = 0;

  const distrust = (): void => void (distrustUntil = clock.elapsed() + distrustMs);

  /** One client for one call, so that a call that fails takes no neighbour along; the runtime keeps the connections. */
  function request(mode: "read" | "write", batch: Batch, { isFresh = false } = {}): Asked {
    const ended = new AbortController();
    const { signal } = ended;
    const isTrusted = !isFresh && clock.elapsed() >= distrustUntil;
    const client = open(isTrusted ? { signal } : { signal, keepalive: false });
    let isDropped = false;
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      // The client has no timeout of its own; the signal ends the request, and frees its socket.
      cancel = clock.after(deadlineMs, () => {
        distrust();
        reject(new ChatError("unavailable", `The database server did not answer within ${deadlineMs} ms`));
        ended.abort();
      });
    });

    async function run(): Promise<ResultSet[]> {
      try {
        const results = await Promise.race([client.batch(batch, mode), late]);
        breaker.answered();
        return results;
      } catch (error) {
        if (isAnswer(error)) breaker.answered();
        else if (!isDropped) breaker.failed();
        throw error;
      } finally {
        cancel();
      }
    }

    return {
      results: run(),
      drop() {
        isDropped = true;
        cancel();
        ended.abort();
      },
    };
  }

  /** The answer that comes first: of the request, or of a second one where the first is not answered soon. */
  function readTwice(batch: Batch): Promise<ResultSet[]> {
    return new Promise((resolve, reject) => {
      let waiting = 1;
      const failed = (error: unknown): void => {
        cancel();
        waiting -= 1;
        if (waiting === 0) reject(error as Error);
      };
      const first = request("read", batch);
      const cancel = clock.after(Math.min(secondMsMax, deadlineMs / 4), () => {
        waiting += 1;
        const second = request("read", batch, { isFresh: true });
        second.results.then((results) => {
          // The network has lost the first, it seems, or that would have been answered before.
          distrust();
          first.drop();
          resolve(results);
        }, failed);
        first.results.then(second.drop, () => {});
      });
      first.results.then((results) => {
        cancel();
        resolve(results);
      }, failed);
    });
  }

  const call = async (mode: "read" | "write", statements: readonly Statement[]): Promise<Row[][]> => {
    if (isClosed) throw closedFailure();
    if (statements.length === 0) return [];
    const allowed = breaker.allows(Infinity);
    const isProbe = allowed !== Infinity;
    if (isProbe && probes >= allowed) throw failure(new Error("The server does not answer, and is asked again soon"));
    if (isProbe) probes += 1;
    try {
      const batch = statements.map(({ sql, args }) => ({ sql, args: toArguments(args) }));
      const results = await (mode === "read" ? readTwice(batch) : request("write", batch).results);
      return results.map(({ columns, rows }) => rows.map((row) => toRow(columns, row)));
    } catch (error) {
      throw failure(error);
    } finally {
      if (isProbe) probes -= 1;
    }
  };

  return {
    read: (statements) => call("read", statements),
    write: (statements) => call("write", statements),
    async close() {
      isClosed = true;
    },
  };
}

/** Opens clients; each sends its requests as it is told here. */
function prepareClient({ url, authToken, fetch = (request, init) => globalThis.fetch(request, init) }: RemoteOptions) {
  const config = {
    url: url.replace(/^ws(s?):/i, "http$1:"),
    intMode: "number" as const,
    ...(authToken === undefined ? {} : { authToken }),
  };
  const open = (init: RequestInit) =>
    createClient({ ...config, fetch: (request: Request): Promise<Response> => fetch(request, init) });
  try {
    open({});
  } catch (cause) {
    const text = `The database URL is not one of a libSQL server, got ${redactUrl(url)}`;
    throw new ChatError("config_invalid", text, { cause });
  }
  return open;
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
