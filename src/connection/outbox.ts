import { utf8Bytes } from "../internal/utf8.ts";
import type { OutboxBudget } from "./outbox-budget.ts";
import type { SendWindow } from "./send-window.ts";
import type { Socket } from "./socket.ts";
import type { Limits } from "../protocol/limits.ts";

/** The slot of an answer that is still to come: answers leave in the order in which their frames came. */
export type Slot = { frame: string | null };

/** The parts of a connection that its outbox uses. */
export type OutboxOwner = {
  readonly socket: Pick<Socket, "send" | "bufferedBytes">;
  readonly context: {
    readonly limits: Pick<Limits, "outboxBytesMax">;
    /** The bytes that may wait over all connections of the process. */
    readonly budget: OutboxBudget;
    /** Counts this connection while it has unanswered frames. */
    readonly sendWindow: Pick<SendWindow, "enter" | "leave">;
  };
  /** The socket refused a frame. */
  onBroken(): void;
};

/** Room that is kept for answers: changes cannot crowd them out. */
const answersReserveBytes = 16_384;

/** The number of sent answers that are forgotten together. */
const compactAfterSlots = 256;

/** The frames that go out on one connection, bounded by bytes. It keeps nothing but the answers to frames that were read. */
export class Outbox {
  private readonly owner: OutboxOwner;
  /** Null: there are none. */
  private slots: Slot[] | null = null;
  private first = 0;
  private filled = 0;
  private state: "open" | "broken" | "stopped" = "open";
  /** The bytes in the socket when it was last measured: this connection's part of the budget. */
  private buffered = 0;
  /** Calls of `isHoarding` since the peer last took something, while the budget was short. */
  private looksInVain = 0;
  /** The send window counts this connection. */
  private isCounted = false;

  constructor(owner: OutboxOwner) {
    this.owner = owner;
  }

  /** Reserves the next slot for an answer. */
  reserve(): Slot {
    const slot: Slot = { frame: null };
    (this.slots ??= []).push(slot);
    this.updateSendWindow();
    return slot;
  }

  fill(slot: Slot, frame: string): void {
    if (slot.frame !== null) return;
    slot.frame = frame;
    this.filled++;
  }

  /** Sends the answers up to the first empty slot, as far as there is room. */
  flushAnswers(): void {
    while (this.slots !== null && this.first < this.slots.length) {
      const frame = this.slots[this.first]?.frame ?? null;
      if (frame === null || !this.hasRoom(utf8Bytes(frame))) break;
      this.first++;
      this.filled--;
      this.write(frame);
    }
    this.compact();
    this.updateSendWindow();
  }

  /** Sends a frame now, whatever waits. */
  write(frame: string): void {
    if (this.state !== "open" || this.owner.socket.send(frame)) return;
    this.state = "broken";
    this.owner.onBroken();
  }

  /** The number of answers that have not left. */
  unanswered(): number {
    return this.slots === null ? 0 : this.slots.length - this.first;
  }

  /** Whether an answer is known but has not left: no change may overtake it. */
  hasHeldAnswers(): boolean {
    return this.filled > 0;
  }

  /** Whether a frame of changes of this size may go now. */
  hasRoomForChanges(bytes: number): boolean {
    return this.filled === 0 && this.hasRoom(bytes + answersReserveBytes) && !this.owner.context.budget.isFull();
  }

  /** How many more bytes may go out now, about: the size of a page that is worth reading. */
  room(): number {
    return Math.max(0, this.owner.context.limits.outboxBytesMax - answersReserveBytes - this.measure());
  }

  /** Whether the peer has taken enough for reading the log again. */
  isDrained(): boolean {
    return this.filled === 0 && this.hasRoom(this.owner.context.limits.outboxBytesMax / 2);
  }

  /** Reports the bytes that wait in the socket to the budget, and returns them. */
  measure(): number {
    if (this.state === "stopped") return 0;
    const now = this.owner.socket.bufferedBytes();
    if (now < this.buffered) this.looksInVain = 0;
    this.owner.context.budget.move(this.buffered, now);
    this.buffered = now;
    return now;
  }

  /** Whether the budget is short and this peer has taken nothing between two calls. */
  isHoarding(): boolean {
    const waiting = this.measure();
    this.looksInVain = waiting > 0 && this.owner.context.budget.isShort() ? this.looksInVain + 1 : 0;
    return this.looksInVain > 1;
  }

  /** Gives its part of the budget back; nothing goes out any more. */
  stop(): void {
    this.state = "stopped";
    this.owner.context.budget.move(this.buffered, 0);
    this.buffered = 0;
    this.slots = null;
    this.first = 0;
    this.filled = 0;
    this.updateSendWindow();
  }

  /** Forgets the answers that have left. */
  private compact(): void {
    const unanswered = this.unanswered();
    if (this.slots === null || (unanswered > 0 && this.first < compactAfterSlots)) return;
    this.slots = unanswered === 0 ? null : this.slots.slice(this.first);
    this.first = 0;
  }

  private hasRoom(bytes: number): boolean {
    const { limits, budget } = this.owner.context;
    const waiting = this.measure();
    return waiting + bytes <= limits.outboxBytesMax && (waiting === 0 || !budget.isShort());
  }

  private updateSendWindow(): void {
    const mustCount = this.state !== "stopped" && this.unanswered() > 0;
    if (mustCount === this.isCounted) return;
    this.isCounted = mustCount;
    const { sendWindow } = this.owner.context;
    if (mustCount) sendWindow.enter();
    else sendWindow.leave();
  }
}
