import type { Frame } from "../connection/inbox.ts";
import { decodeFrame } from "../protocol/decode.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Connection } from "./connection.ts";
import { ack } from "./handler/ack.ts";
import type { HandlerContext } from "./handler/handler.ts";
import { ping } from "./handler/ping.ts";
import { read } from "./handler/read.ts";
import { send } from "./handler/send.ts";
import { typing } from "./handler/typing.ts";
import { watch } from "./handler/watch.ts";

/** Decodes one frame and hands it to the handler of its type; what is not a frame is answered and counted. */
export function createDispatch(context: HandlerContext, limits: Limits) {
  return (connection: Connection, data: Frame): void | Promise<void> => {
    const decoded = decodeFrame(data, limits);
    if (!decoded.ok) {
      const { code, message, id } = decoded;
      if (decoded.kind === "rejected")
        return connection.reply({ type: "rejected", id: decoded.id, code, message, retry: "never" });
      connection.reply({ type: "error", code, message, ...(id === undefined ? {} : { id }) });
      return connection.strike();
    }
    const { frame } = decoded;
    if (frame.type !== "ping") connection.act();
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
      case "ping":
        return ping(connection, frame, context);
    }
  };
}
