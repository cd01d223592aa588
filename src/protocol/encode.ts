import type { Change, Message } from "../model.ts";
import type { MessageChange, ReceiptChange, RelationChange, ServerFrame } from "./frame.ts";

/** Any frame that carries no changes. */
export const encodeFrame = (frame: Exclude<ServerFrame, { type: "changes" }>): string => JSON.stringify(frame);

/** One change as the JSON of a `changes` frame, without its n. */
export function encodeChange(change: Change): string {
  if (change.kind === "receipt") {
    const { kind, conversation, user, delivered, read } = change;
    return JSON.stringify({ kind, conversation, user, delivered, read } satisfies ReceiptChange);
  }
  if (change.kind === "relation") {
    const { kind, user, contact, blocked } = change;
    return JSON.stringify({ kind, user, contact, blocked } satisfies RelationChange);
  }
  return JSON.stringify(messageChange(change));
}

/** A message as clients and the host see it, without its n. */
export const messageChange = (message: { readonly kind: "message" } & Message): MessageChange => {
  const { kind, conversation, seq, id, from, to, text, time } = message;
  return { kind, conversation, seq, id, from, to, text, time };
};

/** A `changes` frame from encoded changes: one text serves every connection. */
export const encodeChanges = (cursor: string, more: boolean, changes: readonly string[]): string =>
  `{"type":"changes","cursor":"${cursor}","more":${more},"changes":[${changes.join(",")}]}`;

/** Bytes of a `changes` frame beside its changes and their commas. */
export const changesOverheadBytes = 128;
