import type { Status } from "../api.ts";
import type { Clock } from "../../internal/clock.ts";
import { isSameRow } from "../same.ts";
import type { State } from "./state.ts";

/** Calls `onStatus` with each change of the status once, with times of the clock on the wall. */
export function createStatus(clock: Clock, onStatus: (status: Status) => void): (state: State) => void {
  let shown: Status = { state: "idle" };
  let phase: State["phase"] | null = null;
  return (state) => {
    if (state.phase === phase) return;
    ({ phase } = state);
    const status = statusOf(state);
    if (isSameRow(status, shown)) return;
    shown = status;
    onStatus(status.state === "waiting" ? { ...status, until: clock.now() + status.until - clock.elapsed() } : status);
  };
}

function statusOf({ phase, failures }: State): Status {
  if (phase.type === "connecting") return { state: "connecting", attempt: failures + 1 };
  if (phase.type === "live")
    return phase.isCaughtUp ? { state: "online", transport: phase.transport } : { state: "catching-up" };
  const { type: state, ...rest } = phase;
  return { state, ...rest } as Status;
}
