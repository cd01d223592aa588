import { connect } from "node:net";

export type ProbeOptions = {
  readonly host: string;
  readonly port: number;
  /** False: the server sends nothing before TLS. */
  readonly isGreeted: boolean;
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
};

const greeting = "INFO ";

/**
 * Resolves where a NATS server answers: it sends its protocol's `INFO` to each client that connects. Rejects with the reason where not.
 *
 * `connect` of the nats library cannot be cancelled, and leaves an open socket behind when a server accepts and then sends nothing (stopped, or
 * behind a balancer); so it is called for servers that answered this probe only.
 */
export function probe({ host, port, isGreeted, timeoutMs, signal }: ProbeOptions): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port });
    let received = "";
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
      received += bytes.toString("latin1");
      if (received.startsWith(greeting)) end(null);
      else if (received.length >= greeting.length) end(new Error("The server is no NATS server"));
    });
    signal.addEventListener("abort", abort);
    if (signal.aborted) abort();
  });
}
