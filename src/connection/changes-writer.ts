import type { Outbox } from "./outbox.ts";
import { utf8Bytes } from "../internal/utf8.ts";
import { encodeChange } from "../log/log-kinds.ts";
import type { Change } from "../model.ts";
import type { Cursors } from "../protocol/cursor.ts";
import { changesOverheadBytes, encodeChanges } from "../protocol/encode.ts";
import type { Limits } from "../protocol/limits.ts";

/** A change in its wire form; all connections that it goes to share one. */
export type WireChange = { readonly n: number; readonly text: string; readonly bytes: number };

export function wireChange(change: Change): WireChange {
  const text = encodeChange(change);
  return { n: change.n, text, bytes: utf8Bytes(text) + 1 };
}

export type ChangesWriterOptions = {
  /** The client has everything up to here, or it was left out for its level. */
  readonly start: number;
  /** The connection's level: its cursors name it. */
  readonly level: number;
  readonly cursors: Pick<Cursors, "encode">;
  readonly outbox: Pick<Outbox, "write" | "hasRoomForChanges">;
  readonly limits: Pick<Limits, "changesBytesMax">;
  /** The position moved without a frame: `markCursorDue` is to be called a little later. */
  readonly onCursorPending: () => void;
};

/** Sends changes in frames. Each frame has the cursor up to which its client then has everything: only this moves a cursor. */
export function createChangesWriter(options: ChangesWriterOptions) {
  const { start, level, cursors, outbox, limits } = options;
  let position = start;
  let lastMore = true;
  /** The empty frame with the cursor of a position that moved without a frame. */
  let cursorFrame: "none" | "pending" | "due" = "none";

  const cursorAt = (n: number): string => cursors.encode({ n, level });

  function writeFrame(upTo: number, more: boolean, changes: readonly WireChange[]): void {
    const texts = changes.map(({ text }) => text);
    outbox.write(encodeChanges(cursorAt(upTo), more, texts));
    position = upTo;
    lastMore = more;
    cursorFrame = "none";
  }

  /** Each change is encoded only when those before it had room: for a slow reader, at most one change is encoded in vain. */
  function write(changes: Iterable<WireChange>, upTo: number, more: boolean): boolean {
    let frame: WireChange[] = [];
    let bytes = changesOverheadBytes;
    /** There is room for a whole frame: no need to ask for each change. */
    let isRoomy = outbox.hasRoomForChanges(limits.changesBytesMax);
    const fits = (more: number): boolean =>
      (isRoomy && bytes + more <= limits.changesBytesMax) || outbox.hasRoomForChanges(bytes + more);
    const writePart = (): void => {
      writeFrame(frame[frame.length - 1]?.n ?? position, true, frame);
      frame = [];
      bytes = changesOverheadBytes;
      isRoomy = outbox.hasRoomForChanges(limits.changesBytesMax);
    };
    for (const change of changes) {
      if (frame.length > 0 && bytes + change.bytes > limits.changesBytesMax) writePart();
      if (!fits(change.bytes)) {
        if (frame.length > 0) writePart();
        return false;
      }
      frame.push(change);
      bytes += change.bytes;
    }
    if (!fits(0)) return false;
    writeFrame(upTo, more, frame);
    return true;
  }

  return {
    /** The client has everything up to here. */
    position: (): number => position,
    /** The last frame said that more follows, or there was none: one more frame must say that nothing does. */
    isMoreExpected: (): boolean => lastMore,
    /** Sends changes in frames within the size limit; the last one has `upTo` and `more`. False: the outbox had no room for all. */
    write,
    /** Moves the position without a frame; an empty frame sends the cursor later, unless another frame does so first. */
    advance(upTo: number): void {
      position = upTo;
      if (cursorFrame !== "none") return;
      cursorFrame = "pending";
      options.onCursorPending();
    },
    /** From now on `sendDueCursor` sends the cursor of a position that moved without a frame. */
    markCursorDue(): void {
      if (cursorFrame === "pending") cursorFrame = "due";
    },
    /** Sends the cursor, if it is due and there is room. */
    sendDueCursor(): void {
      if (cursorFrame === "due" && outbox.hasRoomForChanges(changesOverheadBytes)) writeFrame(position, false, []);
    },
  };
}
