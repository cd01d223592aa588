import type { ServerWebSocket } from "bun";
import type { Socket } from "../connection/socket.ts";

export function bunSocket(ws: ServerWebSocket<unknown>): Socket {
  return {
    // 0 is "dropped", and only that: later sends would succeed and leave a silent hole.
    send: (frame) => ws.sendText(frame) !== 0,
    bufferedBytes: () => ws.getBufferedAmount(),
    cork: (write) => {
      ws.cork(write);
    },
    ping: () => void ws.ping(),
    pause: () => ws.pause(),
    resume: () => ws.resume(),
    close: (code, reason) => ws.close(code, reason),
    terminate: () => ws.terminate(),
  };
}
