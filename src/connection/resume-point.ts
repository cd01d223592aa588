import type { Position } from "../protocol/cursor.ts";
import { levelMin } from "../protocol/level.ts";
import type { DeviceStart } from "../store/store.ts";

/** The position at which a connection goes on. */
export type ResumePoint = {
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
export function resumePointOf(
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
