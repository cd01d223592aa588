import { sha256 } from "../internal/sha256.ts";

/** What a ticket looks like: 32 bytes as base64url. */
const form = /^[A-Za-z0-9_-]{43}$/;

/** What is stored of a ticket: who reads the database cannot use any. Null where it is none. */
export const hashOfTicket = async (ticket: string): Promise<string | null> =>
  form.test(ticket) ? await sha256(ticket) : null;
