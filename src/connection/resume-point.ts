import type { Position } from "../protocol/cursor.ts";
import { levelMin } from "../protocol/level.ts";
import type { DeviceStart } from "../store/store.ts";

export type Start = {
  /** Everything up to here is with the client. */
  readonly n: number;
  /** The cursor that was given is honoured: it acks. */
  readonly isHonoured: boolean;
  /**
   * The client must drop what it has: its cursor is of another history or beyond the head (`epoch`), or it was got at a lower level than the client has
   * now, and has passed what was not sent to it (`level`).
   */
  readonly reset: "epoch" | "level" | null;
};

/**
 * Where a connection goes on: at its own cursor, else where its device stands; where the cursor is void, as a new device would. `asked`: what the cursor says,
 * null where it is none of this history; undefined where none was given. `level`: that of the connection. The cursor says itself at which level it was
 * got; where there is none, the device's last ack does.
 */
export function resumePointOf(
  { head, synced, newest, level: known }: DeviceStart,
  { asked, level }: { readonly asked: Position | null | undefined; readonly level: number },
): Start {
  const afresh = (reset: "epoch" | "level"): Start => ({ n: newest, isHonoured: false, reset });
  const fromDevice = (): Start => (known < level ? afresh("level") : { n: synced, isHonoured: false, reset: null });
  if (asked && asked.n <= head.n) {
    // The cursor of a list says nothing of the log.
    if (asked.isList) return fromDevice();
    if ((asked.level ?? levelMin) < level) return afresh("level");
    return { n: asked.n, isHonoured: true, reset: null };
  }
  return asked === undefined ? fromDevice() : afresh("epoch");
}
