import { sha256 } from "../internal/sha256.ts";
import { isIdentifier } from "../protocol/identifier.ts";

/** 32 bytes as base64url. */
const form = /^[A-Za-z0-9_-]{43}$/;
const secretChars = 43;

/** The hash under which a ticket is stored: a reader of the database cannot use the ticket. Null where it is malformed. */
export const hashOfTicket = async (ticket: string): Promise<string | null> =>
  form.test(ticket) ? await sha256(ticket) : null;

/** A ticket that names its tenant, where each tenant has a database of its own. */
export const tenantTicket = (secret: string, tenant: string): string => [secret, tenant].join(".");

/** The tenant of such a ticket, with which alone it is valid, and its stored hash. Null where it is malformed. */
export async function readTenantTicket(
  ticket: string,
): Promise<{ readonly tenant: string; readonly hash: string } | null> {
  const tenant = ticket.slice(secretChars + 1);
  if (!form.test(ticket.slice(0, secretChars)) || ticket[secretChars] !== "." || !isIdentifier(tenant)) return null;
  return { tenant, hash: await sha256(ticket) };
}
