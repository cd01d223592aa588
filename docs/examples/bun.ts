import { bun } from "tidings/bun";
import { chat, port, serving } from "./chat.ts";

await chat.ready();
const server = Bun.serve(bun(chat, { port, hostname: "127.0.0.1" }));
serving(server.port ?? port);
