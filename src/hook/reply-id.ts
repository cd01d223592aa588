import { sha256 } from "../internal/sha256.ts";
import type { AcceptedMessage } from "./message-hook.ts";

/**
 * A UUID of version 8 (RFC 9562 section 5.8) that is derived from a message, and always the same: the message's time in its first 48 bits, so that such ids
 * are in the order of time as all others are, and a hash of the message's identity.
 */
export async function replyIdOf(
  { tenant, from, id, time }: Pick<AcceptedMessage, "tenant" | "from" | "id" | "time">,
  { hook, purpose }: { readonly hook: string; readonly purpose: string },
): Promise<string> {
  const hash = await sha256(JSON.stringify([hook, tenant, from, id, purpose]));
  const start = time.toString(16).padStart(12, "0").slice(-12);
  const variant = (8 + (Number.parseInt(hash.slice(3, 4), 16) % 4)).toString(16);
  return `${start.slice(0, 8)}-${start.slice(8)}-8${hash.slice(0, 3)}-${variant}${hash.slice(4, 7)}-${hash.slice(7, 19)}`;
}
