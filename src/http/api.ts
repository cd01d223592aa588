import { createLog } from "../internal/logger.ts";
import { Hono } from "hono";
import { ChatError } from "../error.ts";
import { type AdmitOptions, needsUpgrade, tooManyConnections } from "../access/admit.ts";
import { doerOf, type Limiter } from "../access/limiter.ts";
import type { Session } from "../model.ts";
import { costs, sendCost } from "../protocol/costs.ts";
import { type Call, jsonResponse, type Route } from "./call.ts";
import { isPreflight, preflight, withCors } from "./cors.ts";
import { addressedBy, isOriginAllowed } from "../access/origin.ts";
import { pathBelow, pathOf } from "./path.ts";
import { createOrigination, type Peer } from "../access/peer.ts";
import { historyHeader } from "../protocol/history-header.ts";
import { problem, tooOften, unavailableNow } from "../protocol/problem.ts";
import { isNamedBy, userHeader, userHeaderOf } from "../protocol/user-header.ts";
import {
  deleteContact,
  getContact,
  getContacts,
  postContacts,
  putContact,
  deleteBlock,
  getBlocks,
  putBlock,
} from "./route/people.ts";
import { getChanges } from "./route/get-changes.ts";
import { getConversation } from "./route/get-conversation.ts";
import { getConversations } from "./route/get-conversations.ts";
import { deleteDevice, putDevice } from "./route/devices.ts";
import {
  deleteGroupMember,
  getGroup,
  getGroupMembers,
  getGroupReaders,
  patchGroup,
  postGroup,
  postGroupJoin,
  postGroupLeave,
  postGroupMembers,
  putGroupMember,
} from "./route/groups.ts";
import { deleteGroupInvite, getGroupInvites, postGroupInvite, postInviteJoin } from "./route/invites.ts";
import { getMe, givenOriginOf } from "./route/get-me.ts";
import { getMessages, postMessage } from "./route/messages.ts";
import { deleteMute, getMute, putMute, deleteQuietHours, getQuietHours, putQuietHours } from "./route/quiet.ts";
import { postAck, postRead } from "./route/marks.ts";
import { postTicket } from "./route/post-ticket.ts";
import { getPush, getPushExplain } from "./route/push.ts";

/** All routes of PROTOCOL 5. */
export const routes: Readonly<Record<string, Readonly<Record<string, Route>>>> = {
  "/me": { GET: getMe },
  "/messages": { GET: getMessages, POST: postMessage },
  "/changes": { GET: getChanges },
  "/ack": { POST: postAck },
  "/conversations": { GET: getConversations },
  "/conversations/:id": { GET: getConversation },
  "/conversations/:id/read": { POST: postRead },
  "/conversations/:id/mute": { GET: getMute, PUT: putMute, DELETE: deleteMute },
  "/groups": { POST: postGroup },
  "/groups/:id": { GET: getGroup, PATCH: patchGroup },
  "/groups/:id/members": { GET: getGroupMembers, POST: postGroupMembers },
  "/groups/:id/members/:user": { PUT: putGroupMember, DELETE: deleteGroupMember },
  "/groups/:id/readers": { GET: getGroupReaders },
  "/groups/:id/join": { POST: postGroupJoin },
  "/groups/:id/leave": { POST: postGroupLeave },
  "/groups/:id/invites": { GET: getGroupInvites, POST: postGroupInvite },
  "/groups/:id/invites/:invite": { DELETE: deleteGroupInvite },
  "/invites/:token/join": { POST: postInviteJoin },
  "/devices/:device": { PUT: putDevice, DELETE: deleteDevice },
  "/quiet-hours": { GET: getQuietHours, PUT: putQuietHours, DELETE: deleteQuietHours },
  "/push": { GET: getPush },
  "/push/explain": { GET: getPushExplain },
  "/tickets": { POST: postTicket },
  "/contacts": { GET: getContacts, POST: postContacts },
  "/contacts/:user": { GET: getContact, PUT: putContact, DELETE: deleteContact },
  "/blocks": { GET: getBlocks },
  "/blocks/:user": { PUT: putBlock, DELETE: deleteBlock },
};

