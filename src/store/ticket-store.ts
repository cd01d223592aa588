import type { Session } from "../model.ts";
import type { Engine } from "./engine/engine.ts";
import { integerOrNull, text } from "./row.ts";
import { insertUser } from "./sql.ts";
import type { NewTicket } from "./store.ts";

/** Expired rows that one new ticket deletes at most: more than one, so that they do not pile up. */
const sweptMax = 20;

/** ?1 now, ?2 how many at most */
const sweep = `DELETE FROM tidings_ticket WHERE hash IN (SELECT hash FROM tidings_ticket WHERE expires <= ?1 ORDER BY expires LIMIT ?2)`;

/** The user's sessions were ended after change number ?8. */
const isRevoked = `EXISTS (SELECT 1 FROM tidings_revocation r WHERE r.n > ?8 AND r.user = u.key)`;

/**
 * ?1 tenant, ?2 user, ?3 hash, ?4 expires, ?5 the session's end or null, ?6 now, ?7 how many of one user may be valid at a time, ?8 the session was
 * proved after this change number
 */
const insertTicket = `
INSERT INTO tidings_ticket (hash, user, expires, session_expires)
SELECT ?3, u.key, ?4, ?5 FROM tidings_user u
WHERE u.tenant = ?1 AND u.id = ?2 AND (SELECT count(*) FROM tidings_ticket t WHERE t.user = u.key AND t.expires > ?6) < ?7
  AND NOT ${isRevoked}
RETURNING hash`;

/** ?1 tenant, ?2 user, ?8 as above */
const selectRevoked = `SELECT 1 FROM tidings_user u WHERE u.tenant = ?1 AND u.id = ?2 AND ${isRevoked.replace("?8", "?3")}`;

/** ?1 hash, ?2 now. Of several who use a ticket at once, on whatever node, one gets the row. */
const deleteTicket = `
DELETE FROM tidings_ticket WHERE hash = ?1 AND expires > ?2
RETURNING session_expires, (SELECT u.tenant FROM tidings_user u WHERE u.key = user) AS tenant,
  (SELECT u.id FROM tidings_user u WHERE u.key = user) AS id`;

/** Tickets, each valid once. Times are milliseconds since the Unix epoch; calls that the database fails reject. */
export function createTicketStore({ engine }: { readonly engine: Engine }) {
  return {
    async add(
      session: Session,
      ticket: NewTicket & { readonly perUserMax: number },
    ): Promise<"added" | "too many" | "revoked"> {
      const { tenant, user, expiresAt = null } = session;
      const { hash, expires, now, perUserMax, provedAfter } = ticket;
      const [, , revoked = [], added = []] = await engine.write([
        { sql: insertUser, args: [tenant, user] },
        { sql: sweep, args: [now, sweptMax] },
        { sql: selectRevoked, args: [tenant, user, provedAfter] },
        { sql: insertTicket, args: [tenant, user, hash, expires, expiresAt, now, perUserMax, provedAfter] },
      ]);
      if (revoked.length > 0) return "revoked";
      return added.length > 0 ? "added" : "too many";
    },

    /** The session of the ticket; null: it was never issued, was used before or has expired. */
    async use(hash: string, now: number): Promise<Session | null> {
      const [[row] = []] = await engine.write([{ sql: deleteTicket, args: [hash, now] }]);
      if (!row) return null;
      const expiresAt = integerOrNull(row, "session_expires");
      const identity = { tenant: text(row, "tenant"), user: text(row, "id") };
      return expiresAt === null ? identity : { ...identity, expiresAt };
    },
  };
}
