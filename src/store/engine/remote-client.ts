import { createClient, type ResultSet } from "@libsql/client/web";
import { ChatError } from "../../error.ts";
import { chance } from "../../internal/breaker.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Random } from "../../internal/random.ts";
import type { Argument } from "./arguments.ts";
import { redactUrl } from "./redact-url.ts";

export type RemoteClientOptions = {
  readonly url: string;
  readonly authToken?: string;
  readonly deadlineMs: number;
  readonly clock: Pick<Clock, "elapsed" | "after">;
  readonly random: Pick<Random, "integer">;
  readonly fetch?: (request: Request, init: RequestInit) => Promise<Response>;
};

export type Batch = { readonly sql: string; readonly args: Argument[] }[];

/** A request under way; `drop` ends it, where its answer is not wanted any more. */
type Asked = { readonly results: Promise<ResultSet[]>; readonly drop: () => void };

/**
 * A connection that was open when the network lost it (a firewall that forgot it, a server that vanished) tells nobody, and Bun would ask on
 * it again, one after the other of all that it keeps, each for a whole deadline. So once one seems lost none is used twice until those are
 * gone: Bun closes what was idle for five minutes, other runtimes sooner.
 */
const distrustMs = 330_000;

/** A read that has no answer by then is asked once more, on a connection of its own. */
const secondMsMax = 1_000;

/** Then it is asked again, later and later. */
const busyMsMin = 20;
const busyMsMax = 1_000;

/**
 * Whether nothing of the batch was kept, for others were before it: a server that has too much to do answers 429 and has not begun; and
 * where another node writes, or the log is being moved into the file, sqld may roll back at once (`SQLITE_BUSY`).
 */
function isBusy(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, cause } = error as { readonly code?: unknown; readonly cause?: { readonly status?: unknown } };
  return cause?.status === 429 || String(code).startsWith("SQLITE_BUSY");
}

/**
 * Asks a libSQL server: each batch is one HTTP request with a deadline.
 *
 * @throws {ChatError} `config_invalid` when the URL is none that the client takes. Nothing is sent yet.
 */
export function createRemoteClient(options: RemoteClientOptions) {
  const { deadlineMs, clock, random } = options;
  const open = prepareClient(options);
  let distrustUntil = 0;

  const distrust = (): void => void (distrustUntil = clock.elapsed() + distrustMs);
  const sleep = (ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve));

  /** One client for one request, so that one that fails takes no neighbour along; the runtime keeps the connections. */
  function request(mode: "read" | "write", batch: Batch, { isFresh = false } = {}): Asked {
    const ended = new AbortController();
    const { signal } = ended;
    const isTrusted = !isFresh && clock.elapsed() >= distrustUntil;
    const client = open(isTrusted ? { signal } : { signal, keepalive: false });
    let cancel = (): void => {};
    const late = new Promise<never>((_, reject) => {
      // The client has no timeout of its own; the signal ends the request, and frees its socket.
      cancel = clock.after(deadlineMs, () => {
        distrust();
        reject(new ChatError("unavailable", `The database server did not answer within ${deadlineMs} ms`));
        ended.abort();
      });
    });
    const results = Promise.race([client.batch(batch, mode), late]).finally(cancel);
    const drop = (): void => {
      cancel();
      ended.abort();
    };
    return { results, drop };
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

  /** Rejects with what the client or the network says, or with `unavailable` after the deadline. */
  return async (mode: "read" | "write", batch: Batch): Promise<ResultSet[]> => {
    const end = clock.elapsed() + deadlineMs;
    for (let busyMs = busyMsMin; ; busyMs = Math.min(busyMsMax, busyMs * 2)) {
      try {
        return await (mode === "read" ? readTwice(batch) : request("write", batch).results);
      } catch (error) {
        if (!isBusy(error) || clock.elapsed() + busyMs > end) throw error;
        await sleep(busyMs * (0.5 + chance(random)));
      }
    }
  };
}

/** Opens clients; each sends its requests as it is told here. */
function prepareClient(options: Pick<RemoteClientOptions, "url" | "authToken" | "fetch">) {
  const { url, authToken, fetch = (request, init) => globalThis.fetch(request, init) } = options;
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
