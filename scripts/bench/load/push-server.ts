/**
 * The server with a provider in its own process that takes every notice at once: what is measured is Tidings, and no network. PUSH=off has
 * none. `GET /told` answers how many notices there were.
 */
import { bun } from "../../../src/adapter/bun.ts";
import { createChat } from "../../../src/chat.ts";
import { demo } from "../../../src/http/demo.ts";
import type { PushProvider } from "../../../src/push/provider.ts";

let told = 0;

const atOnce: PushProvider = {
  name: "at-once",
  expects: "a token",
  parse: ({ token }) => (typeof token === "string" ? { token } : null),
  async send() {
    told++;
    return { type: "sent", answer: "taken" };
  },
};

const chat = createChat({
  database: { url: process.env["DATABASE_URL"] ?? "" },
  authenticate: demo({}),
  push: process.env["PUSH"] === "off" ? [] : [atOnce],
  base: "",
});
await chat.ready();
const server = Bun.serve(
  bun(chat, {
    port: 0,
    hostname: "127.0.0.1",
    fetch: (request, peer) =>
      new URL(request.url).pathname === "/told" ? new Response(String(told)) : chat.fetch(request, peer),
  }),
);
process.on("SIGTERM", () => void chat.close().then(() => process.exit(0)));
process.stderr.write(`serving http://127.0.0.1:${server.port}/\n`);
