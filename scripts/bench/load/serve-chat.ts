import { bun } from "../../../src/adapter/bun.ts";
import type { Chat } from "../../../src/chat.ts";

/** Serves a chat on a free port of this machine, as the real server does, and one more path with its measurements. */
export async function serveChat(chat: Chat, path: string, answer: () => Response): Promise<void> {
  await chat.ready();
  const server = Bun.serve(
    bun(chat, {
      port: 0,
      hostname: "127.0.0.1",
      fetch: (request, peer) => (new URL(request.url).pathname === path ? answer() : chat.fetch(request, peer)),
    }),
  );
  process.on("SIGTERM", () => void chat.close().then(() => process.exit(0)));
  process.stderr.write(`serving http://127.0.0.1:${server.port}/\n`);
}
