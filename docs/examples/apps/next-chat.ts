import { type Chat, createChat } from "tidings";

const opened = globalThis as typeof globalThis & { chat?: Chat };

/**
 * The one chat of this process. Next puts this module into several bundles, and evaluates it again when it changes: the first call opens
 * the chat, and later calls return it. It is not opened while Next builds.
 */
export function chat(): Chat {
  opened.chat ??= createChat({
    database: { url: "file:chat.db" },
    base: "/chat",
    // In place of your own session: this one believes any user name.
    authenticate(request) {
      const [, user] = /(?:^|; )user=([^;]+)/.exec(request.headers.get("cookie") ?? "") ?? [];
      return user === undefined ? null : { user };
    },
  });
  return opened.chat;
}
