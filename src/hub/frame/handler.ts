import type { ClientFrame } from "../../protocol/frame.ts";
import type { Identity } from "../../model.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Store } from "../../store/store.ts";
import type { Connection } from "../../connection/connection.ts";
import type { Answer } from "../../connection/outgoing.ts";
import type { Limiter } from "../../access/limiter.ts";
import type { Policy } from "../../access/policy.ts";
import type { Presence } from "../presence.ts";
import type { RelationshipCache } from "../relationship-cache.ts";
import type { Reauthenticate } from "../../access/authenticate.ts";

export type HandlerContext = {
  readonly store: Store;
  readonly relationships: RelationshipCache;
  readonly policy: Policy;
  readonly presence: Presence;
  readonly limiter: Pick<Limiter, "takeSend" | "pay" | "payRefusal"> | undefined;
  /** Asks the host about a token that comes on an open socket; absent: the host cannot be asked. */
  readonly reauthenticate?: Reauthenticate | undefined;
  /** Sends a volatile frame to all open connections of a user that have at least this level (default: to all of them), on all nodes. */
  readonly sendVolatile: (identity: Identity, text: string, level?: number) => void;
  readonly limits: Pick<Limits, "groupReceiptsMax">;
};

/**
 * Handles one type of frame, and returns the frame that answers it, if any. A promise makes the connection's next frame wait. `Part`: the parts of
 * the connection that it uses.
 */
export type Handler<Type extends ClientFrame["type"], Part extends keyof Connection = "session"> = (
  connection: Pick<Connection, Part>,
  frame: Extract<ClientFrame, { type: Type }>,
  context: HandlerContext,
) => Handled | Promise<Handled>;

/** The answer to a frame; undefined: there is none, or the handler fills a slot of its own later. */
export type Handled = Answer | undefined;
