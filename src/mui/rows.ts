import type { Conversation, ThreadRow } from "../client/api.ts";
import type { Target } from "../client/vault/rows.ts";
import type { MuiConversation, MuiError, MuiMessage, MuiPartRenderers } from "./types.ts";

/** MUI's id of a conversation; it may have no id on the server yet. */
export const muiId = (target: Target): string =>
  "with" in target ? `with:${target.with}` : `conversation:${target.conversation}`;

/** The conversation that MUI's id means. */
export function targetOf(id: string): Target {
  const at = id.indexOf(":");
  return id.startsWith("with:") ? { with: id.slice(at + 1) } : { conversation: id.slice(at + 1) };
}

const statusOf = (state: ThreadRow["state"]): MuiMessage["status"] => {
  switch (state) {
    case "keeping":
    case "queued":
      return "pending";
    case "sending":
    case "read":
      return state;
    case "accepted":
    case "delivered":
      return "sent";
    case "failed":
      return "error";
    case "received":
      return undefined;
  }
};

// oxlint-disable-next-line no-restricted-globals -- it writes a given time, and reads no clock.
const dateText = (time: number): string => new Date(time).toISOString();

/** A row that did not change is the same message as before, so that MUI draws it once. */
const messages = new WeakMap<ThreadRow, MuiMessage>();

/** A row under MUI's names. Its id is the key of the row, from the keystroke on. */
export function muiMessage(row: ThreadRow): MuiMessage {
  const known = messages.get(row);
  if (known !== undefined) return known;
  const status = statusOf(row.state);
  const message: MuiMessage = {
    id: row.key,
    role: "user",
    parts: [{ type: "text", text: row.text }],
    createdAt: dateText(row.time),
    author: { id: row.from, displayName: row.from },
    ...(status !== undefined && { status }),
  };
  messages.set(row, message);
  return message;
}

/** A text as its author wrote it. As Markdown it could load an image of the author's, or name one address and lead to another. */
export const muiPartRenderers: MuiPartRenderers = { text: ({ part }) => part.text };

export function muiConversation({ id, with: other, last, unread }: Conversation): MuiConversation {
  return {
    id: muiId(other === null ? { conversation: id } : { with: other }),
    title: other ?? id,
    unreadCount: unread,
    readState: unread > 0 ? "unread" : "read",
    ...(last !== null && { subtitle: last.text, lastMessageAt: dateText(last.time) }),
    ...(other !== null && { participants: [{ id: other, displayName: other }] }),
  };
}

export const muiError = (message: string): MuiError => ({
  code: "SEND_ERROR",
  message,
  source: "send",
  recoverable: true,
  retryable: true,
});
