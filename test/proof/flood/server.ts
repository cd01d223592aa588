/**
 * The server under the flood: a chat that notifies through FCM and OneSignal. FLOOD has its settings as JSON; it prints its
 * address as the standalone server does. `GET /held` returns the sizes of its memory, after a garbage collection.
 */
import { heapStats } from "bun:jsc";
import { bun } from "../../../src/adapter/bun.ts";
import { createChat } from "../../../src/chat.ts";
import { demo } from "../../../src/access/demo.ts";
import { configureLog } from "../../../src/standalone/log.ts";
import { fcm } from "../../../src/push/provider/fcm.ts";
import { oneSignal } from "../../../src/push/provider/onesignal.ts";
import type { FloodSettings } from "./start.ts";

const settings = JSON.parse(process.env["FLOOD"] ?? "{}") as FloodSettings;
configureLog({ level: "warning" });

const chat = createChat({
  database: { url: "file:tidings.db" },
  authenticate: demo(),
  base: "",
  push: [fcm(settings.fcm), oneSignal(settings.oneSignal)],
  limits: settings.limits,
  // All senders come from one address.
  rates: { sends: { user: null, address: null }, work: { user: null, address: null } },
});
await chat.ready();
const server = Bun.serve(
  bun(chat, {
    hostname: "127.0.0.1",
    port: Number(process.env["PORT"]),
    fetch: (request, peer) =>
      new URL(request.url).pathname === "/held" ? Response.json(held()) : chat.fetch(request, peer),
  }),
);
process.on("SIGTERM", () => void chat.close().then(() => process.exit(0)));
process.stderr.write(`${JSON.stringify({ message: "serving", port: server.port })}\n`);

function held(): object {
  // Twice: the second collection finds what finalizers have released.
  Bun.gc(true);
  Bun.gc(true);
  return { sizes: chat.sizes() ?? {}, heapBytes: heapStats().heapSize };
}
