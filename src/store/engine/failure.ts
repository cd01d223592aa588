import { ChatError } from "../../error.ts";

/** The text of an error, for the text of another one. */
export const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));

/** The error of every failed call: its outcome is unknown, and the driver's own error is the cause. */
export function failure(cause: unknown): ChatError {
  if (cause instanceof ChatError && cause.code === "unavailable") return cause;
  return new ChatError("unavailable", `The database did not complete the call: ${reasonOf(cause)}`, { cause });
}

export function closedFailure(): ChatError {
  return new ChatError("unavailable", "The database is closed");
}

/** Whether the database reported that it is damaged, or that it is no database, in this error or in one of its causes. */
export function isDamage(error: unknown): boolean {
  for (let each = error; each instanceof Error; each = each.cause)
    if ("code" in each && /^SQLITE_(CORRUPT|NOTADB)/.test(String(each.code))) return true;
  return false;
}
