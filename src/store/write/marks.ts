import type { Clock } from "../../internal/clock.ts";
import type { Ack, Read, Seen } from "./batch.ts";
import { identityKey } from "../../model.ts";
import type { Settle } from "../store.ts";

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

/** What one commit has left of acks waits so long for the next: whoever else has something to do comes in between. */
const leftDelayMs = 1;

/** Of two marks of one kind the further one, for everybody who waits for either. */
function furthest<Mark extends { readonly settle?: Settle | undefined }>(
  waiting: Mark | undefined,
  mark: Mark,
  isFurther: boolean,
): Mark {
  if (waiting === undefined) return mark;
  const kept = isFurther ? mark : waiting;
  if (mark.settle === undefined && waiting.settle === undefined) return kept;
  return { ...kept, settle: both(waiting.settle, mark.settle) };
}

const both =
  (one: Settle | undefined, other: Settle | undefined): Settle =>
  (isStored) => {
    one?.(isStored);
    other?.(isStored);
  };

export type TakenMarks = {
  readonly acks: readonly Ack[];
  readonly reads: readonly Read[];
  readonly seen: readonly Seen[];
};

/**
 * Acks, reads and when somebody was seen on their way to a commit: of each device, conversation and user only the furthest, and all
 * of them a little later, together. Losing them to a crash costs a message that is told again, never a lost one.
 */
export function createMarks({ clock, delayMs, takenMax, isOpen, onDue }: MarksOptions) {
  const acks = new Map<string, Ack>();
  const reads = new Map<string, Read>();
  const seen = new Map<string, Seen>();
  /** Names of acks which a commit has taken a part of: they do not wait again. */
  const left = new Set<string>();
  let isLeftDue = false;
  let isLeftTimerSet = false;
  let isDue = false;
  let isTimerSet = false;

  const isEmpty = (): boolean => acks.size === 0 && reads.size === 0 && seen.size === 0;

  function startTimer(): void {
    if (isTimerSet || isEmpty() || !isOpen()) return;
    isTimerSet = true;
    clock.after(delayMs, () => {
      isTimerSet = false;
      // What was left of acks may have gone before its turn.
      if (!isOpen() || isEmpty()) return;
      isDue = true;
      onDue();
    });
  }

  function startLeftTimer(): void {
    if (isLeftTimerSet || left.size === 0 || !isOpen()) return;
    isLeftTimerSet = true;
    clock.after(leftDelayMs, () => {
      isLeftTimerSet = false;
      if (!isOpen()) return;
      isLeftDue = true;
      onDue();
    });
  }

  function addAck(ack: Ack): string {
    const key = `${ack.tenant} ${ack.user} ${ack.device}`;
    const waiting = acks.get(key);
    const one = furthest(waiting, ack, !waiting || waiting.n < ack.n);
    const [before, logN] = [waiting?.logN ?? -1, ack.logN ?? -1];
    // The level is said of where the log was stored up to; of two at one place the later one says it.
    const level = logN >= before ? (ack.level ?? waiting?.level) : waiting?.level;
    acks.set(key, before < 0 && logN < 0 ? one : { ...one, logN: Math.max(before, logN), level });
    return key;
  }

  /** Acks of the next commit: all that wait, or those alone of which it is the turn. */
  function takeAcks(): Ack[] {
    const keys = isDue ? acks.keys() : isLeftDue ? [...left].slice(0, takenMax) : [];
    if (isDue) left.clear();
    else for (const key of keys) left.delete(key);
    isLeftDue = isLeftDue && left.size > 0;
    return takeFrom(acks, takenMax, keys);
  }

  return {
    addAck(ack: Ack): void {
      addAck(ack);
      startTimer();
    },
    /** What a commit has left of an ack goes into the next one. */
    addLeft(ack: Ack): void {
      left.add(addAck(ack));
      startLeftTimer();
    },
    addRead(read: Read): void {
      const key = `${read.tenant} ${read.user} ${read.conversation}`;
      const waiting = reads.get(key);
      reads.set(key, furthest(waiting, read, !waiting || waiting.seq < read.seq));
      startTimer();
    },
    addSeen(one: Seen): void {
      const key = identityKey(one);
      const waiting = seen.get(key);
      if (!waiting || waiting.time < one.time) seen.set(key, one);
      startTimer();
    },
    /** What is due, which is then no longer waiting; nothing before its time. */
    take(): TakenMarks {
      const taken = {
        acks: takeAcks(),
        reads: isDue ? takeFrom(reads, takenMax, reads.keys()) : [],
        seen: isDue ? takeFrom(seen, takenMax, seen.keys()) : [],
      };
      if (!isDue) return taken;
      isDue = !isEmpty();
      return taken;
    },
    /** Makes everything due now. */
    hurry(): void {
      isDue = true;
    },
    /** Commits are possible again. */
    resume(): void {
      startTimer();
      startLeftTimer();
    },
    /** Nobody waits any more for what is left: its outcome is not known, or never will be. */
    giveUp(): void {
      for (const [key, { settle, ...ack }] of acks) {
        acks.set(key, ack);
        settle?.(false);
      }
      for (const [key, { settle, ...read }] of reads) {
        reads.set(key, read);
        settle?.(false);
      }
    },
    isEmpty,
    isDue: (): boolean => (isDue || isLeftDue) && !isEmpty() && isOpen(),
  };
}

function takeFrom<Item>(waiting: Map<string, Item>, max: number, keys: Iterable<string>): Item[] {
  const taken: Item[] = [];
  for (const key of keys) {
    if (taken.length === max) break;
    const item = waiting.get(key);
    if (item !== undefined) taken.push(item);
    waiting.delete(key);
  }
  return taken;
}
