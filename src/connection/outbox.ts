import { utf8Bytes } from "../internal/utf8.ts";
import type { Socket } from "./socket.ts";

/** The place of an answer that is still to come: answers leave in the order in which their frames came. */
export type Slot = { frame: string | null };

export type OutboxOptions = {
  readonly socket: Pick<Socket, "send" | "bufferedBytes">;
  readonly bytesMax: number;
  /** The socket took a frame no more. */
  readonly onBroken: () => void;
};

/** Answers keep this much of the room, so that changes cannot crowd them out. */
const answersReserveBytes = 16_384;

/** Sent answers are forgotten this many at a time. */
const compactAfterSlots = 256;

/** What goes out on one connection: bounded by bytes, nothing kept but the answers to frames that were read. */
export function createOutbox({ socket, bytesMax, onBroken }: OutboxOptions) {
  let slots: Slot[] = [];
  let first = 0;
  let filled = 0;
  let isBroken = false;

  function write(frame: string): void {
    if (isBroken || socket.send(frame)) return;
    isBroken = true;
    onBroken();
  }

  const hasRoom = (bytes: number): boolean => socket.bufferedBytes() + bytes <= bytesMax;

  return {
    /** Keeps a place for an answer. */
    reserve(): Slot {
      const slot: Slot = { frame: null };
      slots.push(slot);
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
    },
    write,
    /** Frames read whose answers have not left. */
    unanswered: (): number => slots.length - first,
    /** Whether an answer is known but has not left: nothing that covers it may overtake it. */
    hasHeldAnswers: (): boolean => filled > 0,
    /** Whether a frame of changes of this size may go now. */
    hasRoomForChanges: (bytes: number): boolean => filled === 0 && hasRoom(bytes + answersReserveBytes),
    /** Whether so much has drained that reading the log again is worth it. */
    isDrained: (): boolean => filled === 0 && hasRoom(bytesMax / 2),
    stop(): void {
      isBroken = true;
      slots = [];
      first = 0;
      filled = 0;
    },
  };
}

export type Outbox = ReturnType<typeof createOutbox>;
