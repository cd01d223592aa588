import { utf8Bytes } from "../internal/utf8.ts";
import type { OutboxBudget } from "./outbox-budget.ts";
import type { SendWindow } from "./send-window.ts";
import type { Socket } from "./socket.ts";

/** The place of an answer that is still to come: answers leave in the order in which their frames came. */
export type Slot = { frame: string | null };

export type OutboxOptions = {
  readonly socket: Pick<Socket, "send" | "bufferedBytes">;
  readonly bytesMax: number;
  /** What this connection shares with all others of the process. */
  readonly budget: OutboxBudget;
  /** Told while answers are owed here. */
  readonly share: SendWindow;
  /** The socket took a frame no more. */
  readonly onBroken: () => void;
};

/** Answers keep this much of the room, so that changes cannot crowd them out. */
const answersReserveBytes = 16_384;

/** Sent answers are forgotten this many at a time. */
const compactAfterSlots = 256;

/** What goes out on one connection: bounded by bytes, nothing kept but the answers to frames that were read. */
export function createOutbox({ socket, bytesMax, budget, share, onBroken }: OutboxOptions) {
  let slots: Slot[] = [];
  let first = 0;
  let filled = 0;
  let isBroken = false;
  let isStopped = false;
  /** What waited in the socket when it was last measured: this connection's part of the budget. */
  let buffered = 0;
  /** Looks since the peer last took something, while the budget was short. */
  let looksInVain = 0;
  let isOwing = false;

  const unanswered = (): number => slots.length - first;

  function countDebt(): void {
    const isNow = !isStopped && unanswered() > 0;
    if (isNow === isOwing) return;
    isOwing = isNow;
    if (isNow) share.enter();
    else share.leave();
  }

  function write(frame: string): void {
    if (isBroken || socket.send(frame)) return;
    isBroken = true;
    onBroken();
  }

  function measure(): number {
    if (isStopped) return 0;
    const now = socket.bufferedBytes();
    if (now < buffered) looksInVain = 0;
    budget.move(buffered, now);
    buffered = now;
    return now;
  }

  function hasRoom(bytes: number): boolean {
    const waiting = measure();
    return waiting + bytes <= bytesMax && (waiting === 0 || !budget.isShort());
  }

  return {
    /** Keeps a place for an answer. */
    reserve(): Slot {
      const slot: Slot = { frame: null };
      slots.push(slot);
      countDebt();
      return slot;
    },
    fill(slot: Slot, frame: string): void {
      if (slot.frame !== null) return;
      slot.frame = frame;
      filled++;
    },
    /** Sends the answers whose turn it is, as far as there is room. */
    flushAnswers(): void {
      while (first < slots.length) {
        const frame = slots[first]?.frame ?? null;
        if (frame === null || !hasRoom(utf8Bytes(frame))) break;
        first++;
        filled--;
        write(frame);
      }
      if (first === slots.length || first >= compactAfterSlots) {
        slots = slots.slice(first);
        first = 0;
      }
      countDebt();
    },
    write,
    /** Frames read whose answers have not left. */
    unanswered,
    /** Whether an answer is known but has not left: nothing that covers it may overtake it. */
    hasHeldAnswers: (): boolean => filled > 0,
    /** Whether a frame of changes of this size may go now. */
    hasRoomForChanges: (bytes: number): boolean =>
      filled === 0 && hasRoom(bytes + answersReserveBytes) && !budget.isFull(),
    /** About how much more may go out now: for how large a page is worth reading. */
    room: (): number => Math.max(0, bytesMax - answersReserveBytes - measure()),
    /** Whether so much has drained that reading the log again is worth it. */
    isDrained: (): boolean => filled === 0 && hasRoom(bytesMax / 2),
    /** Tells the budget what waits in the socket by now. */
    measure,
    /** Whether the budget is short while this peer has taken nothing from one look to the next. */
    isHoarding(): boolean {
      const waiting = measure();
      looksInVain = waiting > 0 && budget.isShort() ? looksInVain + 1 : 0;
      return looksInVain > 1;
    },
    stop(): void {
      isBroken = true;
      isStopped = true;
      budget.move(buffered, 0);
      buffered = 0;
      slots = [];
      first = 0;
      filled = 0;
      countDebt();
    },
  };
}

export type Outbox = ReturnType<typeof createOutbox>;
