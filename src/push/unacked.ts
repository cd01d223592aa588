import type { Feed } from "../feed/feed.ts";
import { nextTurn } from "../internal/clock.ts";
import { applyConsequences } from "../log/log-kinds.ts";
import { identityKey, type LogEntry } from "../model.ts";
import type { Limits } from "../protocol/limits.ts";
import type { UnackedStore } from "../store/push/unacked-store.ts";
import { createAlarm } from "./alarm.ts";
import { createLogAge } from "./log-age.ts";
import { ageStepMs, createOverdueCheck, type OverdueOptions } from "./overdue.ts";
import { createPending, type Endings, type Pending } from "./pending.ts";

export type UnackedOptions = Omit<OverdueOptions, "store" | "limits" | "logAge"> & {
  readonly store: UnackedStore;
  readonly feed: Pick<Feed, "onEntries" | "position">;
  readonly limits: Pick<Limits, "pushUsersMax" | "ackMessagesMax">;
  /** Whether the store answers. */
  readonly isAvailable: () => boolean;
  /** Notices have become due. */
  readonly onDue: () => void;
  readonly report: (fault: unknown) => void;
};

/** One period in which this node has the lease. */
type Run = {
  readonly pending: Pending;
  /** Everything up to here is pending, or done. */
  position: number;
  /** `live`: takes what the feed announces. `behind`: the log must be read from `position` on. `reading`: that is under way. */
  source: "live" | "behind" | "reading";
  isLooking: boolean;
};

/** After the store has failed. */
const retryMs = 1_000;
/** Users looked at in one query, each with as many addresses as one may have: a few milliseconds of the event loop. */
const usersAtOnce = 100;
/** Reads and blocks looked at in one commit: each has a notification on as many devices as a user may have. */
const causesAtOnce = 50;
/** Positions of the log read at once where the worker is behind. */
const stretchMax = 5_000;

/**
 * Follows the log and finds the devices that have not acked in time. It holds users in memory, not messages, and at most `pushUsersMax` of them: with
 * more it reads no further, because the log is the buffer. The notices that it makes due are in the store.
 */
export function createUnacked(options: UnackedOptions) {
  const { store, feed, clock, limits, delays, holder, isAvailable, onDue, report } = options;
  const logAge = createLogAge(clock, {
    stepMs: ageStepMs,
    keptMs: Math.max(delays.activeMs, delays.idleMs) + ageStepMs,
  });
  const check = createOverdueCheck({ ...options, logAge });
  let run: Run | null = null;
  const alarm = createAlarm(clock, () => void (run && look(run)));

  const wakeIn = (ms: number): void => void (run && alarm.setIn(ms));
  const isFull = ({ pending }: Run): boolean => pending.size() >= limits.pushUsersMax;

  function take(entries: readonly LogEntry[], upTo: number): void {
    logAge.note(upTo);
    if (run?.source !== "live" || upTo <= run.position) return;
    for (const entry of entries) applyConsequences(entry, run.pending);
    run.position = upTo;
    if (isFull(run)) run.source = "behind";
  }
  feed.onEntries(take);

  /** Reads the log until the feed can be followed, or the memory is full. */
  async function catchUp(mine: Run): Promise<void> {
    if (mine !== run || mine.source !== "behind") return;
    const { pending } = mine;
    mine.source = "reading";
    try {
      while (mine === run && !isFull(mine)) {
        const upTo = Math.min(feed.position(), mine.position + stretchMax);
        if (upTo <= mine.position) {
          mine.source = "live";
          return;
        }
        const { recipients, readers, blockers } = await store.pendingBetween(mine.position, upTo);
        if (mine !== run) return;
        for (const { tenant, user, n } of recipients) pending.markPending({ tenant, user }, n);
        for (const reader of readers) pending.noteRead(reader);
        for (const blocker of blockers) pending.noteBlock(blocker);
        mine.position = upTo;
      }
    } catch (fault) {
      report(fault);
      wakeIn(retryMs);
    } finally {
      if (mine.source === "reading") mine.source = "behind";
    }
  }

  async function look(mine: Run): Promise<void> {
    if (mine.isLooking) return;
    // While the store is away, one probe of its own asks for it.
    if (!isAvailable()) return wakeIn(retryMs);
    mine.isLooking = true;
    try {
      await lookAtUsers(mine);
      await wakeEnded(mine, mine.pending.reads, store.wakeRead);
      await wakeEnded(mine, mine.pending.blocks, store.wakeBlocked);
    } catch (fault) {
      report(fault);
      wakeIn(retryMs);
    } finally {
      mine.isLooking = false;
    }
    if (mine !== run) return;
    void catchUp(mine);
    const next = mine.pending.nextDueAt();
    if (next < Infinity) wakeIn(Math.max(1, next - clock.elapsed()));
  }

  async function lookAtUsers(mine: Run): Promise<void> {
    const due = mine.pending.dueUsers();
    for (let i = 0; i < due.length; i += usersAtOnce) {
      if (i > 0) await nextTurn(clock);
      if (mine !== run) return;
      const checked = await check(due.slice(i, i + usersAtOnce), () => mine === run);
      for (const { identity } of checked?.done ?? []) mine.pending.users.delete(identityKey(identity));
      if (checked?.isAnyDue) onDue();
    }
  }

  /** Makes the notifications due that are over for these causes. */
  async function wakeEnded<Cause>(
    mine: Run,
    endings: Endings<Cause>,
    wakeNotices: (holder: string, causes: readonly Cause[], now: number) => Promise<boolean>,
  ): Promise<void> {
    const now = clock.elapsed();
    const due = [...endings].filter(([, { dueAt }]) => dueAt <= now);
    for (let i = 0; i < due.length; i += causesAtOnce) {
      if (i > 0) await nextTurn(clock);
      if (mine !== run) return;
      const part = due.slice(i, i + causesAtOnce);
      const causes = part.map(([, { cause }]) => cause);
      const isAny = await wakeNotices(holder(), causes, clock.now());
      for (const [key] of part) endings.delete(key);
      if (isAny && mine === run) onDue();
    }
  }

  return {
    /** Continues after a position up to which everything was looked at. */
    start(from: number): void {
      const pending = createPending({ clock, readDelayMs: delays.activeMs, onDueIn: wakeIn });
      run = { pending, position: Math.min(from, feed.position()), source: "behind", isLooking: false };
      logAge.note(feed.position());
      void catchUp(run);
    },
    stop(): void {
      run = null;
      alarm.cancel();
    },
    /** The position up to which nothing is in the memory of this process alone. */
    position: () => run?.pending.positionBefore(run.position) ?? 0,
    /** For how many milliseconds a log position has existed. */
    ageOf: logAge.of,
    /** The number of entries in memory: 0 once everything was looked at. */
    sizes: () => run?.pending.sizes() ?? { recipients: 0, readers: 0, blockers: 0 },
  };
}
