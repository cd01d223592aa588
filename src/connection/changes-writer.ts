import type { Outbox } from "./outbox.ts";
import { utf8Bytes } from "../internal/utf8.ts";
import { encodeChange } from "../log/log-kinds.ts";
import type { Change } from "../model.ts";
import type { Cursors } from "../protocol/cursor.ts";
import { changesOverheadBytes, encodeChanges } from "../protocol/encode.ts";
import type { Limits } from "../protocol/limits.ts";

/** A change in its wire form; all connections that it goes to share one. */
export type WireChange = {
  readonly n: number;
  /** A message whose ack is awaited: it is stored soon. Acks of all other changes alone gather for longer. */
  readonly isAckedSoon: boolean;
  readonly text: string;
  readonly bytes: number;
};

/** `isOfMany`: a message to so many that storing each of their acks soon would cost more than sending it. */
export function wireChange(change: Change, { isOfMany = false } = {}): WireChange {
  const text = encodeChange(change);
  return { n: change.n, isAckedSoon: change.kind === "message" && !isOfMany, text, bytes: utf8Bytes(text) + 1 };
}

/** The parts of a log that the writer of its changes uses. */
export type ChangesWriterLog = {
  /** The connection's level: its cursors name it. */
  readonly level: number;
  readonly cursors: Pick<Cursors, "encode">;
  readonly limits: Pick<Limits, "changesBytesMax">;
  /** The position moved without a frame: `markCursorDue` is to be called a little later. */
  onCursorPending(): void;
};

export type ChangesWriterOptions = {
  readonly outbox: Pick<Outbox, "write" | "hasRoomForChanges">;
  /** The client has everything up to here, or it was left out for its level. */
  readonly start: number;
};

/** Sends changes in frames. Each frame has the cursor up to which its client then has everything: only this moves a cursor. */
export class ChangesWriter {
  private readonly log: ChangesWriterLog;
  private readonly outbox: Pick<Outbox, "write" | "hasRoomForChanges">;
  private reached: number;
  private lastMore = true;
  /** The empty frame with the cursor of a position that moved without a frame. */
  private cursorFrame: "none" | "pending" | "due" = "none";
  /** The first and the last message that were sent and not acked yet, by what is known here; 0: none. */
  private firstMessage = 0;
  private lastMessage = 0;

  constructor(log: ChangesWriterLog, { outbox, start }: ChangesWriterOptions) {
    this.log = log;
    this.outbox = outbox;
    this.reached = start;
  }

  /** The client has everything up to here. */
  position(): number {
    return this.reached;
  }

  /** Whether an ack up to `n` covers a message that was sent here, and that no ack before it covered. */
  acks(n: number): boolean {
    if (this.firstMessage === 0 || n < this.firstMessage) return false;
    this.firstMessage = n >= this.lastMessage ? 0 : n + 1;
    return true;
  }

  /** The last frame said that more follows, or there was none: one more frame must say that nothing does. */
  isMoreExpected(): boolean {
    return this.lastMore;
  }

  /**
   * Sends changes in frames within the size limit; the last one has `upTo` and `more`. False: the outbox had no room for all. Each change is encoded
   * only when those before it had room: for a slow reader, at most one change is encoded in vain.
   */
  write(changes: Iterable<WireChange>, upTo: number, more: boolean): boolean {
    const { outbox } = this;
    const { changesBytesMax } = this.log.limits;
    let frame: WireChange[] = [];
    let bytes = changesOverheadBytes;
    /** There is room for a whole frame: no need to ask for each change. */
    let isRoomy = outbox.hasRoomForChanges(changesBytesMax);
    const fits = (more: number): boolean =>
      (isRoomy && bytes + more <= changesBytesMax) || outbox.hasRoomForChanges(bytes + more);
    const writePart = (): void => {
      this.writeFrame(frame[frame.length - 1]?.n ?? this.reached, true, frame);
      frame = [];
      bytes = changesOverheadBytes;
      isRoomy = outbox.hasRoomForChanges(changesBytesMax);
    };
    for (const change of changes) {
      if (frame.length > 0 && bytes + change.bytes > changesBytesMax) writePart();
      if (!fits(change.bytes)) {
        if (frame.length > 0) writePart();
        return false;
      }
      frame.push(change);
      bytes += change.bytes;
    }
    if (!fits(0)) return false;
    this.writeFrame(upTo, more, frame);
    return true;
  }

  /** Moves the position without a frame; an empty frame sends the cursor later, unless another frame does so first. */
  advance(upTo: number): void {
    this.reached = upTo;
    if (this.cursorFrame !== "none") return;
    this.cursorFrame = "pending";
    this.log.onCursorPending();
  }

  /** From now on `sendDueCursor` sends the cursor of a position that moved without a frame. */
  markCursorDue(): void {
    if (this.cursorFrame === "pending") this.cursorFrame = "due";
  }

  /** Sends the cursor, if it is due and there is room. */
  sendDueCursor(): void {
    if (this.cursorFrame === "due" && this.outbox.hasRoomForChanges(changesOverheadBytes))
      this.writeFrame(this.reached, false, []);
  }

  private writeFrame(upTo: number, more: boolean, changes: readonly WireChange[]): void {
    const { cursors, level } = this.log;
    const texts = changes.map(({ text }) => text);
    for (const { isAckedSoon, n } of changes) {
      if (!isAckedSoon) continue;
      if (this.firstMessage === 0) this.firstMessage = n;
      this.lastMessage = n;
    }
    this.outbox.write(encodeChanges(cursors.encode({ n: upTo, level }), more, texts));
    this.reached = upTo;
    this.lastMore = more;
    this.cursorFrame = "none";
  }
}
