import type { ReactNode } from "react";
import type { MessageState } from "../client/index.ts";
import { Icon } from "./icon.tsx";

/** What the page shows of the state of one's own message. */
export type TickName = "waiting" | "accepted" | "delivered" | "read" | "failed";

const names: Readonly<Record<TickName, string>> = {
  waiting: "Waiting to be sent",
  accepted: "Sent",
  delivered: "Delivered",
  read: "Read",
  failed: "Not sent",
};

export function tickOf(state: MessageState): TickName | null {
  switch (state) {
    case "keeping":
    case "queued":
    case "sending":
      return "waiting";
    case "received":
      return null;
    default:
      return state;
  }
}

/** A sign with a shape of its own for each state, and its name for whoever cannot see it. */
export function Tick({ state }: { readonly state: MessageState }): ReactNode {
  const tick = tickOf(state);
  if (tick === null) return null;
  return (
    <span className={`tick ${tick}`} role="img" aria-label={names[tick]} title={names[tick]}>
      <Icon name={tick} />
    </span>
  );
}
