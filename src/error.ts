/** Every code in Tidings' answers: its meaning, its HTTP status, and whether the same request may succeed later. */
export const errorCodes = {
  bad_frame: { status: 400, retry: "never", meaning: "The frame is not one that this protocol knows" },
  bad_request: { status: 400, retry: "never", meaning: "The request is malformed" },
  too_large: { status: 413, retry: "never", meaning: "Something in the request is over its limit" },
  invalid_recipient: { status: 400, retry: "never", meaning: "The other user's id is malformed, or is one's own" },
  unauthenticated: { status: 401, retry: "never", meaning: "The request does not prove an identity" },
  forbidden: { status: 403, retry: "never", meaning: "The asker may not do this" },
  blocked: { status: 403, retry: "never", meaning: "The recipient does not accept messages from the sender" },
  not_found: { status: 404, retry: "never", meaning: "It does not exist, or it is not yours" },
  method_not_allowed: { status: 405, retry: "never", meaning: "The route does not know this method" },
  conflict: { status: 409, retry: "never", meaning: "The message id was used for other content" },
  upgrade_required: { status: 426, retry: "never", meaning: "The route needs a WebSocket upgrade" },
  rate_limited: { status: 429, retry: "later", meaning: "Too much in too short a time" },
  too_many_connections: { status: 429, retry: "later", meaning: "The limit of open connections is reached" },
  too_many_watched: { status: 429, retry: "later", meaning: "The server watches as many users as it can" },
  internal: { status: 500, retry: "later", meaning: "Something failed in the server" },
  unavailable: { status: 503, retry: "later", meaning: "The server cannot do this now" },
  config_invalid: { status: 500, retry: "never", meaning: "A setting is missing or wrong" },
  database_locked: { status: 503, retry: "never", meaning: "Another process serves this database file" },
  database_unfit: { status: 503, retry: "never", meaning: "The database lacks a guarantee that Tidings needs" },
  migration_refused: { status: 500, retry: "never", meaning: "The schema and the migrations do not fit together" },
} as const satisfies Record<string, { status: number; retry: "never" | "later"; meaning: string }>;

export type ErrorCode = keyof typeof errorCodes;

/**
 * An error with a stable code. The text is for people; programs switch on `code`.
 *
 * @example
 * try { await chat.send({ from: "shop", to: "alice", text: "hi" }) }
 * catch (error) { if (error instanceof ChatError && error.code === "unavailable") retryLater() }
 */
export class ChatError extends Error {
  override readonly name = "ChatError";
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.code = code;
  }

  get status(): number {
    return errorCodes[this.code].status;
  }

  get retry(): "never" | "later" {
    return errorCodes[this.code].retry;
  }
}
