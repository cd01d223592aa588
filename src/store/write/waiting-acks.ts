import type { Clock } from "../../internal/clock.ts";
import type { Ack } from "./batch.ts";
import type { CommitHealth } from "./commit-health.ts";
import { createDelay } from "./delay.ts";
import { furthest, takeFrom } from "./mark-map.ts";

export type WaitingAcksOptions = {
  readonly clock: Clock;
  /** The delay of acks that are quiet. */
  readonly quietDelayMs: number;
  /** The most acks of one commit. */
  readonly takenMax: number;
  readonly health: Pick<CommitHealth, "isAvailable">;
  readonly onDue: () => void;
};

/** The delay of an ack that a commit has done a part of: other work comes in between. */
const leftDelayMs = 1;

const keyOf = ({ tenant, user, device }: Ack): string => `${tenant} ${user} ${device}`;

/** Acks on their way to a commit: of each device the furthest. Most become due with the other marks; those that are left over earlier, quiet ones later. */
export function createWaitingAcks({ clock, quietDelayMs, takenMax, health, onDue }: WaitingAcksOptions) {
  const acks = new Map<string, Ack>();
  /** Keys of the acks that a commit has done a part of: they do not wait the whole delay again. */
  const left = new Set<string>();
  /** Keys of the acks that are quiet. */
  const quiet = new Set<string>();
  const whileAny = (keys: ReadonlySet<string>, delayMs: number) =>
    createDelay({ clock, delayMs, onDue, isWanted: () => keys.size > 0 && health.isAvailable() });
  const leftOver = whileAny(left, leftDelayMs);
  const allQuiet = whileAny(quiet, quietDelayMs);

  /** Keeps the furthest ack of each device, and returns its key. */
  function keep(ack: Ack): string {
    const key = keyOf(ack);
    const waiting = acks.get(key);
    const one = furthest(ack, { waiting, isFurther: !waiting || waiting.n < ack.n });
    const [before, logN] = [waiting?.logN ?? -1, ack.logN ?? -1];
    // The level belongs to the position of the log that was stored; of two acks at one position the later one has it.
    const level = logN >= before ? (ack.level ?? waiting?.level) : waiting?.level;
    acks.set(key, before < 0 && logN < 0 ? one : { ...one, logN: Math.max(before, logN), level });
    return key;
  }

  return {
    add(ack: Ack, { isQuiet = false } = {}): void {
      // One that waits already keeps its time.
      if (isQuiet && !acks.has(keyOf(ack))) quiet.add(keyOf(ack));
      const key = keep(ack);
      if (!isQuiet) quiet.delete(key);
      if (quiet.has(key)) allQuiet.start();
    },
    /** Adds the rest of an ack that a commit has done a part of. */
    addLeft(ack: Ack): void {
      left.add(keep(ack));
      leftOver.start();
    },
    /** The acks of the next commit; `isDue`: whether those are due that are not quiet. */
    take(isDue: boolean): Ack[] {
      const soon = isDue ? [...acks.keys()].filter((key) => !quiet.has(key)) : leftOver.isDue() ? [...left] : [];
      const due = [...soon, ...(allQuiet.isDue() ? quiet : [])].slice(0, takenMax);
      if (isDue) left.clear();
      for (const key of due) {
        left.delete(key);
        quiet.delete(key);
      }
      if (left.size === 0) leftOver.reset();
      if (quiet.size === 0) allQuiet.reset();
      return takeFrom(acks, { max: takenMax, keys: due });
    },
    /** Makes quiet ones due as well. */
    hurry: allQuiet.end,
    /** Commits are possible again. */
    resume(): void {
      leftOver.start();
      allQuiet.start();
    },
    /** Calls the callbacks: their outcome is unknown. The acks stay. */
    giveUp(): void {
      for (const [key, { settle, ...ack }] of acks) {
        acks.set(key, ack);
        settle?.(false);
      }
    },
    isEmpty: (): boolean => acks.size === 0,
    isOnlyQuiet: (): boolean => acks.size === quiet.size,
    /** Whether some are due that do not wait for the other marks. */
    isDue: (): boolean => (leftOver.isDue() && acks.size > 0) || (allQuiet.isDue() && quiet.size > 0),
  };
}
