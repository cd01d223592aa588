import { deno } from "tidings/deno";
import { chat, port, serving } from "./chat.ts";

await chat.ready();
Deno.serve({ port, hostname: "127.0.0.1", onListen: (address) => serving(address.port) }, deno(chat));
