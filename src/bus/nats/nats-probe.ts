import { connect } from "node:net";

export type KnockOptions = {
  readonly host: string;
  readonly port: number;
  /** False: the server waits for TLS before it says anything. */
  readonly isGreeted: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

const greeting = "INFO ";

/**
 * Resolves where a NATS server answers: it greets whoever connects (its protocol's `INFO`). Rejects with why not.
 *
 * `connect` of the nats library cannot be given up, and what it leaves behind when a server accepts and then says nothing (stopped, or
 * behind a balancer) is a socket that stays; so it is only called where somebody is at home.
 */
export function knock({ host, port, isGreeted, timeoutMs, signal }: KnockOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let said = "";
    const timer = setTimeout(() => end(new Error(`The server said nothing for ${timeoutMs} ms`)), timeoutMs);
    const abort = (): void => end(new Error("No longer needed"));

    function end(error: Error | null): void {
      clearTimeout(timer);
      signal.removeEventListener("abort", abort);
      socket.destroy();
      if (error === null) resolve();
      else reject(error);
    }

    socket.on("error", end);
    socket.on("close", () => end(new Error("The server closed the connection")));
    socket.on("connect", () => {
      if (!isGreeted) end(null);
    });
    socket.on("data", (bytes: Buffer) => {
      said += bytes.toString("latin1");
      if (said.startsWith(greeting)) end(null);
      else if (said.length >= greeting.length) end(new Error("The server is no NATS server"));
    });
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
  });
}