/** The first segments of the chat's own paths, as patterns. An app may well have `/me` before the chat's paths: only at the end it is the chat's. */
const heads = ["ws", ...new Set(Object.keys(routes).map((path) => path.split("/")[1] ?? ""))].map((head) =>
  head === "me" ? "me(?=/?$)" : head,
);

/** Whether this is the address of the chat's socket: below the base or, without a base, under any prefix. */
export const isSocketPath = (url: string, base: string | undefined): boolean =>
  pathBelow(pathOf(url), { heads, base }) === "/ws";

/** Whether it is asked as an upgrade: its origin counts, although it is a read. */
const isAdmissionPath = (url: string, base: string | undefined): boolean =>
  /\/me\/?(?=[?#]|$)/.test(url) && pathBelow(pathOf(url), { heads, base }) === "/me";

export type ApiOptions = Pick<AdmitOptions, "origins" | "onRefusedOrigin" | "originationOf" | "hasRoom"> &
  Pick<Call, "clock" | "random" | "limits"> & {
    /** The parts that serve a tenant's requests, until `release` is called; rejects with `unavailable`. */
    readonly parts: (
      tenant: string,
    ) => Promise<Pick<Call, "store" | "policy" | "push" | "connect"> & { readonly release?: () => void }>;
    /** Makes a ticket of a secret; default: the secret itself. */
    readonly ticketOf?: (secret: string, tenant: string) => string;
    /** The rates of users and addresses; default: no limits. */
    readonly limiter?: Pick<Limiter, "take" | "takeSend" | "payRefusal" | "spend" | "turn">;
    readonly prove: (request: Request) => Promise<Session | Response>;
    readonly isHostAllowed: (request: Request) => boolean;
    /** Headers that pages may send beside the usual ones, as `parseCorsHeaders` gives them. */
    readonly corsHeaders?: readonly string[];
    readonly isDraining: () => boolean;
    /** The path under which the chat is mounted; absent: any. */
    readonly base?: string | undefined;
  };

type Asked = Pick<Call, "request" | "id" | "second">;
type Serving = {
  readonly route: Route;
  readonly asked: Asked;
  readonly askedAt: number;
  readonly address: string | undefined;
};

/**
 * Makes the HTTP API: a function from requests to answers. Never rejects.
 *
 * Answers the first refusal that applies: 403 foreign host, or foreign origin of a request that is not a read, or asks as an upgrade (`GET /me`) · 404 no such
 * route · 405 · 503 shutting down · 429 this address too often · those of `prove` · 401 it names another user · 429 this user too often · 400 malformed request · those of the route.
 */
export function createApi(options: ApiOptions): (request: Request, peer?: Peer) => Promise<Response> {
  const { prove, isHostAllowed, origins, clock, random, limits, limiter, isDraining, base } = options;
  const { originationOf = createOrigination(), ticketOf = (secret: string) => secret, hasRoom } = options;
  const log = createLog(["tidings", "http"]);
  const api = new Hono<{ Bindings: { readonly address: string | undefined } }>({
    getPath: ({ url }) => pathBelow(pathOf(url), { heads, base }),
  });

  api.all("/ws", needsUpgrade);
  for (const [path, methods] of Object.entries(routes)) {
    for (const [method, route] of Object.entries(methods))
      api.on(method, path, ({ req, env }) => {
        const {
          id,
          device,
          token,
          user = "",
          invite = user,
        } = req.param() as Readonly<Partial<Record<string, string>>>;
        return serve(route, { request: req.raw, id: id ?? device ?? token ?? user, second: invite }, env.address);
      });
    const allowed = Object.keys(methods).flatMap((method) => (method === "GET" ? ["GET", "HEAD"] : [method]));
    const headers = { Allow: [...allowed, "OPTIONS"].join(", ") };
    api.options(path, ({ req }) =>
      isPreflight(req.raw) ? preflight(allowed, options.corsHeaders) : new Response(null, { status: 204, headers }),
    );
    api.all(path, () => problem("method_not_allowed", "The route does not know this method", { headers }));
  }
  api.notFound(() => problem("not_found", "There is nothing at this address"));
  api.onError(refusalOf);

  function refusalOf(error: unknown): Response {
    if (error instanceof ChatError)
      return error.code === "unavailable" ? unavailableNow(error.message) : problem(error.code, error.message);
    log.error("a request failed", { error });
    return problem("internal", "The request could not be answered");
  }

  async function serve(route: Route, asked: Asked, address?: string): Promise<Response> {
    if (isDraining()) return problem("unavailable", "The server is shutting down");
    const addressMs = limiter?.take({ address }, route.isAdmission ? costs.connect : costs.request) ?? 0;
    if (addressMs > 0) return tooOften(addressMs);
    const askedAt = clock.elapsed();
    const session = await prove(asked.request);
    if (session instanceof Response) return session;
    const wanted = asked.request.headers.get(userHeader);
    const isWanted = wanted === null || isNamedBy(wanted, session);
    const response = isWanted
      ? await serveTo(session, { route, asked, askedAt, address }).catch(refusalOf)
      : problem("unauthenticated", "The request names another user than its credentials do");
    // The asker may hold another session by now than when it last looked: a cookie that another page has replaced.
    response.headers.set(userHeader, userHeaderOf(session));
    return response;
  }

  async function serveTo(session: Session, { route, asked, askedAt, address }: Serving): Promise<Response> {
    const doer = doerOf(session);
    // The route of messages takes their cost itself: at any rate, a retry gets its first answer.
    const userMs = route === postMessage ? 0 : (limiter?.take(doer, costs.request + (route.units ?? 0)) ?? 0);
    if (userMs > 0) await limiter?.payRefusal(doer, costs.refused);
    if (userMs > 0) return tooOften(userMs);
    if (route.units !== undefined) await limiter?.turn(doer, route.units);
    if (route.isAdmission && hasRoom?.(session, address) === false) return tooManyConnections();
    const retryAfterMs = (chars: number): number => limiter?.takeSend(doerOf(session, address), sendCost(chars)) ?? 0;
    const spend = (units: number): void => limiter?.spend(doer, units);
    if (asked.request.bodyUsed && route.meta.body) {
      log.error("the app's own code read the body of a request before the chat: pass on the body (docs/mounting.md)");
      return problem("internal", "The body was read by the app before it came to the chat");
    }
    const { release, ...parts } = await options.parts(session.tenant);
    try {
      const proveAgain = () => prove(asked.request);
      const call = { ...asked, ...parts, session, askedAt, proveAgain, clock, random, limits, ticketOf };
      const response = (await route.handle({ ...call, retryAfterMs, spend })) ?? jsonResponse(204, null);
      response.headers.set(historyHeader, parts.store.cursors.history());
      if (response.status === 429) await limiter?.payRefusal(doer, costs.refused);
      return response;
    } finally {
      release?.();
    }
  }

  return async (request, peer) => {
    if (!isHostAllowed(request))
      return problem("forbidden", "The demo serves only loopback hosts such as localhost or 127.0.0.1");
    const origin = request.headers.get("origin");
    const origination = originationOf(request, peer);
    const addressed = addressedBy(request, origination);
    const isAllowed = isOriginAllowed(origin, { ...addressed, allowed: origins });
    const isAdmission = isAdmissionPath(request.url, base);
    const given = isAdmission ? givenOriginOf(request) : null;
    const isGivenAllowed = isOriginAllowed(given, { ...addressed, allowed: origins });
    if (!isAllowed && origin !== null) options.onRefusedOrigin?.({ origin, ...addressed, allowed: origins });
    const isRead = ["GET", "HEAD"].includes(request.method) && !isAdmission;
    const response =
      (isAllowed && isGivenAllowed) || isRead
        ? await api.fetch(request, { address: origination.address })
        : problem("forbidden", "The Origin is not allowed here");
    return withCors(response, isAllowed ? origin : null);
  };
}
