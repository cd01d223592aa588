/**
 * A bot in its own process, which tests kill: it answers each message of alice.
 *
 *   bun test/hook/bot.ts DATABASE CALLS HANG     CALLS: a file with a line for each call; HANG: the text of the call in which it hangs
 */
import { appendFileSync } from "node:fs";
import type { Chat } from "../../src/chat-api.ts";
import { createChat } from "../../src/chat.ts";

const [path = "", calls = "", hang = ""] = process.argv.slice(2);

const chat: Chat = createChat({
  database: { url: `file:${path}` },
  authenticate: () => null,
  onMessage: {
    name: "bot",
    async handle({ from, to, text }, { replyId }) {
      if (to !== "bot") return;
      appendFileSync(calls, `${text}\n`);
      await chat.send({ from: "bot", to: from, text: `echo ${text}`, id: await replyId() });
      if (text !== hang) return;
      console.log("hangs");
      await new Promise(() => {});
    },
  },
});
await chat.ready();
for (let i = 0; i < 10; i++) await chat.send({ from: "alice", to: "bot", text: `${i}` });
// It waits to be killed.
setInterval(() => {}, 1_000);
