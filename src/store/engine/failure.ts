import { ChatError } from "../../error.ts";

/** What every failed call rejects with: its outcome is unknown, and the driver's own error is the cause. */
export function failure(cause: unknown): ChatError {
  if (cause instanceof ChatError && cause.code === "unavailable") return cause;
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new ChatError("unavailable", `The database did not complete the call: ${reason}`, { cause });
}

export function closedFailure(): ChatError {
  return new ChatError("unavailable", "The database is closed");
}
