import { createClient, type ResultSet } from "@libsql/client/web";
import { ChatError } from "../../error.ts";
import { backoffMs } from "../../internal/backoff.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Random } from "../../internal/random.ts";
import type { Argument } from "./arguments.ts";
import { type AuthToken, createTokenSource, type TokenSource } from "./auth-token.ts";
import { redactUrl } from "./redact-url.ts";

export type RemoteClientOptions = {
  /** `libsql://`, `https://` or `http://`; `wss://` and `ws://` are taken as the latter two. */
  readonly url: string;
  /** A function is asked before the first request, and again when the server has refused its token. */
  readonly authToken?: AuthToken;
  /** After this long a call rejects; the server may still carry it out. */
  readonly deadlineMs: number;
  readonly clock: Pick<Clock, "elapsed" | "after">;
  readonly random: Pick<Random, "integer">;
  /** How requests go out; default: the runtime's own. */
  readonly fetch?: (request: Request, init: RequestInit) => Promise<Response>;
};

export type Batch = { readonly sql: string; readonly args: Argument[] }[];

/** The end of waiting for an answer, and whether to use a new connection. */
type Way = { readonly end: number; readonly isFresh: boolean };

/** A request under way; `drop` ends it when its answer is not needed any more. */
type Asked = { readonly results: Promise<ResultSet[]>; readonly drop: () => void };

/** A request that is repeated while the server is busy. `wasBusy`: it was at least once, so the server is alive. */
type Persistent = Asked & { readonly wasBusy: () => boolean };

/**
 * When the network loses an open connection (a firewall that forgot it, a server that vanished), the runtime does not notice, and Bun would use it
 * again, one after the other of all that it keeps, each for a whole deadline. So once one seems lost, no connection is used twice until those are
 * gone: Bun closes connections that were idle for five minutes, other runtimes sooner.
 */
const distrustMs = 330_000;

/** A read without an answer by then is sent once more, on a new connection; only few at a time, to spare a slow server. */
const secondMsMax = 1_000;
const secondsMax = 2;
const secondAgainMs = 100;

/** Between attempts while the server is busy: at first, and at most. */
const busyMsMin = 20;
const busyMsMax = 1_000;

/** A server answered 429. */
class TooMany extends Error {}

/** A server answered 401: it has done nothing. */
class Refused extends Error {}

/**
 * Whether nothing of the batch was kept, for others were before it: a server that has too much to do answers 429 and has not begun; and
 * where another node writes, or the log is being moved into the file, sqld may roll back at once (`SQLITE_BUSY`).
 */
export const isBusy = (error: unknown): boolean =>
  error instanceof TooMany ||
  (error instanceof Error && "code" in error && String(error.code).startsWith("SQLITE_BUSY"));

/** Asks a libSQL server: each batch is one HTTP request. Throws as `createRemoteEngine` does. */
export function createRemoteClient(options: RemoteClientOptions) {
  const { authToken, deadlineMs, clock, random } = options;
  const tokens = createTokenSource({ authToken, deadlineMs, clock, random });
  const open = prepareClient(options);
  const underWay = new Set<() => void>();
  let distrustUntil = 0;
  let seconds = 0;
  let isClosed = false;

  const distrust = (): void => void (distrustUntil = clock.elapsed() + distrustMs);

  /** One client for each request, so that a failure does not affect others; the runtime keeps the connections. */
  function request(mode: "read" | "write", batch: Batch, { end, isFresh }: Way, token: string): Asked {
    const start = clock.elapsed();
    const ended = new AbortController();
    const { signal } = ended;
    const client = open(token, isFresh || start < distrustUntil ? { signal, keepalive: false } : { signal });
    let cancel = (): void => {};
    let drop = (): void => {};
    const stopped = new Promise<never>((_, reject) => {
      // The client has no timeout of its own; the signal ends the request, and frees its socket.
      const stop = (text: string): void => {
        cancel();
        reject(new ChatError("unavailable", text));
        ended.abort();
      };
      cancel = clock.after(Math.max(0, end - start), () => {
        if (clock.elapsed() - start >= deadlineMs / 2) distrust();
        stop(`The database server did not answer within ${deadlineMs} ms`);
      });
      drop = () => stop("The request was given up");
    });
    return { results: Promise.race([client.batch(batch, mode), stopped]).finally(() => cancel()), drop };
  }

  /** Asks until there is an answer; ends with the client. */
  function persist(mode: "read" | "write", batch: Batch, way: Way): Persistent {
    const asked = askAgain((token) => request(mode, batch, way, token), { tokens, clock, random, end: way.end });
    underWay.add(asked.drop);
    return { ...asked, results: asked.results.finally(() => underWay.delete(asked.drop)) };
  }

  /** The first answer: of the request, or of a second one, which is sent where the first is not answered soon. */
  function readTwice(batch: Batch, end: number): Promise<ResultSet[]> {
    return new Promise((resolve, reject) => {
      const waitMs = Math.min(secondMsMax, deadlineMs / 4);
      let waiting = 1;
      let isFirstDone = false;
      let second: Asked | undefined;
      const first = persist("read", batch, { end, isFresh: false });
      const failed = (error: unknown): void => {
        waiting -= 1;
        if (waiting > 0) return;
        cancel();
        reject(error as Error);
      };
      /** It is slow, or the network has lost it: then other connections may be lost too. */
      const judgeFirst = (): void => {
        seconds -= 1;
        if (isFirstDone) return;
        if (!first.wasBusy()) distrust();
        first.drop();
      };
      const askSecond = (): void => {
        if (isClosed) return;
        if (seconds >= secondsMax) return void (cancel = clock.after(secondAgainMs, askSecond));
        seconds += 1;
        waiting += 1;
        second = persist("read", batch, { end, isFresh: true });
        second.results.then(
          (results) => {
            resolve(results);
            clock.after(waitMs, judgeFirst);
          },
          (error: unknown) => {
            seconds -= 1;
            failed(error);
          },
        );
      };
      let cancel = clock.after(waitMs, askSecond);
      first.results
        .then((results) => {
          cancel();
          second?.drop();
          resolve(results);
        }, failed)
        .finally(() => (isFirstDone = true));
    });
  }

  return {
    /** Rejects with the error of the client or the network, or with `unavailable` at `end` of the clock's elapsed time. */
    ask: (mode: "read" | "write", batch: Batch, end: number): Promise<ResultSet[]> =>
      mode === "read" ? readTwice(batch, end) : persist("write", batch, { end, isFresh: false }).results,
    /** Gives up all that is under way. */
    close(): void {
      isClosed = true;
      tokens.close();
      for (const drop of [...underWay]) drop();
    },
  };
}

