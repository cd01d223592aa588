import { type Chat, createChat } from "tidings";

const opened = globalThis as typeof globalThis & { chat?: Chat };

/**
 * The one chat of this process. Next puts this module into several bundles, and evaluates it again when it changes: the first that asks opens
 * the chat, and all others find it. It is not opened while Next builds.
 */
export function chat(): Chat {
  opened.chat ??= createChat({
    database: { url: "file:chat.db" },
    base: "/chat",
    // Your own session; here everybody is who they say they are.
    authenticate(request) {
      const [, user] = /(?:^|; )user=([^;]+)/.exec(request.headers.get("cookie") ?? "") ?? [];
      return user === undefined ? null : { user };
    },
  });
  return opened.chat;
}
