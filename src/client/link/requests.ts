import type { Credentials } from "../api.ts";
import { historyHeader } from "../../protocol/history-header.ts";
import { userHeader } from "../../protocol/user-header.ts";
import type { Environment } from "../environment.ts";
import type { Answer, Ask, Failure } from "./contract.ts";
import { withParameters } from "./path.ts";

const answerMsMax = 15_000;
/** Browsers open six connections to a host; two are left for the link's own requests. */
const atOnceMax = 4;
const waitingMax = 64;

/** Credentials with their generation. */
export type Held = { readonly generation: number; readonly content: Credentials };

export type RequestsOptions = {
  readonly environment: Environment;
  readonly url: string;
  /** Whose answers these are, as the server's header names them. */
  readonly own: string;
  /** An answer is for another user: it is thrown away. */
  readonly onStranger: () => void;
  /** The present credentials; null: there are none yet; or why there will be none. */
  readonly credentials: () => Held | Failure | null;
  /** These credentials were answered with 401. */
  readonly onRefused: (generation: number) => void;
  /** Requests wait for credentials. */
  readonly onNeeded: () => void;
};

export type Requests = {
  /** In the order of the calls, once there are credentials. */
  ask(request: Ask, done: (answer: Answer) => void): void;
  /** A request of the link itself: at once, with these credentials. Returns a function that ends it without an answer. */
  exchange(request: Ask, credentials: Credentials, done: (answer: Answer) => void): () => void;
  /** Starts those that wait, if there are credentials now. */
  flush(): void;
  /** Answers all that wait for credentials. */
  fail(failure: Failure): void;
  /** Ends all, those under way too. */
  close(failure: Failure): void;
};

export function failure(status: number, { code, message }: Pick<Failure, "code" | "message">): Failure {
  // 408: the server did not wait for the whole request.
  const retry = status === 0 || status === 401 || status === 408 || status === 429 || status >= 500;
  return { ok: false, status, code, message, retry };
}

export function createRequests(options: RequestsOptions): Requests {
  const { environment, url, own, credentials, onRefused, onStranger, onNeeded } = options;
  type Waiting = { readonly request: Ask; readonly done: (answer: Answer) => void; readonly tries: number };
  const waiting: Waiting[] = [];
  const underWay = new Set<(answer: Answer) => void>();
  let active = 0;
  /** The server names its users. */
  let isNaming = false;

  function exchange(
    { method, path, body }: Ask,
    { token, headers, parameters }: Credentials,
    done: (answer: Answer) => void,
  ): () => void {
    const controller = new AbortController();
    const end = (answer: Answer | null): void => {
      if (!underWay.delete(end)) return;
      cancel();
      controller.abort();
      if (answer !== null) done(answer);
    };
    const fail = (fault: unknown): void => end(failure(0, { code: "network", message: String(fault) }));
    const cancel = environment.clock.after(answerMsMax, () => fail(`No answer within ${answerMsMax} ms`));
    underWay.add(end);
    const send = async (): Promise<Answer> => {
      const response = await environment.fetch(
        new Request(url + withParameters(path, parameters ?? {}), {
          method,
          credentials: "include",
          headers: {
            ...(body !== undefined && { "content-type": "application/json" }),
            ...(token !== undefined && { authorization: `Bearer ${token}` }),
            // Nothing is done as another user, whose cookie came meanwhile; a read's answer is compared, without a header that would need a preflight.
            ...(method !== "GET" && token === undefined && { [userHeader]: own }),
            ...headers,
          },
          signal: controller.signal,
          // Undefined without a body.
          body: JSON.stringify(body),
        }),
      );
      const named = response.headers.get(userHeader);
      isNaming ||= named !== null;
      // A server of an older release does not name the user. One that does names it in each answer of its own.
      const from = named !== null ? "server" : isNaming ? "elsewhere" : "unknown";
      if ((named ?? own) === own) return await readAnswer(response, from);
      if (underWay.has(end)) onStranger();
      return failure(0, { code: "unauthenticated", message: "identity" });
    };
    send().then(end, fail);
    return () => end(null);
  }

  function start(held: Held, { request, done, tries }: Waiting): void {
    active++;
    exchange(request, held.content, (answer) => {
      active--;
      const isRefused = answer.status === 401;
      if (isRefused) onRefused(held.generation);
      if (isRefused && tries === 0) waiting.unshift({ request, done, tries: 1 });
      else done(answer);
      requests.flush();
    });
  }

  const requests: Requests = {
    exchange,
    ask(request, done) {
      if (waiting.length >= waitingMax) {
        environment.clock.defer(() =>
          done(failure(0, { code: "busy", message: `${waitingMax} requests wait already` })),
        );
        return;
      }
      waiting.push({ request, done, tries: 0 });
      requests.flush();
    },
    flush() {
      while (active < atOnceMax) {
        const held = waiting.length === 0 ? null : credentials();
        if (held === null || "ok" in held) return held === null ? needed() : requests.fail(held);
        const next = waiting.shift();
        if (next) start(held, next);
      }
    },
    fail(reason) {
      for (const { done } of waiting.splice(0)) environment.clock.defer(() => done(reason));
    },
    close(reason) {
      requests.fail(reason);
      for (const end of [...underWay]) end(reason);
    },
  };

  function needed(): void {
    if (waiting.length > 0) onNeeded();
  }

  return requests;
}

/** A success that is not JSON, and a 404 without a code, come from something in between, or where no chat is: they say nothing of what was asked for. */
async function readAnswer(response: Response, from: "server" | "elsewhere" | "unknown"): Promise<Answer> {
  const { status, ok, headers } = response;
  const body = parse(await response.text());
  if (ok && body !== undefined && from !== "elsewhere")
    return { ok, status, body, history: headers.get(historyHeader) ?? undefined };
  const { code = `http_${status}`, detail = "" } = problemOf(body);
  if (ok || (code === "http_404" && from !== "server"))
    return failure(0, { code: "foreign", message: `The answer ${status} is not Tidings' own` });
  const after = headers.get("retry-after") ?? "";
  return {
    ...failure(status, { code, message: detail }),
    ...(/^\d+$/.test(after) && { retryAfterMs: 1_000 * Number(after) }),
  };
}

function parse(text: string): unknown {
  try {
    return text === "" ? null : JSON.parse(text);
  } catch {
    return undefined;
  }
}

function problemOf(body: unknown): { readonly code?: string; readonly detail?: string } {
  if (typeof body !== "object" || body === null) return {};
  const { code, detail } = body as Readonly<Record<string, unknown>>;
  return { ...(typeof code === "string" && { code }), ...(typeof detail === "string" && { detail }) };
}
