/**
 * The server with all limits at their defaults, a provider in its own process that takes every notice at once, and a watch on its event loop:
 * `GET /stops` returns the longest stop since the last request, in milliseconds.
 */
import { createChat } from "../../../src/chat.ts";
import { demo } from "../../../src/access/demo.ts";
import type { PushProvider } from "../../../src/push/provider.ts";
import { serveChat } from "./serve-chat.ts";

const everyMs = 5;

let before = performance.now();
let used = process.cpuUsage();
let longestMs = 0;

// Only time in which the process worked counts, so that other work on the machine does not.
setInterval(() => {
  const now = performance.now();
  const { user, system } = process.cpuUsage(used);
  longestMs = Math.max(longestMs, Math.min(now - before - everyMs, (user + system) / 1_000));
  before = now;
  used = process.cpuUsage();
}, everyMs);

const atOnce: PushProvider = {
  name: "at-once",
  expects: "a token",
  parse: ({ token }) => (typeof token === "string" ? { token } : null),
  send: async () => ({ type: "sent", answer: "taken" }),
};

const chat = createChat({
  database: { url: process.env["DATABASE_URL"] ?? "" },
  authenticate: demo({}),
  push: [atOnce],
  base: "",
});
await serveChat(chat, "/stops", () => {
  const longest = longestMs;
  longestMs = 0;
  return new Response(String(longest));
});
