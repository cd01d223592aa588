import type { Client, Message } from "../client/index.ts";

export type NotifyOptions = {
  readonly client: Client;
  readonly tenant: string | undefined;
  /** Shows the conversation of a notification that was clicked. */
  readonly onOpen: (message: Message) => void;
};

const bodyMax = 200;

/** True: a user looks at this page now. */
const isWatched = (): boolean => document.visibilityState === "visible" && document.hasFocus();

/**
 * A page in the background tells of messages itself: it has confirmed them, so that the server sends no push. One notification for each conversation, with
 * the tag that the push worker uses too.
 */
export function startNotifying({ client, tenant, onOpen }: NotifyOptions): () => void {
  const shown = new Map<string, Notification>();
  const end = client.on("message", (message) => {
    if (isWatched() || notifyState() !== "on") return;
    if (client.conversation(message.conversation).get()?.isMuted === true) return;
    void tell(message);
  });

  async function tell(message: Message): Promise<void> {
    const tag = await tagOf(tenant ?? "default", message.conversation);
    // `renotify` is not in every browser's types.
    const options: NotificationOptions & { renotify: boolean } = {
      body: message.text.slice(0, bodyMax).toWellFormed(),
      tag,
      renotify: true,
    };
    const notification = new Notification(message.from, options);
    shown.set(message.conversation, notification);
    notification.onclick = () => {
      window.focus();
      notification.close();
      onOpen(message);
    };
  }

  /** A user who looks at the page again needs them no longer. */
  const clear = (): void => {
    if (!isWatched()) return;
    for (const notification of shown.values()) notification.close();
    shown.clear();
  };
  addEventListener("focus", clear);
  document.addEventListener("visibilitychange", clear);
  return () => {
    end();
    removeEventListener("focus", clear);
    document.removeEventListener("visibilitychange", clear);
  };
}

/** `unable`: this browser has none, or only through a service worker. `ask`: the user was not asked yet. */
export type NotifyState = "unable" | "ask" | "on" | "off";

export function notifyState(): NotifyState {
  if (typeof Notification === "undefined") return "unable";
  const { permission } = Notification;
  return permission === "granted" ? "on" : permission === "denied" ? "off" : "ask";
}

/** As the server makes it (src/push/request-id.ts): 24 bytes of SHA-256, as base64url. */
async function tagOf(tenant: string, conversation: string): Promise<string> {
  const hash = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(`${tenant} ${conversation}`));
  const text = String.fromCharCode(...new Uint8Array(hash).subarray(0, 24));
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_");
}