type AgainOptions = Pick<RemoteClientOptions, "clock" | "random"> & {
  readonly tokens: TokenSource;
  /** Of the clock's elapsed time: nothing is asked after that. */
  readonly end: number;
};

/** Asks, and asks again where the server was busy, or refused a token that can be replaced. */
function askAgain(request: (token: string) => Asked, { tokens, clock, random, end }: AgainOptions): Persistent {
  type State =
    | { readonly type: "asking"; readonly asked: Asked }
    | { readonly type: "waiting"; readonly wake: () => void }
    | { readonly type: "starting" | "dropped" };
  let state: State = { type: "starting" };
  let wasBusy = false;

  const isOver = (): boolean => state.type === "dropped" || clock.elapsed() >= end;

  const sleep = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(ms, resolve);
      const wake = (): void => {
        cancel();
        resolve();
      };
      state = { type: "waiting", wake };
    });

  async function run(): Promise<ResultSet[]> {
    let refused: string | undefined;
    for (let attempt = 0; ; attempt++) {
      const token = tokens.known(refused) ?? (await tokens.get(end, refused));
      if (isOver()) throw new ChatError("unavailable", "The request was given up");
      const asked = request(token);
      state = { type: "asking", asked };
      try {
        return await asked.results;
      } catch (error) {
        if (error instanceof Refused && tokens.isRenewable && refused === undefined) {
          wasBusy = true;
          refused = token;
          continue;
        }
        if (!isBusy(error)) throw error;
        wasBusy = true;
        const waitMs = backoffMs(random, { attempt, minMs: busyMsMin, maxMs: busyMsMax });
        if (isOver() || clock.elapsed() + waitMs >= end) throw error;
        await sleep(waitMs);
        if (isOver()) throw error;
      }
    }
  }

  return {
    results: run(),
    wasBusy: () => wasBusy,
    drop(): void {
      const before = state;
      state = { type: "dropped" };
      if (before.type === "asking") before.asked.drop();
      else if (before.type === "waiting") before.wake();
    },
  };
}

/** Refuses a URL that the client does not take; throws `config_invalid`. */
export const requireRemoteUrl = (url: string): void => void prepareClient({ url });

/** Opens clients, each with the options of its requests. */
function prepareClient(options: Pick<RemoteClientOptions, "url" | "fetch">) {
  const { url, fetch = (request, init) => globalThis.fetch(request, init) } = options;
  const config = {
    url: url.replace(/^ws(s?):/i, "http$1:"),
    intMode: "number" as const,
  };
  const open = (authToken: string, init: RequestInit) =>
    createClient({
      ...config,
      ...(authToken === "" ? {} : { authToken }),
      async fetch(request: Request): Promise<Response> {
        const response = await fetch(request, init);
        if (response.status !== 429 && response.status !== 401) return response;
        await response.body?.cancel();
        throw response.status === 429
          ? new TooMany("The server has too much to do (HTTP 429)")
          : new Refused("The server refused the token (HTTP 401)");
      },
    });
  try {
    open("", {});
  } catch (cause) {
    const text = `The database URL is not one of a libSQL server, got ${redactUrl(url)}`;
    throw new ChatError("config_invalid", text, { cause });
  }
  return open;
}
