import { createServer } from "node:http";
import { node } from "tidings/node";
import { chat, port, serving } from "./chat.ts";

await chat.ready();
const { request, upgrade } = node(chat);
const server = createServer(request).on("upgrade", upgrade);
// Longer than a proxy in front keeps an idle connection.
server.keepAliveTimeout = 75_000;
server.listen(port, "127.0.0.1", () => {
  const address = server.address();
  if (typeof address === "object" && address !== null) serving(address.port);
});
