import type { Socket } from "../connection/socket.ts";

/**
 * How often the outgoing bytes are counted, where a runtime does not report a drain. Less and less often while
 * the count stays the same: thousands of peers may have stopped reading.
 */
const lookMsMin = 15;
const lookMsMax = 240;

/**
 * A socket of a runtime without drain events: while bytes wait to go out it counts them, and calls `onDrain` when some are gone. Such a runtime
 * hides pongs too, so it has no `ping`.
 */
export function polledSocket(socket: Socket, onDrain: () => void): Socket {
  let isLooking = false;
  let lookMs = lookMsMin;
  /** Bytes that waited at the last look. */
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
    send(frame) {
      const isTaken = socket.send(frame);
      if (isTaken && socket.bufferedBytes() > 0) watch();
      return isTaken;
    },
    bufferedBytes: () => socket.bufferedBytes(),
    ...(socket.cork && { cork: (write) => socket.cork?.(write) }),
    ...(socket.pause && { pause: () => socket.pause?.() }),
    ...(socket.resume && { resume: () => socket.resume?.() }),
    close: (code, reason) => socket.close(code, reason),
    terminate: () => socket.terminate(),
  };
}
