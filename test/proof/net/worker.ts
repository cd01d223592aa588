/**
 * A process of the host's that serves no chat: it only ends sessions, over the nodes' database and bus.
 * `POST /?user=alice` answers once that is on disk.
 */
import { createChat } from "../../../src/chat.ts";
import { demo } from "../../../src/access/demo.ts";
import { openBus } from "../../../src/standalone/bus.ts";

const { DATABASE_URL = "", DATABASE_AUTH_TOKEN: authToken, CLUSTER_URL } = process.env;
const bus = CLUSTER_URL === undefined ? undefined : await openBus(CLUSTER_URL);
const chat = createChat({
  database: { url: DATABASE_URL, ...(authToken !== undefined && { authToken }) },
  authenticate: demo(),
  ...(bus && { bus }),
});
await chat.ready();

const { port } = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  async fetch(request) {
    await chat.disconnect({ user: new URL(request.url).searchParams.get("user") ?? "", reason: "signed out" });
    return new Response(null, { status: 204 });
  },
});
process.stdout.write(`${JSON.stringify({ message: "serving", port })}\n`);
