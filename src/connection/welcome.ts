import { resumePointOf } from "./resume-point.ts";
import type { Session } from "../model.ts";
import type { Position } from "../protocol/cursor.ts";
import { encodeFrame } from "../protocol/encode.ts";
import { welcomeLimits } from "../protocol/frame.ts";
import { levelMin } from "../protocol/level.ts";
import type { Limits } from "../protocol/limits.ts";
import type { DeviceStart, Store } from "../store/store.ts";

/** The first frames of a connection, and the position at which its replay begins. */
export type Welcome = { readonly n: number; readonly frames: readonly string[] };

/** The device and cursor with which a client connects. */
export type Arrival = {
  readonly session: Session;
  readonly device: string;
  readonly level: number;
  readonly cursor: string | undefined;
};

/** What the client's cursor says; null: it is not of this history; undefined: there is none. */
export type Asked = Position | null | undefined;

/** Reads what the store knows of the device, and notes that it connects. Rejects where the store fails. */
export const openDevice = (
  store: Pick<Store, "openDevice">,
  { session, device, level, asked }: Arrival & { readonly asked: Asked },
): Promise<DeviceStart> =>
  store.openDevice(session, device, { after: asked?.n, level: asked ? (asked.level ?? levelMin) : level });

/** Decides where the connection goes on, acks an honoured cursor, and makes `welcome` and, if needed, `reset`. */
export function welcomeOf(
  start: DeviceStart,
  { session, device, level, cursor: given, asked }: Arrival & { readonly asked: Asked },
  { store, limits, now }: { readonly store: Store; readonly limits: Limits; readonly now: number },
): Welcome {
  const { n, isHonoured, reset } = resumePointOf(start, { asked, level });
  // The client gets its own cursor back unchanged.
  const cursor = isHonoured && given !== undefined ? given : store.cursors.encode({ n, level });
  if (isHonoured && asked) store.ack(session, device, asked);
  else if (asked?.isList && reset === null) store.ackList(session, device, asked.n);
  const welcome = encodeFrame({
    type: "welcome",
    protocol: 1,
    level,
    user: session.user,
    device,
    cursor,
    time: now,
    heartbeatMs: limits.heartbeatMs,
    limits: welcomeLimits(limits),
  });
  return { n, frames: reset === null ? [welcome] : [welcome, encodeFrame({ type: "reset", reason: reset, cursor })] };
}
