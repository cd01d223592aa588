import type { Socket } from "../connection/socket.ts";

/** While something waits to go out, it is looked at this often: where a runtime does not tell when it has gone. */
const lookMs = 15;

/** A socket of a runtime that tells of no drain: asks, as long as anything waits, and calls `onDrain`. */
export function polledSocket(socket: Socket, onDrain: () => void): Socket {
  let isLooking = false;

  function look(): void {
    isLooking = false;
    if (socket.bufferedBytes() > 0) watch();
    onDrain();
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
