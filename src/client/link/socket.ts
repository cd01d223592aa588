import type { Credentials } from "../api.ts";
import type { Environment, SocketLike } from "../environment.ts";
import type { ClientFrame } from "../../protocol/frame.ts";
import type { Failure, Frame, Position } from "./contract.ts";
import { withParameters } from "./path.ts";
import { failure, type Requests } from "./requests.ts";

/** A way for frames, open or opening: a socket, or polling. */
export type Connection = { send(frame: ClientFrame): void; close(): void };

/** The events of a connection: none after `close`, and nothing after the first `onDropped` or `onFailed`. */
export type ConnectionEvents = {
  onFrame(frame: Frame): void;
  onDropped(code: number, reason: string): void;
  onFailed(failure: Failure): void;
};

export type ConnectionOptions = {
  readonly environment: Environment;
  readonly url: string;
  readonly requests: Requests;
  /** The present ones: polling goes on with those that come later. */
  readonly credentials: () => Credentials;
  readonly position: Position;
  readonly events: ConnectionEvents;
  readonly onFault: (fault: unknown) => void;
};

const normal = 1000;
const abnormal = 1006;

/** Opens a WebSocket. A browser's can send no header, so a token is first exchanged for a ticket, which is good once. */
export function openSocket({
  environment,
  url,
  requests,
  credentials,
  position,
  events,
  onFault,
}: ConnectionOptions): Connection {
  const content = credentials();
  let socket: SocketLike | null = null;
  let cancelTicket = ignore;

  function dial(ticket: string | null): void {
    const path = withParameters("/ws", { ...position, ticket, ...content.parameters });
    try {
      socket = environment.connect(url.replace(/^http/, "ws") + path, ["tidings.v1"]);
    } catch (fault) {
      // A policy of the page forbids it, for example.
      onFault(fault);
      return events.onDropped(abnormal, "");
    }
    socket.onmessage = ({ data }) => {
      const frame = parseFrame(data);
      if (frame !== null) events.onFrame(frame);
      else onFault(new Error("The server sent a frame that is no JSON object with a type"));
    };
    socket.onclose = ({ code, reason }) => events.onDropped(code, reason);
    // `close` follows. Some runtimes throw if there is no listener.
    socket.onerror = ignore;
  }

  if (content.token === undefined && content.headers === undefined) dial(null);
  else
    cancelTicket = requests.exchange({ method: "POST", path: "/tickets" }, content, (answer) => {
      if (!answer.ok) return events.onFailed(answer);
      const { ticket } = fieldsOf(answer.body);
      if (typeof ticket === "string") dial(ticket);
      else events.onFailed(failure(0, { code: "network", message: "The answer has no ticket" }));
    });

  return {
    send: (frame) => socket?.send(JSON.stringify(frame)),
    close() {
      cancelTicket();
      if (socket === null) return;
      socket.onmessage = socket.onclose = null;
      socket.close(normal);
    },
  };
}

function parseFrame(data: unknown): Frame | null {
  try {
    const frame: unknown = typeof data === "string" ? JSON.parse(data) : null;
    return isFrame(frame) ? frame : null;
  } catch {
    return null;
  }
}

/** The fields of what may be anything. */
export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  Object(value) as Readonly<Record<string, unknown>>;

/** Types that this release does not know pass. */
export const isFrame = (value: unknown): value is Frame => typeof fieldsOf(value)["type"] === "string";

function ignore(): void {}
