import { serve, upgradeWebSocket } from "@hono/node-server";
import { Hono } from "hono";
import { hono } from "tidings/hono";
import { WebSocketServer } from "ws";
import { chat, port, serving } from "./chat.ts";

const app = new Hono();
app.use(async (context, next) => {
  console.log(context.req.method, context.req.path);
  await next();
});
app.get("/", (context) => context.text("Your app answers"));
app.route("/chat", hono(chat, upgradeWebSocket));

await chat.ready();
const sockets = new WebSocketServer({ noServer: true, maxPayload: chat.limits.frameBytesMax });
const options = { port, hostname: "127.0.0.1", fetch: app.fetch, websocket: { server: sockets } };
serve(options, (address) => serving(address.port));
