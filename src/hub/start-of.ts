import type { Position } from "../protocol/cursor.ts";
import type { DeviceStart } from "../store/store.ts";

export type Start = {
  /** Everything up to here is with the client. */
  readonly n: number;
  /** The cursor that was given is honoured: it acks. */
  readonly isHonoured: boolean;
  /** It is of another history, or beyond the head: the client must drop what it has. */
  readonly isReset: boolean;
};

/**
 * Where a connection goes on: at its own cursor, else where its device stands; where the cursor is void, as a new device would. `asked`: what the cursor says,
 * null where it is none of this history; undefined where none was given.
 */
export function startOf({ head, synced, newest }: DeviceStart, asked: Position | null | undefined): Start {
  if (asked && asked.n <= head.n)
    // The cursor of a list says nothing of the log.
    return asked.isList
      ? { n: synced, isHonoured: false, isReset: false }
      : { n: asked.n, isHonoured: true, isReset: false };
  return asked === undefined
    ? { n: synced, isHonoured: false, isReset: false }
    : { n: newest, isHonoured: false, isReset: true };
}
