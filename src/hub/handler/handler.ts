import type { Clock } from "../../internal/clock.ts";
import type { ClientFrame } from "../../protocol/frame.ts";
import type { Store } from "../../store/store.ts";
import type { Connection } from "../connection.ts";
import type { Limiter } from "../limiter.ts";
import type { Policy } from "../policy.ts";
import type { Presence } from "../presence.ts";
import type { Ties } from "../ties.ts";

export type HandlerContext = {
  readonly store: Store;
  readonly clock: Clock;
  readonly ties: Ties;
  readonly policy: Policy;
  readonly presence: Presence;
  readonly limiter: Pick<Limiter, "take"> | undefined;
  /** Sends a volatile frame to every open connection of a user. */
  readonly hint: (tenant: string, user: string, text: string) => void;
};

/** Whether a connection looks too much up; it is told so. */
export function refusesLookup(connection: Connection, { limiter }: HandlerContext): boolean {
  const { session: identity, address } = connection;
  const ms = limiter?.take("lookups", { identity, address }) ?? 0;
  if (ms > 0) connection.reply({ type: "error", code: "rate_limited", message: "Too much in too short a time" });
  return ms > 0;
}

/** What happens to one type of frame. A promise makes the connection's next frame wait. */
export type Handler<Type extends ClientFrame["type"]> = (
  connection: Connection,
  frame: Extract<ClientFrame, { type: Type }>,
  context: HandlerContext,
) => void | Promise<void>;
