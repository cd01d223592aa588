/** One node of several; `AUDIENCE_NODES_MIN` is its limit of that name. `GET /counts` returns how often a commit notice brought its rows, and how often the log had to be read. */
import { nats } from "../../../src/bus/nats/nats.ts";
import { createChat } from "../../../src/chat.ts";
import { demo } from "../../../src/access/demo.ts";
import { configureLog } from "../../../src/standalone/log.ts";
import { serveChat } from "./serve-chat.ts";

configureLog({ level: "warning" });
const bus = nats({ servers: process.env["CLUSTER_URL"] ?? "" });
const chat = createChat({
  database: { url: process.env["DATABASE_URL"] ?? "" },
  authenticate: demo({}),
  limits: { audienceNodesMin: Number(process.env["AUDIENCE_NODES_MIN"] ?? 8) },
  base: "",
  bus,
});
await serveChat(chat, "/counts", () => Response.json(chat.counts()));
