/**
 * The smallest thing that an adapter must supply: one open WebSocket.
 *
 * The core never sees the runtime's own socket. None of these may throw.
 */
export interface Socket {
  /** Hands one text frame to the runtime. `false`: it was not taken and never will be; the socket is of no more use. */
  send(frame: string): boolean;

  /** Bytes handed over that the operating system has not taken yet. */
  bufferedBytes(): number;

  /** Runs `write` so that all its sends reach the operating system together. Absent where the runtime cannot. */
  cork?(write: () => void): void;

  /**
   * Sends a WebSocket ping; the pong comes back through `SocketEvents.pong`. Absent where the runtime hides pongs: its own idle
   * timeout must be in force there.
   */
  ping?(): void;

  /** Stops reading from the peer. Frames already read may still arrive. Absent where the runtime cannot. */
  pause?(): void;

  /** Reads again after `pause`. */
  resume?(): void;

  /** Starts the closing handshake. */
  close(code: number, reason: string): void;

  /** Drops the socket without a handshake. */
  terminate(): void;
}

/** The events that an adapter reports to a connection. Each call returns at once and never throws. */
export interface SocketEvents {
  /** One complete frame: text as a string, anything else as bytes. */
  receive(frame: string | Uint8Array): void;
  /** The runtime's buffer has room again. */
  drain(): void;
  /** The peer answered a ping. */
  pong(): void;
  /** The socket is gone. */
  closed(code: number): void;
}
