import { type Asked, openEndpoint } from "./endpoint.ts";

/** A fault of the server, for a request that may be correct. */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Never answered. */
  | "hang"
  /** Accepted, and the connection is closed without an answer. */
  | "lost";

/** A server on 127.0.0.1 that can answer with faults. */
export type FakeServer = {
  readonly url: string;
  /** The number of all connections. */
  readonly connections: () => number;
  /** The number of all requests. */
  readonly requests: () => number;
  /** The faults of the next requests, one each. */
  readonly fail: (...faults: readonly Fault[]) => void;
  readonly dispose: () => Promise<void>;
};

/** `take` is called for each request, unless a fault refuses it unread. */
export async function serveFake(
  take: (asked: Asked) => { readonly status: number; readonly body?: string },
): Promise<FakeServer> {
  const faults: Fault[] = [];
  let requests = 0;
  const { url, connections, close } = await openEndpoint((asked) => {
    requests += 1;
    const fault = faults.shift();
    if (fault !== undefined && fault !== "lost") return fault;
    const answer = take(asked);
    return fault ?? answer;
  });
  return {
    url,
    connections,
    requests: () => requests,
    fail: (...more) => void faults.push(...more),
    dispose: close,
  };
}
