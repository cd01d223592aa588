import type { Clock } from "../../internal/clock.ts";
import type { Ack, Batch, Read, Seen } from "./batch.ts";
import { type Identity, identityKey } from "../../model.ts";
import { decodeConversation } from "../../protocol/conversation-id.ts";
import { levelMin } from "../../protocol/level.ts";
import type { AckedTo, Settle } from "../store.ts";
import type { CommitHealth } from "./commit-health.ts";

export type MarksOptions = {
  readonly clock: Clock;
  readonly delayMs: number;
  /** The most acks, and the most reads, of one commit. */
  readonly takenMax: number;
  /** While it is not available, marks wait for `resume`. */
  readonly health: Pick<CommitHealth, "isAvailable" | "isClosed">;
  readonly onDue: () => void;
};

/** The delay of an ack that a commit has done a part of: other work comes in between. */
const leftDelayMs = 1;

/** The further one of two marks of one kind, with the callbacks of both. */
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

/**
 * Acks, reads and last-seen times on their way to a commit: for each device, conversation and user only the furthest, and all of them together, a
 * little later. A crash that loses them costs a message that is sent again, never a lost one.
 */
export function createMarks({ clock, delayMs, takenMax, health, onDue }: MarksOptions) {
  const acks = new Map<string, Ack>();
  const reads = new Map<string, Read>();
  const seen = new Map<string, Seen>();
  /** Keys of the acks that a commit has done a part of: they do not wait the whole delay again. */
  const left = new Set<string>();
  const isEmpty = (): boolean => acks.size === 0 && reads.size === 0 && seen.size === 0;
  const all = createDelay({ clock, delayMs, isWanted: () => !isEmpty() && health.isAvailable(), onDue });
  const leftOver = createDelay({
    ...{ clock, delayMs: leftDelayMs, onDue },
    isWanted: () => left.size > 0 && health.isAvailable(),
  });

  /** Without `settle` a mark is kept during an outage, and stored after it. */
  const refuses = (settle: Settle | undefined): boolean =>
    health.isClosed() || (settle !== undefined && !health.isAvailable());

  /** Keeps the furthest ack of each device, and returns its key. */
  function keepAck(ack: Ack): string {
    const key = `${ack.tenant} ${ack.user} ${ack.device}`;
    const waiting = acks.get(key);
    const one = furthest(waiting, ack, !waiting || waiting.n < ack.n);
    const [before, logN] = [waiting?.logN ?? -1, ack.logN ?? -1];
    // The level belongs to the position of the log that was stored; of two acks at one position the later one has it.
    const level = logN >= before ? (ack.level ?? waiting?.level) : waiting?.level;
    acks.set(key, before < 0 && logN < 0 ? one : { ...one, logN: Math.max(before, logN), level });
    return key;
  }

  /** The acks of the next commit: all that wait, or only the due ones of those that were left over. */
  function takeAcks(): Ack[] {
    const keys = all.isDue() ? acks.keys() : leftOver.isDue() ? [...left].slice(0, takenMax) : [];
    if (all.isDue()) left.clear();
    else for (const key of keys) left.delete(key);
    if (left.size === 0) leftOver.reset();
    return takeFrom(acks, takenMax, keys);
  }

  function addAck(ack: Ack): void {
    keepAck(ack);
    all.start();
  }

  function addRead(read: Read): void {
    const key = `${read.tenant} ${read.user} ${read.conversation}`;
    const waiting = reads.get(key);
    reads.set(key, furthest(waiting, read, !waiting || waiting.seq < read.seq));
    all.start();
  }

  function addSeen(one: Seen): void {
    const key = identityKey(one);
    const waiting = seen.get(key);
    if (!waiting || waiting.time < one.time) seen.set(key, one);
    all.start();
  }

  return {
    ack({ tenant, user }: Identity, device: string, upTo: number | AckedTo, settle?: Settle): void {
      if (refuses(settle)) return settle?.(false);
      if (typeof upTo === "number") return addAck({ tenant, user, device, n: upTo, logN: upTo, settle });
      const { n, level = levelMin } = upTo;
      addAck({ tenant, user, device, n, logN: n, level, settle });
    },
    ackList({ tenant, user }: Identity, device: string, upTo: number | AckedTo, settle?: Settle): void {
      if (refuses(settle)) return settle?.(false);
      addAck({ tenant, user, device, n: typeof upTo === "number" ? upTo : upTo.n, settle });
    },
    read({ tenant, user }: Identity, conversation: string, seq: number, settle?: Settle): void {
      const key = decodeConversation(conversation);
      if (key === null || refuses(settle)) return settle?.(false);
      addRead({ tenant, user, conversation: key, seq, settle });
    },
    seen({ tenant, user }: Identity, time: number): void {
      if (!health.isClosed()) addSeen({ tenant, user, time });
    },
    /** Adds marks of whichever kind, such as those of a commit that failed. */
    add({ acks, reads: others, seen: times }: Pick<Batch, "acks" | "reads" | "seen">): void {
      for (const ack of acks) addAck(ack);
      for (const read of others) addRead(read);
      for (const time of times) addSeen(time);
    },
    /** Adds the rest of an ack that a commit has done a part of: it goes into the next one. */
    addLeft(ack: Ack): void {
      left.add(keepAck(ack));
      leftOver.start();
    },
    /** Removes the marks that are due, and no others. */
    take(): Pick<Batch, "acks" | "reads" | "seen"> {
      const isDue = all.isDue();
      const taken = {
        acks: takeAcks(),
        reads: isDue ? takeFrom(reads, takenMax, reads.keys()) : [],
        seen: isDue ? takeFrom(seen, takenMax, seen.keys()) : [],
      };
      if (isEmpty()) all.reset();
      return taken;
    },
    /** Makes everything due now. */
    hurry: all.end,
    /** Commits are possible again. */
    resume(): void {
      all.start();
      leftOver.start();
    },
    /** Calls the callbacks of the marks that wait: their outcome is unknown. The marks themselves stay. */
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
    isDue: (): boolean => (all.isDue() || leftOver.isDue()) && !isEmpty() && health.isAvailable(),
  };
}

type DelayOptions = Pick<MarksOptions, "clock" | "delayMs" | "onDue"> & {
  /** Whether anything waits for the end of the delay. */
  readonly isWanted: () => boolean;
};

/** A delay that begins with the first start, and is due from its end until it is reset. */
function createDelay({ clock, delayMs, isWanted, onDue }: DelayOptions) {
  let isDue = false;
  let timer: "off" | "running" = "off";

  return {
    start(): void {
      if (timer === "running" || !isWanted()) return;
      timer = "running";
      clock.after(delayMs, () => {
        timer = "off";
        if (!isWanted()) return;
        isDue = true;
        onDue();
      });
    },
    end: (): void => void (isDue = true),
    reset: (): void => void (isDue = false),
    isDue: (): boolean => isDue,
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
