/** One node of several. `GET /counts` answers how often a hint brought its rows, and how often the log had to be read. */
import { bun } from "../../../src/adapter/bun.ts";
import { nats } from "../../../src/adapter/nats.ts";
import { createChat } from "../../../src/chat.ts";
import { demo } from "../../../src/http/demo.ts";
import { configureLog } from "../../../src/log.ts";

configureLog({ level: "warning" });
const bus = nats({ servers: process.env["CLUSTER_URL"] ?? "" });
const chat = createChat({
  database: { url: process.env["DATABASE_URL"] ?? "" },
  authenticate: demo({}),
  base: "",
  bus,
});
await chat.ready();
const server = Bun.serve(
  bun(chat, {
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, peer) =>
      new URL(request.url).pathname === "/counts" ? Response.json(chat.counts()) : chat.fetch(request, peer),
  }),
);
process.on("SIGTERM", () => void chat.close().then(() => process.exit(0)));
process.stderr.write(`serving http://127.0.0.1:${server.port}/\n`);
