import type { Frame } from "../link/contract.ts";
import type { DraftChange, OutboxChange, Write } from "../vault/contract.ts";
import type { ConversationPatch } from "../vault/merge.ts";
import type { MessageRow, RelationRow, Wish } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";

/** The frames of the log, and the answers between them. */
export type LogFrame = Extract<Frame, { type: "changes" | "accepted" | "reset" }>;

/** How many changes one write takes at most, a frame's worth more. */
const changesMax = 500;

/** Takes the next frames that one write takes. A `reset` begins a write. */
export function nextFrames(frames: LogFrame[]): readonly LogFrame[] {
  let changes = 0;
  let count = 0;
  for (const frame of frames) {
    if (count > 0 && (frame.type === "reset" || changes >= changesMax)) break;
    changes += frame.type === "changes" ? frame.changes.length : 1;
    count++;
  }
  return frames.splice(0, count);
}

export const isLast = (frame: LogFrame): boolean => frame.type === "changes" && !frame.more;

/** The write of these frames, and what is to be told after it. */
export type Collected = {
  readonly write: Write;
  /** Own messages of the outbox. */
  readonly accepted: readonly MessageRow[];
  readonly settledElsewhere: readonly MessageAddress[];
};

export function collectWrite(
  frames: readonly LogFrame[],
  of: { readonly cursor: string | null; readonly level: number; readonly self: string; readonly cache: Cache },
): Collected {
  const draft = createDraft(of);
  let cursor = of.cursor;
  for (const frame of frames) {
    if (frame.type === "accepted") draft.accept(frame);
    else {
      cursor = frame.cursor;
      if (frame.type === "reset") draft.reset();
      else for (const change of frame.changes) draft.take(change);
    }
  }
  if (cursor === null || cursor === of.cursor) return draft.end(undefined);
  return draft.end({ from: of.cursor, to: cursor, level: of.level });
}

export type MessageAddress = Pick<MessageRow, "conversation" | "seq">;
type Change = Extract<Frame, { type: "changes" }>["changes"][number];

/** Collects one write. */
function createDraft({ self, cache }: { readonly self: string; readonly cache: Cache }) {
  const messages: MessageRow[] = [];
  const accepted: MessageRow[] = [];
  const settledElsewhere: MessageAddress[] = [];
  const conversations: ConversationPatch[] = [];
  const relations: RelationRow[] = [];
  const outbox: OutboxChange[] = [];
  const granted: Wish[] = [];
  const drafts: DraftChange[] = [];
  let isReset = false;

  function addMessage(message: MessageRow): void {
    messages.push(message);
    conversations.push({ kind: "message", message, self });
    const entry = message.from === self ? cache.pending.get(message.id) : undefined;
    if (entry === undefined) return;
    if (entry.draft !== undefined) drafts.push(entry.draft);
    // Also when another tab or an earlier connection sent it: its row leaves in the write that brings its message.
    outbox.push({ do: "settle", id: message.id });
    accepted.push(message);
  }

  return {
    accept({ id, conversation, seq, time }: Extract<LogFrame, { type: "accepted" }>): void {
      const entry = cache.pending.get(id);
      if (entry === undefined) return void settledElsewhere.push({ conversation, seq });
      const { target, text } = entry.row;
      const to = "with" in target ? target.with : cache.conversations.get(conversation)?.with;
      addMessage({ conversation, seq, id, from: self, ...(typeof to === "string" && { to }), text, time });
    },
    take(change: Change): void {
      switch (change.kind) {
        case "message": {
          const { kind: _, ...message } = change;
          return addMessage(message);
        }
        case "receipt": {
          conversations.push({ ...change, self });
          const wish = cache.wishes.get(`read ${change.conversation}`);
          if (change.user === self && wish?.kind === "read" && wish.seq <= change.read) granted.push(wish);
          return;
        }
        case "relation":
          return void relations.push({ user: change.user, contact: change.contact, blocked: change.blocked });
        case "setting":
          return void conversations.push(change);
        default:
          // A kind of a later release: its level is above this client's, or it says nothing that this client shows.
          return;
      }
    },
    reset(): void {
      isReset = true;
    },
    end(cursor: Write["cursor"]) {
      const write: Write = {
        ...(isReset && { reset: true }),
        ...(cursor !== undefined && { cursor }),
        ...{ messages, conversations, relations, outbox, granted },
        ...(drafts.length > 0 && { drafts }),
      };
      return { write, accepted, settledElsewhere };
    },
  };
}
