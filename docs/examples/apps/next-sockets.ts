import { createServer } from "node:http";
import { node } from "tidings/node";
import { chat } from "./chat";

await chat().ready();
const { request, upgrade } = node(chat());
// A separate port, to which your proxy forwards /chat/ws.
const server = createServer(request).on("upgrade", upgrade);
server.keepAliveTimeout = 75_000;
const port = Number(process.env.CHAT_PORT ?? "3001");
server.listen(port, "127.0.0.1", () => console.log("chat sockets on", port));
