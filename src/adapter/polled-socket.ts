import type { Socket } from "../connection/socket.ts";

/**
 * While something waits to go out, it is looked at this often: where a runtime does not tell when it has gone. Less and less often where
 * nothing goes: thousands of peers may have stopped reading.
 */
const lookMsMin = 15;
const lookMsMax = 240;

/** A socket of a runtime that tells of no drain: asks, as long as anything waits, and calls `onDrain`. */
export function polledSocket(socket: Socket, onDrain: () => void): Socket {
  let isLooking = false;
  let lookMs = lookMsMin;
  /** What waited at the last look. */
  let waited = 0;

  function look(): void {
    isLooking = false;
    const waiting = socket.bufferedBytes();
    const hasMoved = waiting < waited || waiting === 0;
    lookMs = hasMoved ? lookMsMin : Math.min(lookMsMax, lookMs * 2);
    waited = waiting;
    if (waiting > 0) watch();
    if (hasMoved) onDrain();
  }

  function watch(): void {
    if (isLooking) return;
    isLooking = true;
    setTimeout(look, lookMs);
  }

  return {
    ...socket,
    send(frame) {
      const isTaken = socket.send(frame);
      if (isTaken && socket.bufferedBytes() > 0) watch();
      return isTaken;
    },
  };
}
