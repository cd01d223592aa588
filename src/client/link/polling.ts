import type { ClientFrame } from "../../protocol/frame.ts";
import type { Answer, Ask, Failure, Frame } from "./contract.ts";
import { withParameters } from "./path.ts";
import { failure } from "./requests.ts";
import { type Connection, type ConnectionOptions, fieldsOf, isFrame } from "./socket.ts";

/** Shorter than the ten seconds after which some proxies close a connection on which nothing moves. */
const waitSeconds = 8;
/** Between two answers, so that a server, or a cache, that answers at once is not asked without end. */
const pauseMs = 200;

type Send = Extract<ClientFrame, { type: "send" }>;

/**
 * A connection by HTTP alone, for networks that block WebSockets. `GET /changes` acks the cursor that it begins at. So it begins at what the reader of the
 * frames has acked, and the next one waits for that ack.
 */
export function openPolling({ environment, requests, credentials, position, events }: ConnectionOptions): Connection {
  const { device, level } = position;
  let { cursor } = position;
  /** `storing`: the frames before this cursor have been passed on, and not all are acked. */
  let state: { readonly type: "begins" | "polls" | "closed" } | { readonly type: "storing"; readonly cursor: string } =
    {
      type: "begins",
    };
  let watch: string | null = null;
  /** The answer to a ping, which the next answer of the server brings. */
  let pong: Frame | null = null;
  let stopPolling = ignore;
  let stopSending = ignore;
  const outgoing: ClientFrame[] = [];

  function end(reason: Failure): void {
    close();
    events.onFailed(reason);
  }

  function close(): void {
    state = { type: "closed" };
    stopPolling();
    stopSending();
  }

  /** Begins the request again, if one is under way: its answer is not lost, for it has moved no cursor. */
  function poll(): void {
    stopPolling();
    const wait = state.type === "polls" && pong === null ? waitSeconds : 0;
    const path = withParameters("/changes", { device, level, wait, cursor, watch });
    stopPolling = requests.exchange({ method: "GET", path }, credentials(), (answer) => {
      if (!answer.ok) return end(answer);
      const body = readChanges(answer.body);
      if (body === null)
        return end(failure(0, { code: "network", message: "The answer to GET /changes has no frames" }));
      const due = pong;
      pong = null;
      // Frames that wait to be stored have come again, because of a ping.
      if (state.type !== "storing") take(body);
      if (due !== null) events.onFrame(due);
      if (state.type === "polls") stopPolling = environment.clock.after(pauseMs, poll);
    });
  }

  function take({ cursor: next, frames }: Changes): void {
    if (frames.some(isToStore)) state = { type: "storing", cursor: next };
    else {
      state = { type: "polls" };
      cursor = next;
    }
    for (const frame of frames) events.onFrame(frame);
  }

  function ack(acked: string): void {
    if (state.type !== "storing" || state.cursor !== acked) return push({ type: "ack", cursor: acked });
    cursor = acked;
    state = { type: "polls" };
    // The next request acks it, and `take` may still pass frames on.
    stopPolling();
    stopPolling = environment.clock.after(0, poll);
  }

  function push(frame: ClientFrame): void {
    if (outgoing.push(frame) === 1) sendNext();
  }

  /** One after the other: the server gets them in their order. */
  function sendNext(): void {
    const [frame] = outgoing;
    const request = frame && requestOf(frame, device);
    if (!frame || !request || state.type === "closed") return;
    stopSending = requests.exchange(request, credentials(), (answer) => {
      if (!answer.ok && (answer.status === 0 || answer.status === 401)) return end(answer);
      outgoing.shift();
      if (frame.type === "send") {
        events.onFrame(answerTo(frame, answer));
        if (!answer.ok && answer.retry) refuseSends(answer);
      }
      sendNext();
    });
  }

  /** As on a socket: after a send that may succeed later, the sends behind it are refused too, so that their order holds. */
  function refuseSends(reason: Failure): void {
    for (const frame of outgoing.splice(0)) {
      if (frame.type === "send") events.onFrame(answerTo(frame, reason));
      else outgoing.push(frame);
    }
  }

  poll();
  return {
    close,
    send(frame) {
      if (frame.type === "ping") {
        pong = { ...frame, type: "pong" };
        poll();
      } else if (frame.type === "ack") ack(frame.cursor);
      else if (frame.type === "watch") {
        watch = frame.users.length === 0 ? null : frame.users.join(",");
        if (state.type === "polls") poll();
      } else if (frame.type === "send" || frame.type === "read") push(frame);
    },
  };
}

type Changes = { readonly cursor: string; readonly frames: readonly Frame[] };

function readChanges(body: unknown): Changes | null {
  const { cursor, frames } = fieldsOf(body);
  return typeof cursor === "string" && Array.isArray(frames) ? { cursor, frames: frames.filter(isFrame) } : null;
}

const isToStore = (frame: Frame): boolean =>
  frame.type === "reset" || (frame.type === "changes" && frame.changes.length > 0);

function requestOf(frame: ClientFrame, device: string): Ask | null {
  switch (frame.type) {
    case "send": {
      const { type: _, ...body } = frame;
      return { method: "POST", path: "/messages", body };
    }
    case "ack":
      return { method: "POST", path: "/ack", body: { device, cursor: frame.cursor } };
    case "read":
      return {
        method: "POST",
        path: `/conversations/${encodeURIComponent(frame.conversation)}/read`,
        body: { seq: frame.seq },
      };
    default:
      return null;
  }
}

/** The frame that a socket would answer. */
function answerTo({ id }: Send, answer: Answer): Frame {
  if (answer.ok) return { ...(answer.body as object), type: "accepted" } as Frame;
  const { status, message, retry, retryAfterMs } = answer;
  const code = status >= 500 ? "unavailable" : answer.code === "bad_request" ? "bad_frame" : answer.code;
  return {
    ...{ type: "rejected", id, code, message },
    ...{ retry: retry ? "later" : "never", ...(retryAfterMs !== undefined && { retryAfterMs }) },
  } as Frame;
}

function ignore(): void {}
