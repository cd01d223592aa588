import * as v from "valibot";
import { ChatError } from "../../error.ts";
import { identityKey } from "../../model.ts";
import { sha256 } from "../../internal/sha256.ts";
import { readBody } from "../body.ts";
import { ticket as answered } from "../answer-schema.ts";
import { jsonResponse, type Route } from "../call.ts";

const schema = v.strictObject({});

/**
 * `POST /tickets`: 201 with a ticket for one upgrade, within 30 seconds, on any node. For clients that cannot send a header or a cookie
 * with a WebSocket. The socket ends together with the session of this request.
 */
export const postTicket: Route = {
  meta: {
    summary: "A ticket for one upgrade",
    body: () => schema,
    isBodyOptional: true,
    answers: { 201: answered },
    codes: ["bad_request", "too_large"],
  },
  handle: async ({ request, session: first, proveAgain, store, limits, clock, random, ticketOf }) => {
    if (request.headers.get("content-type") !== null) await readBody({ request, limits }, schema, { isOptional: true });
    // Proved after reading a position of the log: the host sees a revocation before it, the store one after it.
    const { n: provedAfter } = await store.head();
    const session = await proveAgain();
    if (session instanceof Response) return session;
    if (identityKey(session) !== identityKey(first))
      throw new ChatError("unavailable", "The session changed while the ticket was made");
    const ticket = ticketOf(random.secret(), session.tenant);
    const hash = await sha256(ticket);
    const now = clock.now();
    const expires = Math.min(now + limits.ticketMs, session.expiresAt ?? Infinity);
    const added = await store.addTicket(session, { hash, expires, now, provedAfter });
    if (added === "revoked") throw new ChatError("unavailable", "The session was ended meanwhile: prove it again");
    if (added === "too many")
      throw new ChatError("rate_limited", `At most ${limits.ticketsPerUserMax} unused tickets are good at a time`);
    return jsonResponse(201, JSON.stringify({ ticket, expiresAt: expires }));
  },
};
