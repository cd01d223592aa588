import type { Frame } from "../connection/inbox.ts";
import { decodeFrame } from "../protocol/decode.ts";
import type { Limits } from "../protocol/limits.ts";
import { type ClientFrame } from "../protocol/frame.ts";
import { bytesCost, costs } from "../protocol/costs.ts";
import type { Connection } from "../connection/connection.ts";
import { authenticate } from "./frame/authenticate.ts";
import { ack } from "./frame/ack.ts";
import type { HandlerContext } from "./frame/handler.ts";
import { ping } from "./frame/ping.ts";
import { read } from "./frame/read.ts";
import { send } from "./frame/send.ts";
import { typing } from "./frame/typing.ts";
import { watch } from "./frame/watch.ts";

/** What a frame costs, beside its bytes; null: it is a message, which is paid for as it is judged. */
function costOf(frame: ClientFrame, { session }: Connection): number | null {
  if (frame.type === "watch") return costs.watch + costs.watched * frame.users.length;
  // To oneself is none: it is answered without the store.
  if (frame.type === "send") return frame.to === session.user ? costs.refused : null;
  return costs[frame.type];
}

/**
 * Decodes one frame and hands it to the handler of its type; what is not a frame is answered and counted. All but messages are paid for
 * first, and wait until they are: the frames behind them wait too, and the socket is not read meanwhile.
 */
export function createDispatch(context: HandlerContext, limits: Limits) {
  return (connection: Connection, data: Frame): void | Promise<void> => {
    const decoded = decodeFrame(data, limits);
    const units = decoded.ok ? costOf(decoded.frame, connection) : costs.refused;
    if (units === null) return act(connection, decoded);
    const paid = context.limiter?.pay(connection.doer, units + bytesCost(data.length));
    if (!paid) return act(connection, decoded);
    return paid.then(() => (connection.isOpen() ? act(connection, decoded) : undefined));
  };

  function act(connection: Connection, decoded: ReturnType<typeof decodeFrame>): void | Promise<void> {
    if (!decoded.ok) {
      const { code, message, id } = decoded;
      if (decoded.kind === "rejected")
        return connection.reply({ type: "rejected", id: decoded.id, code, message, retry: "never" });
      connection.reply({ type: "error", code, message, ...(id === undefined ? {} : { id }) });
      return connection.strike();
    }
    const { frame } = decoded;
    // A client does these by itself.
    if (frame.type !== "ping" && frame.type !== "authenticate") connection.act();
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
