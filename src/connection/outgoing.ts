import type { WireChange } from "./changes-writer.ts";
import { Outbox, type OutboxOwner, type Slot } from "./outbox.ts";
import { Replay, type ReplayLog } from "./replay.ts";
import type { Socket } from "./socket.ts";
import { encodeFrame } from "../protocol/encode.ts";
import type { ServerFrame } from "../protocol/frame.ts";

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
  /** Sends what waits, and reads the log from there on: what is fanned out now may be incomplete for this user. */
  readAgain(): void;
  /** Sends the client the cursor of a position that moved without a frame. */
  sendPendingCursor(): void;
  /** The client has everything up to here: it was sent on this connection, or left out for its level. */
  position(): number;
  /** Whether the client's ack up to `n` covers a message that was sent on this connection, and that no ack before it covered. */
  acks(n: number): boolean;
};

/** The parts of a connection that its outgoing frames use. */
export type OutgoingOwner = OutboxOwner & {
  readonly socket: Pick<Socket, "cork">;
  /** Whether volatile frames go out now. */
  isOpen(): boolean;
  /** The closing handshake has begun, or the socket is gone. */
  isEnding(): boolean;
  /** Something waits for the end of this turn. */
  scheduleFlush(): void;
};

/** The outgoing frames, with the methods that the connection alone calls. */
export class OutgoingFrames implements Outgoing {
  private readonly owner: OutgoingOwner;
  private readonly outbox: Outbox;
  /** Null: it has not begun. */
  private replay: Replay | null = null;

  constructor(owner: OutgoingOwner) {
    this.owner = owner;
    this.outbox = new Outbox(owner);
  }

  reserve(): Slot {
    return this.outbox.reserve();
  }

  answer(slot: Slot, frame: Answer): void {
    if (this.owner.isEnding()) return;
    this.outbox.fill(slot, encodeFrame(frame));
    this.owner.scheduleFlush();
  }

  reply(frame: Answer): void {
    this.answer(this.outbox.reserve(), frame);
  }

  sendVolatile(text: string): boolean {
    if (!this.owner.isOpen()) return true;
    if (this.isBehind()) return false;
    this.outbox.write(text);
    return true;
  }

  isBehind(): boolean {
    const { outboxBytesMax } = this.owner.context.limits;
    return this.owner.isOpen() && !this.outbox.hasRoomForChanges(outboxBytesMax / 2);
  }

  queueChange(change: WireChange | null, upTo: number): void {
    this.replay?.queueChange(change, upTo);
    this.owner.scheduleFlush();
  }

  readAgain(): void {
    this.flush();
    this.replay?.readAgain();
  }

  sendPendingCursor(): void {
    this.replay?.sendPendingCursor();
  }

  position(): number {
    return this.replay?.position() ?? 0;
  }

  acks(n: number): boolean {
    return this.replay?.acks(n) ?? false;
  }

  /** Sends a frame now, whatever waits. */
  write(frame: string): void {
    this.outbox.write(frame);
  }

  /** Replays this log, of which the client has everything up to `start`. */
  startReplay(log: ReplayLog, start: number): void {
    this.replay = new Replay(log, { outbox: this.outbox, start });
  }

  /** Sends answers first, then changes. */
  flush(): void {
    this.outbox.flushAnswers();
    this.replay?.flush();
  }

  /** Sends the answers that have room, and the queued changes, in one piece where the runtime can; then measures the socket. */
  flushTogether(): void {
    const { socket } = this.owner;
    if (socket.cork) socket.cork(() => this.flush());
    else this.flush();
    this.outbox.measure();
  }

  /** Reads on from the log, if there is room. */
  resume(): void {
    this.replay?.resume();
  }

  /** The number of answers that have not left. */
  unanswered(): number {
    return this.outbox.unanswered();
  }

  /** Whether something waits that the socket does not take. */
  isBlocked(): boolean {
    return (this.replay?.isBlocked() ?? false) || this.outbox.hasHeldAnswers();
  }

  /** Whether the budget is short and this peer has taken nothing between two calls. */
  isHoarding(): boolean {
    return this.outbox.isHoarding();
  }

  /** No change is sent any more. */
  stopReplay(): void {
    this.replay?.stop();
  }

  /** Nothing is sent any more. */
  stop(): void {
    this.replay?.stop();
    this.outbox.stop();
  }
}
