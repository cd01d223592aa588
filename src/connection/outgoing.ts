import type { WireChange } from "./changes-writer.ts";
import { createOutbox, type Slot } from "./outbox.ts";
import type { OutboxBudget } from "./outbox-budget.ts";
import { createReplay, type Replay, type ReplayOptions } from "./replay.ts";
import type { SendWindow } from "./send-window.ts";
import type { Socket } from "./socket.ts";
import { encodeFrame } from "../protocol/encode.ts";
import type { ServerFrame } from "../protocol/frame.ts";
import type { Limits } from "../protocol/limits.ts";

/** A frame that handlers may send: changes are sent by the replay alone. */
export type Answer = Exclude<ServerFrame, { type: "changes" }>;

/** The frames that go out on one connection. */
export type Outgoing = {
  /** Reserves the next answer slot: answers leave in the order in which their frames came. */
  reserve(): Slot;
  /** Fills an answer slot; the answer leaves at the end of this turn, after those before it. */
  answer(slot: Slot, frame: Answer): void;
  /** Answers in the next slot. */
  reply(frame: Answer): void;
  /** Sends a frame that is never stored. False: the socket is not keeping up, and the frame was dropped. */
  sendVolatile(text: string): boolean;
  /** Whether a volatile frame would be dropped. */
  isBehind(): boolean;
  /** Queues a change of the present commit for the end of this turn; null: nothing to send, but the position moves to `upTo`. */
  queueChange(change: WireChange | null, upTo: number): void;
  /** Sends the client the cursor of a position that moved without a frame. */
  sendPendingCursor(): void;
  /** The client has everything up to here: it was sent on this connection, or left out for its level. */
  position(): number;
};

export type OutgoingOptions = {
  readonly socket: Socket;
  readonly limits: Limits;
  readonly budget: OutboxBudget;
  readonly sendWindow: SendWindow;
  /** Whether volatile frames go out now. */
  readonly isOpen: () => boolean;
  /** The closing handshake has begun, or the socket is gone. */
  readonly isEnding: () => boolean;
  /** Something waits for the end of this turn. */
  readonly scheduleFlush: () => void;
  readonly onBroken: () => void;
};

/** The outgoing frames, with the methods that the connection alone calls. */
export function createOutgoing(options: OutgoingOptions) {
  const { socket, limits, budget, sendWindow, isOpen, isEnding, scheduleFlush, onBroken } = options;
  const outbox = createOutbox({ socket, bytesMax: limits.outboxBytesMax, budget, sendWindow, onBroken });
  let replay: Replay | null = null;

  const isBehind = (): boolean => isOpen() && !outbox.hasRoomForChanges(limits.outboxBytesMax / 2);

  function answer(slot: Slot, frame: Answer): void {
    if (isEnding()) return;
    outbox.fill(slot, encodeFrame(frame));
    scheduleFlush();
  }

  /** Sends answers first, then changes. */
  function flush(): void {
    outbox.flushAnswers();
    replay?.flush();
  }

  const outgoing: Outgoing = {
    reserve: outbox.reserve,
    answer,
    reply: (frame) => answer(outbox.reserve(), frame),
    isBehind,
    sendVolatile(text) {
      if (!isOpen()) return true;
      if (isBehind()) return false;
      outbox.write(text);
      return true;
    },
    queueChange(change, upTo) {
      replay?.queueChange(change, upTo);
      scheduleFlush();
    },
    sendPendingCursor: () => replay?.sendPendingCursor(),
    position: () => replay?.position() ?? 0,
  };

  return {
    ...outgoing,
    write: outbox.write,
    startReplay(started: Omit<ReplayOptions, "outbox" | "limits">): void {
      replay = createReplay({ ...started, outbox, limits });
    },
    flush,
    /** Sends the answers that have room, and the queued changes, in one piece where the runtime can; then measures the socket. */
    flushTogether(): void {
      if (socket.cork) socket.cork(flush);
      else flush();
      outbox.measure();
    },
    /** Reads on from the log, if there is room. */
    resume: (): void => replay?.resume(),
    unanswered: outbox.unanswered,
    /** Whether something waits that the socket does not take. */
    isBlocked: (): boolean => (replay?.isBlocked() ?? false) || outbox.hasHeldAnswers(),
    isHoarding: outbox.isHoarding,
    /** No change is sent any more. */
    stopReplay: (): void => replay?.stop(),
    /** Nothing is sent any more. */
    stop(): void {
      replay?.stop();
      outbox.stop();
    },
  };
}
