import type { Environment } from "../environment.ts";
import type { Frame, Link, Position } from "../link/contract.ts";
import type { OutboxChange, Write } from "../vault/contract.ts";
import type { ConversationPatch } from "../vault/merge.ts";
import type { MessageRow, RelationRow, Wish } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";
import type { Keeper } from "./keeper.ts";

/** The frames of the log, and the answers between them. */
export type LogFrame = Extract<Frame, { type: "changes" | "accepted" | "reset" }>;

/**
 * Writes the frames of a connection in their order, and acks them after that. Nothing is acked before: rows and cursor are one transaction, and an own
 * message that was accepted is written before any cursor that came after it, since the server leaves it out of the changes of that connection.
 */
export interface Inbox {
  begin(position: Position, level: number): void;
  take(frame: LogFrame): void;
  /** The connection has ended. A write that has begun still takes effect. */
  end(): void;
}

export type InboxOptions = {
  readonly self: string;
  readonly clock: Environment["clock"];
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly link: Pick<Link, "send" | "reconnect" | "caughtUp">;
  readonly onFault: (fault: unknown) => void;
  /** Called before the messages of a write, and the cursor that covers them, are written. */
  readonly handle: (messages: readonly MessageRow[]) => Promise<void> | null;
  /** Messages of others that came while nothing was missing, after they were written. */
  readonly onLive: (messages: readonly MessageRow[]) => void;
  /** Own messages of the outbox, after they were written. */
  readonly onAccepted: (messages: readonly MessageRow[]) => void;
  readonly onReset: (reason: "epoch" | "level") => void;
};

/** The frames of one connection that are not written yet. */
type Connection = {
  readonly level: number;
  /** The cursor that this connection has written, or would have if another tab had not moved it further. */
  cursor: string | null;
  readonly frames: LogFrame[];
  phase: "catching-up" | "live";
  isWriting: boolean;
  /** The stored cursor is another one than this connection's. Ends the wait for it to come back. */
  cancelStanding: (() => void) | null;
};

/** How many changes one write takes at most, a frame's worth more. */
const changesMax = 500;
/** How many frames may wait for the storage: beyond that the connection is given up, and goes on from the stored cursor. */
const framesMax = 500;
/** After this long behind another tab a connection begins again at the stored cursor. */
const standingMs = 5_000;
/** After its storage has failed, a client waits this long before it connects again. */
const storageWaitMs = 5_000;

export function createInbox(options: InboxOptions): Inbox {
  const { self, clock, cache, keeper, link, onFault, onLive, onAccepted, onReset } = options;
  let connection: Connection | null = null;

  /** The next frames that one write takes. A `reset` begins a write. */
  function nextFrames(frames: LogFrame[]): readonly LogFrame[] {
    let changes = 0;
    let count = 0;
    for (const frame of frames) {
      if (count > 0 && (frame.type === "reset" || changes >= changesMax)) break;
      changes += frame.type === "changes" ? frame.changes.length : 1;
      count++;
    }
    return frames.splice(0, count);
  }

  async function drain(of: Connection): Promise<void> {
    while (of.frames.length > 0 && connection === of) {
      const frames = nextFrames(of.frames);
      const draft = draftOf(frames, of);
      const isLive = of.phase === "live";
      await write(of, draft.write);
      for (const frame of frames) if (frame.type === "reset") onReset(frame.reason);
      if (draft.accepted.length > 0) onAccepted(draft.accepted);
      for (const place of draft.settledElsewhere) takeOver(place).catch(onFault);
      if (isLive) onLive(draft.write.messages?.filter((message) => message.from !== self) ?? []);
      if (connection === of && of.phase === "catching-up" && frames.some(isLast)) {
        of.phase = "live";
        link.caughtUp();
      }
    }
  }

  /** Reads a message that another tab has written: no change of this connection brings it. */
  async function takeOver({ conversation, seq }: Place): Promise<void> {
    const messages = await keeper.vault().messages({ conversation, first: seq, last: seq });
    const conversations = messages.map((message) => ({ kind: "message", message, self }) as const);
    if (messages.length > 0) await keeper.write({ messages, conversations }, "relaxed");
  }

  async function write(of: Connection, change: Write): Promise<void> {
    const { cursor } = change;
    const isEmpty = cursor === undefined && change.messages?.length === 0 && change.conversations?.length === 0;
    if (isEmpty && change.relations?.length === 0) return;
    await options.handle(change.messages ?? []);
    // A device's first cursor must survive a power cut: without it the server goes on from the last ack, and the first changes would never be here. Later
    // ones may go back: a connection replays from its own cursor.
    const { cursorMoved } = await keeper.write(change, of.cursor === null ? "strict" : "relaxed");
    if (cursor === undefined) return;
    of.cursor = cursor.to;
    if (connection === of) ackOrStand(of, cursorMoved);
  }

  const isLast = (frame: LogFrame): boolean => frame.type === "changes" && !frame.more;

  function ackOrStand(of: Connection, moved: boolean): void {
    if (moved) {
      of.cancelStanding?.();
      of.cancelStanding = null;
      if (of.cursor !== null) link.send({ type: "ack", cursor: of.cursor });
      return;
    }
    // By a timer, for nothing more may come: polling goes on only after an ack.
    of.cancelStanding ??= clock.after(standingMs, () => {
      if (connection === of) link.reconnect();
    });
  }

  function run(of: Connection): void {
    if (of.isWriting) return;
    of.isWriting = true;
    drain(of)
      .catch((fault: unknown) => {
        // Nothing of it is acked: the next connection gets it again.
        onFault(fault);
        if (connection !== of) return;
        connection = null;
        link.reconnect(storageWaitMs);
      })
      .finally(() => {
        of.isWriting = false;
        if (of.frames.length > 0 && connection === of) run(of);
      });
  }

  function draftOf(frames: readonly LogFrame[], of: Connection) {
    const draft = createDraft({ self, cache });
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

  return {
    begin({ cursor }, level) {
      connection = { level, cursor, frames: [], phase: "catching-up", isWriting: false, cancelStanding: null };
    },
    take(frame) {
      const of = connection;
      if (of === null) return;
      of.frames.push(frame);
      if (of.frames.length > framesMax) {
        connection = null;
        return link.reconnect(storageWaitMs);
      }
      run(of);
    },
    end() {
      connection = null;
    },
  };
}

type Place = Pick<MessageRow, "conversation" | "seq">;
type Change = Extract<Frame, { type: "changes" }>["changes"][number];

/** Collects one write. */
function createDraft({ self, cache }: { readonly self: string; readonly cache: Cache }) {
  const messages: MessageRow[] = [];
  const accepted: MessageRow[] = [];
  const settledElsewhere: Place[] = [];
  const conversations: ConversationPatch[] = [];
  const relations: RelationRow[] = [];
  const outbox: OutboxChange[] = [];
  const granted: Wish[] = [];
  let isReset = false;

  function addMessage(message: MessageRow): void {
    messages.push(message);
    conversations.push({ kind: "message", message, self });
    if (message.from !== self || !cache.pending.has(message.id)) return;
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
      };
      return { write, accepted, settledElsewhere };
    },
  };
}
