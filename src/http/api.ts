import { getLogger } from "@logtape/logtape";
import { Hono } from "hono";
import { ChatError } from "../error.ts";
import type { Session } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Call, Route } from "./call.ts";
import { isPreflight, preflight, withCors } from "./cors.ts";
import { hostOf, isOriginAllowed } from "./origin.ts";
import { pathBelow, pathOf } from "./path.ts";
import { problem } from "./problem.ts";
import { deleteBlock, getBlocks, putBlock } from "./route/blocks.ts";
import { deleteContact, getContact, getContacts, postContacts, putContact } from "./route/contacts.ts";
import { getConversations } from "./route/get-conversations.ts";
import { getMessages } from "./route/get-messages.ts";
import { postAck } from "./route/post-ack.ts";
import { postMessage } from "./route/post-message.ts";
import { postRead } from "./route/post-read.ts";

/** Every route of PROTOCOL 5 that there is. */
const routes: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  "/messages": { GET: getMessages, POST: postMessage },
  "/ack": { POST: postAck },
  "/conversations": { GET: getConversations },
  "/conversations/:id/read": { POST: postRead },
  "/contacts": { GET: getContacts, POST: postContacts },
  "/contacts/:id": { GET: getContact, PUT: putContact, DELETE: deleteContact },
  "/blocks": { GET: getBlocks },
  "/blocks/:id": { PUT: putBlock, DELETE: deleteBlock },
};

export type ApiOptions = {
  /** Waits until there is one; rejects with `unavailable`. */
  readonly parts: () => Promise<Pick<Call, "store" | "policy">>;
  readonly prove: (request: Request) => Promise<Session | Response>;
  readonly isHostAllowed: (request: Request) => boolean;
  /** Allowed origins beside the server's own, as `parseOrigins` gives them. */
  readonly origins: readonly string[];
  readonly limits: Limits;
  readonly isDraining: () => boolean;
  /** The path under which the chat is mounted; absent: wherever. */
  readonly base?: string | undefined;
};

/**
 * Makes the HTTP API: a request in, its answer out. Never rejects.
 *
 * The first refusal that applies is the answer: 403 foreign host, or foreign origin of what is no mere read · 404 no such
 * route · 405 · 503 shutting down · those of `prove` · 400 what was sent cannot be read · those of the route.
 */
export function createApi(options: ApiOptions): (request: Request) => Promise<Response> {
  const { prove, isHostAllowed, origins, limits, isDraining, base } = options;
  const log = getLogger(["tidings", "http"]);
  const api = new Hono({ getPath: ({ url }) => pathBelow(pathOf(url), base) });

  api.all("/ws", () =>
    problem("upgrade_required", "Open this address as a WebSocket", {
      headers: { Upgrade: "websocket", Connection: "Upgrade" },
    }),
  );
  for (const [path, methods] of Object.entries(routes)) {
    for (const [method, route] of Object.entries(methods))
      api.on(method, path, ({ req }) => serve(route, req.raw, req.param("id") ?? ""));
    const allowed = Object.keys(methods).flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    const headers = { Allow: [...allowed, "OPTIONS"].join(", ") };
    api.options(path, ({ req }) =>
      isPreflight(req.raw) ? preflight(allowed) : new Response(null, { status: 204, headers }),
    );
    api.all(path, () => problem("method_not_allowed", "The route does not know this method", { headers }));
  }
  api.notFound(() => problem("not_found", "There is nothing at this address"));
  api.onError((error) => {
    if (error instanceof ChatError) {
      const isLater = error.code === "unavailable";
      return problem(error.code, error.message, isLater ? { headers: { "Retry-After": "1" } } : {});
    }
    log.error("a request failed", { error });
    return problem("internal", "The request could not be answered");
  });

  async function serve(route: Route, request: Request, id: string): Promise<Response> {
    if (isDraining()) return problem("unavailable", "The server is shutting down");
    const session = await prove(request);
    if (session instanceof Response) return session;
    return await route({ request, session, ...(await options.parts()), limits, id });
  }

  return async (request) => {
    if (!isHostAllowed(request))
      return problem("forbidden", "The demo serves only loopback hosts such as localhost or 127.0.0.1");
    const origin = request.headers.get("origin");
    const isAllowed = isOriginAllowed(origin, { url: request.url, host: hostOf(request), allowed: origins });
    const isRead = ["GET", "HEAD"].includes(request.method);
    const response =
      isAllowed || isRead ? await api.fetch(request) : problem("forbidden", "The Origin is not allowed here");
    return withCors(response, isAllowed ? origin : null);
  };
}
