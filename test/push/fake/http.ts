import { type Asked, openEndpoint } from "./endpoint.ts";

/** What goes wrong with a request, which may be right in itself. */
export type Fault =
  | { readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string }
  /** Never answered. */
  | "hang"
  /** Taken, and the connection is closed in place of an answer. */
  | "lost";

/** A server on 127.0.0.1 whose next answers may be faults. */
export type FakeServer = {
  readonly url: string;
  /** How many connections there ever were. */
  readonly connections: () => number;
  /** How many requests there ever were. */
  readonly requests: () => number;
  /** What becomes of the next requests, one each. */
  readonly fail: (...faults: readonly Fault[]) => void;
  readonly dispose: () => Promise<void>;
};

/** `take` is asked about every request but those that a fault refuses before they are read. */
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
