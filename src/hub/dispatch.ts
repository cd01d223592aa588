import type { Frame } from "../connection/inbox.ts";
import { type Decoded, decodeFrame } from "../protocol/decode.ts";
import type { Limits } from "../protocol/limits.ts";
import type { ClientFrame } from "../protocol/frame.ts";
import { bytesCost, costs } from "../protocol/costs.ts";
import type { Connection } from "../connection/connection.ts";
import type { Answer } from "../connection/outgoing.ts";
import { authenticate } from "./frame/authenticate.ts";
import { ack } from "./frame/ack.ts";
import type { Handled, HandlerContext } from "./frame/handler.ts";
import { ping } from "./frame/ping.ts";
import { read } from "./frame/read.ts";
import { send } from "./frame/send.ts";
import { typing } from "./frame/typing.ts";
import { watch } from "./frame/watch.ts";

/** The units of a frame, beside its bytes; null: it is a message, and its handler pays them. */
function costOf(frame: ClientFrame): number | null {
  if (frame.type === "watch") return costs.watch + costs.watched * frame.users.length;
  if (frame.type === "send") return null;
  return costs[frame.type];
}

/**
 * Makes the handler of frames: it decodes a frame, calls the handler of its type and sends the answer; bad frames are answered and
 * counted. All frames but messages are paid for first, and wait until they are: the frames behind them wait too, and the socket is not read meanwhile.
 */
export function createDispatch(context: HandlerContext, limits: Limits) {
  return (connection: Connection, data: Frame): void | Promise<void> => {
    // The timer of the session's end may be late: a session that is over sends nothing more.
    if (connection.endIfOver()) return;
    const decoded = decodeFrame(data, limits);
    const units = decoded.ok ? costOf(decoded.frame) : costs.refused;
    if (units === null) return handle(connection, decoded);
    const paid = context.limiter?.pay(connection.doer, units + bytesCost(data.length));
    if (!paid) return handle(connection, decoded);
    return paid.then(() => (connection.isOpen() ? handle(connection, decoded) : undefined));
  };

  function handle(connection: Connection, decoded: Decoded): void | Promise<void> {
    if (!decoded.ok) return answer(connection, refusalOf(decoded));
    const { frame } = decoded;
    // A client sends these by itself.
    if (frame.type !== "ping" && frame.type !== "authenticate") connection.health.markActive();
    const handled = route(connection, frame);
    if (handled instanceof Promise) return handled.then((frame) => answer(connection, frame));
    return answer(connection, handled);
  }

  function route(connection: Connection, frame: ClientFrame): Handled | Promise<Handled> {
    switch (frame.type) {
      case "send":
        return send(connection, frame, context);
      case "ack":
        return ack(connection, frame, context);
      case "read":
        return read(connection, frame, context);
      case "typing":
        return typing(connection, frame, context);
      case "watch":
        return watch(connection, frame, context);
      case "authenticate":
        return authenticate(connection, frame, context);
      case "ping":
        return ping(connection, frame, context);
    }
  }
}

function refusalOf(decoded: Extract<Decoded, { ok: false }>): Answer {
  const { code, message, id } = decoded;
  if (decoded.kind === "rejected") return { type: "rejected", id: decoded.id, code, message, retry: "never" };
  return { type: "error", code, message, ...(id === undefined ? {} : { id }) };
}

function answer(connection: Connection, frame: Handled): void {
  if (frame === undefined) return;
  connection.outgoing.reply(frame);
  if (frame.type === "error" && frame.code === "bad_frame") connection.countBadFrame();
}
