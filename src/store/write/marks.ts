import type { Clock } from "../../internal/clock.ts";
import type { Ack, Batch, Read, Seen } from "./batch.ts";
import { type Identity, identityKey } from "../../model.ts";
import { decodeConversation } from "../../protocol/conversation-id.ts";
import { levelMin } from "../../protocol/level.ts";
import type { AckedTo, Settle } from "../store.ts";
import type { CommitHealth } from "./commit-health.ts";
import { createDelay } from "./delay.ts";
import { furthest, takeFrom } from "./mark-map.ts";
import { createWaitingAcks } from "./waiting-acks.ts";

export type MarksOptions = {
  readonly clock: Clock;
  readonly delayMs: number;
  /** The delay of acks that are quiet. */
  readonly quietDelayMs: number;
  /** The most acks, and the most reads, of one commit. */
  readonly takenMax: number;
  /** While it is not available, marks wait for `resume`. */
  readonly health: Pick<CommitHealth, "isAvailable" | "isClosed">;
  readonly onDue: () => void;
};

/**
 * Acks, reads and last-seen times on their way to a commit: for each device, conversation and user only the furthest, and all of them together, a
 * little later; quiet acks later still. A crash that loses them costs a message that is sent again, never a lost one.
 */
export function createMarks({ clock, delayMs, quietDelayMs, takenMax, health, onDue }: MarksOptions) {
  const acks = createWaitingAcks({ clock, quietDelayMs, takenMax, health, onDue });
  const reads = new Map<string, Read>();
  const seen = new Map<string, Seen>();
  const areOthersWaiting = (): boolean => reads.size > 0 || seen.size > 0;
  const isEmpty = (): boolean => acks.isEmpty() && !areOthersWaiting();
  const isOnlyQuiet = (): boolean => acks.isOnlyQuiet() && !areOthersWaiting();
  const all = createDelay({ clock, delayMs, isWanted: () => !isOnlyQuiet() && health.isAvailable(), onDue });

  /** Without `settle` a mark is kept during an outage, and stored after it. */
  const refuses = (settle: Settle | undefined): boolean =>
    health.isClosed() || (settle !== undefined && !health.isAvailable());

  function addAck(ack: Ack, options: { isQuiet?: boolean } = {}): void {
    acks.add(ack, options);
    all.start();
  }

  function addRead(read: Read): void {
    const key = `${read.tenant} ${read.user} ${read.conversation}`;
    const waiting = reads.get(key);
    reads.set(key, furthest(read, { waiting, isFurther: !waiting || waiting.seq < read.seq }));
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
      const { n, level = levelMin, isQuiet = false } = upTo;
      // A caller waits for one with a callback.
      addAck({ tenant, user, device, n, logN: n, level, settle }, { isQuiet: isQuiet && settle === undefined });
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
    addLeft: acks.addLeft,
    /** Removes the marks that are due, and no others. */
    take(): Pick<Batch, "acks" | "reads" | "seen"> {
      const isDue = all.isDue();
      const taken = {
        acks: acks.take(isDue),
        reads: isDue ? takeFrom(reads, { max: takenMax, keys: reads.keys() }) : [],
        seen: isDue ? takeFrom(seen, { max: takenMax, keys: seen.keys() }) : [],
      };
      if (isOnlyQuiet()) all.reset();
      return taken;
    },
    /** Makes everything due now. */
    hurry(): void {
      all.end();
      acks.hurry();
    },
    /** Commits are possible again. */
    resume(): void {
      all.start();
      acks.resume();
    },
    /** Calls the callbacks of the marks that wait: their outcome is unknown. The marks themselves stay. */
    giveUp(): void {
      acks.giveUp();
      for (const [key, { settle, ...read }] of reads) {
        reads.set(key, read);
        settle?.(false);
      }
    },
    isEmpty,
    isDue: (): boolean => ((all.isDue() && !isOnlyQuiet()) || acks.isDue()) && health.isAvailable(),
  };
}
