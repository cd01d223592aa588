import type { Clock } from "../../internal/clock.ts";
import type { ClientFrame } from "../../protocol/frame.ts";
import type { Store } from "../../store/store.ts";
import type { Connection } from "../../connection/connection.ts";
import type { Limiter } from "../../access/limiter.ts";
import type { Policy } from "../../access/policy.ts";
import type { Presence } from "../presence.ts";
import type { RelationshipCache } from "../relationship-cache.ts";
import type { Reauthenticate } from "../../access/reauthenticate.ts";

export type HandlerContext = {
  readonly store: Store;
  readonly clock: Clock;
  readonly ties: RelationshipCache;
  readonly policy: Policy;
  readonly presence: Presence;
  readonly limiter: Pick<Limiter, "takeSend" | "pay" | "payRefusal"> | undefined;
  /** Asks the host who brings a token; absent: nobody can be asked. */
  readonly reauthenticate?: Reauthenticate | undefined;
  /** Sends a volatile frame to every open connection of a user. */
  readonly hint: (tenant: string, user: string, text: string) => void;
};

/** What happens to one type of frame. A promise makes the connection's next frame wait. */
export type Handler<Type extends ClientFrame["type"]> = (
  connection: Connection,
  frame: Extract<ClientFrame, { type: Type }>,
  context: HandlerContext,
) => void | Promise<void>;
