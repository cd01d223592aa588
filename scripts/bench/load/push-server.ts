/**
 * The server with a provider in its own process that takes every notice at once: what is measured is Tidings, and no network. PUSH=off has
 * none. `GET /told` answers how many notices there were.
 */
import { createChat } from "../../../src/chat.ts";
import { demo } from "../../../src/access/demo.ts";
import type { PushProvider } from "../../../src/push/provider.ts";
import { serveChat } from "./serve-chat.ts";

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
await serveChat(chat, "/told", () => new Response(String(told)));
