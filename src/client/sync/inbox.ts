import type { Environment } from "../environment.ts";
import type { Link, Position } from "../link/contract.ts";
import type { Write, Written } from "../vault/contract.ts";
import type { MessageRow } from "../vault/rows.ts";
import type { Cache } from "./cache.ts";
import { collectWrite, isLast, type LogFrame, nextFrames, type MessageAddress } from "./inbox-write.ts";
import type { Keeper } from "./keeper.ts";

/**
 * Writes the frames of a connection in their order, and acks them after that. Nothing is acked before: rows and cursor are one transaction, and an own
 * message that was accepted is written before any cursor that came after it, since the server leaves it out of the changes of that connection.
 */
export interface Inbox {
  begin(position: Position, greeting: Greeting): void;
  take(frame: LogFrame): void;
  /** The connection has ended. A write that has begun still takes effect. */
  end(): void;
}

/** Of `welcome`; a server of an older release names no history. */
export type Greeting = { readonly level: number; readonly history?: string | undefined };

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
  /** Absent: it is not known. */
  readonly history: string | undefined;
  /** How often the vault has been reset, as this connection knows it. */
  resets: number;
  /** The cursor up to which this connection has written its rows. */
  cursor: string | null;
  /** The stored cursor: another tab may have moved it elsewhere. */
  stored: string | null;
  readonly frames: LogFrame[];
  phase: "catching-up" | "live";
  isWriting: boolean;
  /** The stored cursor is another tab's. Ends the wait for that one to go on. */
  cancelStanding: (() => void) | null;
};

/** How many frames may wait for the storage: beyond that the connection is given up, and goes on from the stored cursor. */
const framesMax = 500;
/** After this long beside the cursor of another tab, which may have died, a connection goes on from that one. */
const standingMs = 1_000;
/** After its storage has failed, a client waits this long before it connects again. */
const storageWaitMs = 5_000;

export function createInbox(options: InboxOptions): Inbox {
  const { self, clock, cache, keeper, link, onFault, onLive, onAccepted, onReset } = options;
  let connection: Connection | null = null;
  const related = new Set<string>();

  async function drain(of: Connection): Promise<void> {
    while (of.frames.length > 0 && connection === of) {
      const frames = nextFrames(of.frames);
      const draft = collectWrite(frames, { ...of, self, cache });
      const isLive = of.phase === "live";
      if (!(await write(of, draft.write))) return;
      for (const frame of frames) if (frame.type === "reset") onReset(frame.reason);
      if (draft.accepted.length > 0) onAccepted(draft.accepted);
      for (const address of draft.settledElsewhere) takeOver(address, of.resets).catch(onFault);
      if (isLive) onLive(draft.write.messages?.filter((message) => message.from !== self) ?? []);
      if (connection === of && of.phase === "catching-up" && frames.some(isLast)) {
        of.phase = "live";
        link.caughtUp();
      }
    }
  }

  /** Reads a message that another tab has written: no change of this connection brings it. */
  async function takeOver({ conversation, seq }: MessageAddress, resets: number): Promise<void> {
    const messages = await keeper.vault().messages({ conversation, first: seq, last: seq });
    const conversations = messages.map((message) => ({ kind: "message", message, self }) as const);
    if (messages.length > 0) await keeper.write({ messages, conversations, resets }, "relaxed");
  }

  /** False: another tab has got a reset, and this connection is of the history before it. */
  async function write(of: Connection, change: Write): Promise<boolean> {
    const { cursor } = change;
    const isEmpty = cursor === undefined && change.messages?.length === 0 && change.conversations?.length === 0;
    if (isEmpty && change.relations?.length === 0) return true;
    for (const { user } of change.relations ?? []) related.add(user);
    await options.handle(change.messages ?? []);
    // A device's first cursor must survive a power cut: without it the server goes on from the last ack, and the first changes would never be here. Later
    // ones may go back: a connection replays from its own cursor.
    const { resets } = of;
    const written = await keeper.write({ ...change, resets }, of.cursor === null ? "strict" : "relaxed");
    if (cursor === undefined || written.isOutdated) return isOfNow(of, written);
    if (written.isReset) of.resets = written.resets;
    of.cursor = cursor.to;
    if (connection === of) ackOrStand(of, written);
    return true;
  }

  function isOfNow(of: Connection, { isOutdated }: Written): boolean {
    if (isOutdated && connection === of) {
      connection = null;
      link.reconnect();
    }
    return !isOutdated;
  }

  function ackOrStand(of: Connection, { cursorMoved, cursor }: Written): void {
    of.stored = cursor;
    if (cursorMoved && cursor !== null) link.send({ type: "ack", cursor });
    if (cursor === of.cursor) {
      of.cancelStanding?.();
      of.cancelStanding = null;
      return;
    }
    // By a timer, for nothing more may come: polling goes on only after an ack.
    of.cancelStanding ??= clock.after(standingMs, () => {
      of.cancelStanding = null;
      if (connection === of) goOn(of).catch((fault: unknown) => fail(of, fault));
    });
  }

  /** Moves the cursor on from the one that another tab has stored: everything up to it is stored here too, but relations, which go along. */
  async function goOn(of: Connection): Promise<void> {
    const { stored, cursor, level, resets } = of;
    if (cursor === null) return;
    const relations = [...cache.relations.values()].filter(({ user }) => related.has(user));
    const written = await keeper.write({ cursor: { from: stored, to: cursor, level }, relations, resets }, "relaxed");
    if (isOfNow(of, written) && connection === of) ackOrStand(of, written);
  }

  /** Nothing of it is acked: the next connection gets it again. */
  function fail(of: Connection, fault: unknown): void {
    onFault(fault);
    if (connection !== of) return;
    connection = null;
    link.reconnect(storageWaitMs);
  }

  function run(of: Connection): void {
    if (of.isWriting) return;
    of.isWriting = true;
    drain(of)
      .catch((fault: unknown) => fail(of, fault))
      .finally(() => {
        of.isWriting = false;
        if (of.frames.length > 0 && connection === of) run(of);
      });
  }

  return {
    begin({ cursor }, { level, history }) {
      connection = {
        ...{ level, history, cursor, stored: cursor, resets: cache.resets() },
        ...{ frames: [], phase: "catching-up", isWriting: false, cancelStanding: null },
      };
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
