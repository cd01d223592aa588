import { Hono } from "hono";
import { upgradeWebSocket } from "hono/deno";
import { hono } from "tidings/hono";
import { chat, port, serving } from "./chat.ts";

const app = new Hono();
app.use(async (context, next) => {
  console.log(context.req.method, context.req.path);
  await next();
});
app.get("/", (context) => context.text("Your app answers"));
app.route("/chat", hono(chat, upgradeWebSocket));

await chat.ready();
Deno.serve({ port, hostname: "127.0.0.1", onListen: (address) => serving(address.port) }, app.fetch);
