/**
 * The server with a provider in its own process that takes every notification at once: Tidings is measured, and no network. PUSH=off has
 * none. `GET /sent` returns the number of notifications.
 */
import { createChat } from "../../../src/chat.ts";
import { demo } from "../../../src/access/demo.ts";
import type { PushProvider } from "../../../src/push/provider.ts";
import { serveChat } from "./serve-chat.ts";

let sent = 0;

const atOnce: PushProvider = {
  name: "at-once",
  expects: "a token",
  parse: ({ token }) => (typeof token === "string" ? { token } : null),
  async send() {
    sent++;
    return { type: "sent", answer: "taken" };
  },
};

const chat = createChat({
  database: { url: process.env["DATABASE_URL"] ?? "" },
  authenticate: demo({}),
  push: process.env["PUSH"] === "off" ? [] : [atOnce],
  base: "",
});
await serveChat(chat, "/sent", () => new Response(String(sent)));
