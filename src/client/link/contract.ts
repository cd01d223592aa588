import type { Status } from "../api.ts";
import type { ClientFrame, ServerFrame } from "../../protocol/frame.ts";

/** A frame of the server, `type` first; types and fields that this release does not know are passed on, and ignored where they arrive. */
export type Frame = ServerFrame;
export type Welcome = Extract<ServerFrame, { type: "welcome" }>;

/** An HTTP request to the server, below its base. */
export type Ask = {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** From the base on, with a leading slash: `/conversations?limit=50`. Its parts are percent-encoded. */
  readonly path: string;
  readonly body?: unknown;
};

/** The answer, or why there is none. It never throws. `retry`: the same request may succeed later; it was not refused for good. */
export type Answer =
  /** `history`: the name of the history that it is of. Absent: the server is of an older release. */
  | { readonly ok: true; readonly status: number; readonly body: unknown; readonly history?: string | undefined }
  | Failure;

/** Why there is no answer. `status` 0: nothing came back. `code`: that of the problem body; without one `network` for status 0, else `http_502` and so on; of the link itself `busy`, `unauthenticated`, `closed`. `retryAfterMs`: not before that, as the server asks. */
export type Failure = {
  readonly ok: false;
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly retry: boolean;
  readonly retryAfterMs?: number;
};

/** Where a connection begins. */
export type Position = { readonly device: string; readonly cursor: string | null; readonly level: number };

/** What the link calls. All calls of one connection come between its `onWelcome` and its `onDown`. */
export type LinkEvents = {
  /** A connection begins: `begin` with its position, read from the vault at that time; with null if there is none now (the link waits, reason `storage`). */
  onConnect(begin: (position: Position | null) => void): void;
  onWelcome(welcome: Welcome): void;
  /** Every other frame but `pong` and `authenticated`, in order. */
  onFrame(frame: Frame): void;
  /** The connection has ended. */
  onDown(): void;
  onStatus(status: Status): void;
};

/** The way to the server: it connects, stays connected, and says why it is not. It knows nothing of messages. */
export interface Link {
  /** Wants a connection from now on. */
  start(): void;
  /** Ends the connection, and wants none. */
  stop(): void;
  /** Puts a frame into the connection. False: there is none. */
  send(frame: ClientFrame): boolean;
  /** The connection looks dead, or a state that waits shall not wait any longer: `ping` with 3 s for its answer, or connect now. */
  probe(): void;
  /** Ends this connection, and begins the next at once: its data could not be stored, or its position is no longer right. `waitMs`: not before that. */
  reconnect(waitMs?: number): void;
  /** All frames up to the cursor of `welcome`'s backlog have come (`more: false`): the status becomes `online`. Called by the reader of the frames. */
  caughtUp(): void;
  /** As the connection's user. Waits for credentials, and asks for fresh ones once on 401. */
  ask(request: Ask): Promise<Answer>;
  /** After `unauthenticated` or `ended`. */
  retry(): void;
  /** The credentials so far are used for nothing more: connects with others. */
  reauthenticate(): void;
  /** For ever. */
  close(): void;
}
