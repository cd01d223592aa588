import type { Clock } from "../internal/clock.ts";
import type { Ack, Read } from "./batch.ts";

export type MarksOptions = {
  readonly clock: Clock;
  readonly delayMs: number;
  /** At most so many acks, and so many reads, go into one commit. */
  readonly takenMax: number;
  /** Whether commits are possible now; while they are not, marks wait for `resume`. */
  readonly isOpen: () => boolean;
  /** What gathered is ready for a commit. */
  readonly onDue: () => void;
};

export type TakenMarks = { readonly acks: readonly Ack[]; readonly reads: readonly Read[] };

/**
 * Acks and reads on their way to a commit: of each device and of each user's conversation only the furthest, and all
 * of them a little later, together. Losing them to a crash costs a message that is told again, never a lost one.
 */
export function createMarks({ clock, delayMs, takenMax, isOpen, onDue }: MarksOptions) {
  const acks = new Map<string, Ack>();
  const reads = new Map<string, Read>();
  let isDue = false;
  let isTimerSet = false;

  const isEmpty = (): boolean => acks.size === 0 && reads.size === 0;

  function startTimer(): void {
    if (isTimerSet || isEmpty() || !isOpen()) return;
    isTimerSet = true;
    clock.after(delayMs, () => {
      isTimerSet = false;
      if (!isOpen()) return;
      isDue = true;
      onDue();
    });
  }

  return {
    addAck(ack: Ack): void {
      const key = `${ack.tenant} ${ack.user} ${ack.device}`;
      const waiting = acks.get(key);
      if (!waiting || waiting.n < ack.n) acks.set(key, ack);
      startTimer();
    },
    addRead(read: Read): void {
      const key = `${read.tenant} ${read.user} ${read.conversation}`;
      const waiting = reads.get(key);
      if (!waiting || waiting.seq < read.seq) reads.set(key, read);
      startTimer();
    },
    /** What is due, which is then no longer waiting; nothing before its time. */
    take(): TakenMarks {
      if (!isDue) return { acks: [], reads: [] };
      const taken = { acks: takeFrom(acks, takenMax), reads: takeFrom(reads, takenMax) };
      isDue = !isEmpty();
      return taken;
    },
    /** Makes everything due now. */
    hurry(): void {
      isDue = true;
    },
    /** Commits are possible again. */
    resume: startTimer,
    isEmpty,
    isDue: (): boolean => isDue && !isEmpty() && isOpen(),
  };
}

function takeFrom<Item>(waiting: Map<string, Item>, max: number): Item[] {
  const taken: Item[] = [];
  for (const [key, item] of waiting) {
    if (taken.length === max) break;
    taken.push(item);
    waiting.delete(key);
  }
  return taken;
}
