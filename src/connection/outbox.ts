import { utf8Bytes } from "../internal/utf8.ts";
import type { OutboxBudget } from "./outbox-budget.ts";
import type { SendWindow } from "./send-window.ts";
import type { Socket } from "./socket.ts";

/** The slot of an answer that is still to come: answers leave in the order in which their frames came. */
export type Slot = { frame: string | null };

export type OutboxOptions = {
  readonly socket: Pick<Socket, "send" | "bufferedBytes">;
  readonly bytesMax: number;
  /** The bytes that may wait over all connections of the process. */
  readonly budget: OutboxBudget;
  /** Counts this connection while it has unanswered frames. */
  readonly sendWindow: Pick<SendWindow, "enter" | "leave">;
  /** The socket refused a frame. */
  readonly onBroken: () => void;
};

/** Room that is kept for answers: changes cannot crowd them out. */
const answersReserveBytes = 16_384;

/** The number of sent answers that are forgotten together. */
const compactAfterSlots = 256;

/** The frames that go out on one connection, bounded by bytes. It keeps nothing but the answers to frames that were read. */
export function createOutbox({ socket, bytesMax, budget, sendWindow, onBroken }: OutboxOptions) {
  let slots: Slot[] = [];
  let first = 0;
  let filled = 0;
  let state: "open" | "broken" | "stopped" = "open";
  /** The bytes in the socket when it was last measured: this connection's part of the budget. */
  let buffered = 0;
  /** Calls of `isHoarding` since the peer last took something, while the budget was short. */
  let looksInVain = 0;
  /** The send window counts this connection. */
  let isCounted = false;

  const unanswered = (): number => slots.length - first;

  function updateSendWindow(): void {
    const mustCount = state !== "stopped" && unanswered() > 0;
    if (mustCount === isCounted) return;
    isCounted = mustCount;
    if (mustCount) sendWindow.enter();
    else sendWindow.leave();
  }

  function write(frame: string): void {
    if (state !== "open" || socket.send(frame)) return;
    state = "broken";
    onBroken();
  }

  function measure(): number {
    if (state === "stopped") return 0;
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
    /** Reserves the next slot for an answer. */
    reserve(): Slot {
      const slot: Slot = { frame: null };
      slots.push(slot);
      updateSendWindow();
      return slot;
    },
    fill(slot: Slot, frame: string): void {
      if (slot.frame !== null) return;
      slot.frame = frame;
      filled++;
    },
    /** Sends the answers up to the first empty slot, as far as there is room. */
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
      updateSendWindow();
    },
    /** Sends a frame now, whatever waits. */
    write,
    /** The number of answers that have not left. */
    unanswered,
    /** Whether an answer is known but has not left: no change may overtake it. */
    hasHeldAnswers: (): boolean => filled > 0,
    /** Whether a frame of changes of this size may go now. */
    hasRoomForChanges: (bytes: number): boolean =>
      filled === 0 && hasRoom(bytes + answersReserveBytes) && !budget.isFull(),
    /** How many more bytes may go out now, about: the size of a page that is worth reading. */
    room: (): number => Math.max(0, bytesMax - answersReserveBytes - measure()),
    /** Whether the peer has taken enough for reading the log again. */
    isDrained: (): boolean => filled === 0 && hasRoom(bytesMax / 2),
    /** Reports the bytes that wait in the socket to the budget, and returns them. */
    measure,
    /** Whether the budget is short and this peer has taken nothing between two calls. */
    isHoarding(): boolean {
      const waiting = measure();
      looksInVain = waiting > 0 && budget.isShort() ? looksInVain + 1 : 0;
      return looksInVain > 1;
    },
    /** Gives its part of the budget back; nothing goes out any more. */
    stop(): void {
      state = "stopped";
      budget.move(buffered, 0);
      buffered = 0;
      slots = [];
      first = 0;
      filled = 0;
      updateSendWindow();
    },
  };
}

export type Outbox = ReturnType<typeof createOutbox>;
