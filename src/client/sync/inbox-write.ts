import type { Frame, Position } from "../link/contract.ts";
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

export type MessageAddress = Pick<MessageRow, "conversation" | "seq">;

/** Collects one write of the frames. */
export function collectWrite(
  frames: readonly LogFrame[],
  of: Pick<Position, "cursor" | "level"> & {
    /** Absent: it is not known. */
    readonly history?: string | undefined;
    readonly self: string;
    readonly cache: Cache;
  },
): Collected {
  const { level, self, cache, history } = of;
  const messages: MessageRow[] = [];
  const accepted: MessageRow[] = [];
  const settledElsewhere: MessageAddress[] = [];
  const conversations: ConversationPatch[] = [];
  const relations: RelationRow[] = [];
  const outbox: OutboxChange[] = [];
  const granted: Wish[] = [];
  const drafts: DraftChange[] = [];
  let { cursor } = of;

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

  function accept({ id, conversation, seq, time }: Extract<LogFrame, { type: "accepted" }>): void {
    const entry = cache.pending.get(id);
    if (entry === undefined) return void settledElsewhere.push({ conversation, seq });
    const { target, text } = entry.row;
    const to = "with" in target ? target.with : cache.conversations.get(conversation)?.with;
    addMessage({ conversation, seq, id, from: self, ...(typeof to === "string" && { to }), text, time });
  }

  /** A kind of a later release is left out: its level is above this client's, or it says nothing that this client shows. */
  function take(change: Change): void {
    if (change.kind === "message") {
      const { kind: _, ...message } = change;
      addMessage(message);
    } else if (change.kind === "receipt") {
      conversations.push({ ...change, self });
      const wish = cache.wishes.get(`read ${change.conversation}`);
      if (change.user === self && wish?.kind === "read" && wish.seq <= change.read) granted.push(wish);
    } else if (change.kind === "relation")
      relations.push({ user: change.user, contact: change.contact, blocked: change.blocked });
    else if (change.kind === "setting") conversations.push(change);
  }

  for (const frame of frames)
    if (frame.type === "accepted") accept(frame);
    else {
      ({ cursor } = frame);
      if (frame.type === "changes") frame.changes.forEach(take);
    }
  const write: Write = {
    ...(frames.some(({ type }) => type === "reset") && { reset: true }),
    ...(cursor !== null && cursor !== of.cursor && { cursor: { from: of.cursor, to: cursor, level }, history }),
    ...{ messages, conversations, relations, outbox, granted },
    ...(drafts.length > 0 && { drafts }),
  };
  return { write, accepted, settledElsewhere };
}

type Change = Extract<Frame, { type: "changes" }>["changes"][number];
