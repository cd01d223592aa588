import { sha256 } from "../internal/sha256.ts";
import { isIdentifier } from "../protocol/identifier.ts";

/** What a ticket looks like: 32 bytes as base64url. */
const form = /^[A-Za-z0-9_-]{43}$/;
const secretChars = 43;

/** What is stored of a ticket: who reads the database cannot use any. Null where it is none. */
export const hashOfTicket = async (ticket: string): Promise<string | null> =>
  form.test(ticket) ? await sha256(ticket) : null;

/** A ticket that leads to its tenant, where each has a database of its own. */
export const tenantTicket = (secret: string, tenant: string): string => [secret, tenant].join(".");

/** The tenant of such a ticket, and what is stored of it: it is good with this tenant alone. Null where it is none. */
export async function readTenantTicket(
  ticket: string,
): Promise<{ readonly tenant: string; readonly hash: string } | null> {
  const tenant = ticket.slice(secretChars + 1);
  if (!form.test(ticket.slice(0, secretChars)) || ticket[secretChars] !== "." || !isIdentifier(tenant)) return null;
  return { tenant, hash: await sha256(ticket) };
}
