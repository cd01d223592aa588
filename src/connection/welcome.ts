import { resumePointOf } from "./resume-point.ts";
import type { Session } from "../model.ts";
import type { Position } from "../protocol/cursor.ts";
import { encodeFrame } from "../protocol/encode.ts";
import { welcomeLimits } from "../protocol/frame.ts";
import type { Limits } from "../protocol/limits.ts";
import type { DeviceStart, Store } from "../store/store.ts";

export type Opening = {
  readonly session: Session;
  readonly device: string;
  readonly level: number;
  readonly cursor: string | undefined;
  /** The cursor, decoded; null: it is not of this history; undefined: there is none. */
  readonly asked: Position | null | undefined;
  readonly start: DeviceStart;
};

/** Decides where a connection goes on, acks an honoured cursor, and makes the first frames: `welcome` and, if needed, `reset`. */
export function welcomeOf(
  { session, device, level, cursor: given, asked, start }: Opening,
  { store, limits, now }: { readonly store: Store; readonly limits: Limits; readonly now: number },
): { readonly n: number; readonly frames: readonly string[] } {
  const { n, isHonoured, reset } = resumePointOf(start, { asked, level });
  // The client gets its own cursor back unchanged.
  const cursor = isHonoured && given !== undefined ? given : store.cursors.encode({ n, level });
  if (isHonoured && asked) store.ack(session, device, asked);
  else if (asked?.isList && reset === null) store.ackList(session, device, asked.n);
  const welcome = encodeFrame({
    ...{ type: "welcome", protocol: 1, level, user: session.user, tenant: session.tenant, device, cursor, time: now },
    heartbeatMs: limits.heartbeatMs,
    limits: welcomeLimits(limits),
  });
  return { n, frames: reset === null ? [welcome] : [welcome, encodeFrame({ type: "reset", reason: reset, cursor })] };
}
