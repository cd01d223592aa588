import type { Session } from "../model.ts";
import type { Position } from "../protocol/cursor.ts";
import { encodeFrame } from "../protocol/encode.ts";
import { welcomeLimits } from "../protocol/frame.ts";
import type { Limits } from "../protocol/limits.ts";
import type { DeviceStart, Store } from "../store/store.ts";
import { levelMin } from "../protocol/level.ts";

/** The position at which a connection goes on. */
type ResumePoint = {
  /** The client has everything up to here. */
  readonly n: number;
  /** The client's cursor is honoured: it acks. */
  readonly isHonoured: boolean;
  /**
   * The client must drop its data: its cursor is of another history or beyond the head (`epoch`), or it is of a lower level than the client has
   * now, and has passed entries that were not sent (`level`).
   */
  readonly reset: "epoch" | "level" | null;
};

/**
 * A connection goes on at its own cursor, else at its device's last ack; where the cursor is void, as a new device would. `asked`: the cursor,
 * decoded; null: it is not of this history; undefined: there was none. `level`: the connection's. A cursor names the level at which it was
 * sent; without one, the device's last ack does.
 */
function resumePointOf(
  { head, synced, newest, level: known }: DeviceStart,
  { asked, level }: { readonly asked: Position | null | undefined; readonly level: number },
): ResumePoint {
  const afresh = (reset: "epoch" | "level"): ResumePoint => ({ n: newest, isHonoured: false, reset });
  const fromDevice = (): ResumePoint =>
    known < level ? afresh("level") : { n: synced, isHonoured: false, reset: null };
  if (asked && asked.n <= head.n) {
    // The cursor of a list is no position in the log.
    if (asked.isList) return fromDevice();
    if ((asked.level ?? levelMin) < level) return afresh("level");
    return { n: asked.n, isHonoured: true, reset: null };
  }
  return asked === undefined ? fromDevice() : afresh("epoch");
}

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
    history: store.cursors.history(),
    heartbeatMs: limits.heartbeatMs,
    limits: welcomeLimits(limits),
  });
  return { n, frames: reset === null ? [welcome] : [welcome, encodeFrame({ type: "reset", reason: reset, cursor })] };
}
