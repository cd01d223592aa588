import { ChatError } from "../../error.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Identity } from "../../model.ts";
import { decodeConversation } from "../../protocol/conversation-id.ts";
import { levelMin } from "../../protocol/level.ts";
import { isDamage } from "../engine/failure.ts";
import type { Commit, RelationChange, Settle, Store } from "../store.ts";
import type { Batch, WaitingDevice } from "./batch.ts";
import { commitBatch, type CommitContext, type Committed } from "./commit-batch.ts";
import { createCommitLoop } from "./commit-loop.ts";
import { createWriteQueue, unavailable } from "./write-queue.ts";

export type WriterOptions = CommitContext & {
  readonly clock: Clock;
  readonly onCommit: (commit: Commit) => void;
  /** Called when a commit failed; everything that waited was answered `unavailable`. */
  readonly onFault: (fault: unknown) => void;
};

/** Writes the log. Methods of the store are described there. */
export interface Writer extends Pick<
  Store,
  "append" | "ack" | "ackList" | "read" | "seen" | "settled" | "drained" | "isAvailable" | "abandon"
> {
  /** Creates a device that syncs from change number `after` at `level`. Rejects with `unavailable`. */
  createDevice(identity: Identity, device: string, options?: Pick<WaitingDevice, "after" | "level">): Promise<void>;
  /** Like the store's; `present`: how many relations the user has. */
  relate(identity: Identity, changes: readonly RelationChange[], options: { readonly present: number }): Promise<void>;
  /** Resolves once the acks of a device that wait are stored, or cannot be. */
  flushAck(identity: Identity, device: string): Promise<void>;
  /** Takes nothing more until the process is started again: a read has shown that the database is damaged. */
  halt(cause: unknown): void;
  /** Commits everything that waits, marks too, and takes nothing more. */
  close(): Promise<void>;
}

/** Whether the database takes commits. */
type Health =
  | { readonly type: "available" }
  /** A commit failed. Everything is refused until a probe succeeds, so that an outage costs one attempt at a time. */
  | { readonly type: "away"; readonly isProbeDue: boolean; readonly nextDelayMs: number }
  /** It never does again: it is damaged, and a commit that succeeds does not prove the rest; or its history has ended. */
  | { readonly type: "over" };

const available: Health = { type: "available" };
const over: Health = { type: "over" };

/** The first probe after a failure comes soon: most failures are over at once. */
const probeDelayMsMin = 20;

/** A shutdown tries at most this many commits, so that a failing store cannot hold it up for ever. */
const closeCommitsMax = 10_000;

/**
 * Group commit: everything that arrives while a commit is under way, or in one turn of the event loop, goes into the next commit. The outcome of
 * a failed commit is unknown, so everything that waits is then answered `unavailable`: nothing may be accepted behind a message that may not have
 * been stored.
 */
export function createWriter({ clock, onCommit, onFault, ...context }: WriterOptions): Writer {
  const { limits } = context;
  let health: Health = available;
  let isClosed = false;
  const isAvailable = (): boolean => health.type === "available";
  const isProbeDue = (): boolean => health.type === "away" && health.isProbeDue;
  const queue = createWriteQueue({ clock, limits, isOpen: isAvailable, onDue: () => loop.schedule() });
  const { sends, relations, marks } = queue;
  const loop = createCommitLoop({ clock, hasWork: () => isProbeDue() || queue.hasWork(), commit, onFault });

  async function commit(): Promise<void> {
    const batch = queue.take();
    let committed: Committed;
    try {
      committed = await commitBatch(batch, { ...context, isProbe: isProbeDue() });
    } catch (cause) {
      fail(batch, cause);
      return;
    }
    if (health.type !== "over") health = available;
    marks.resume();
    queue.settle(batch, committed);
    const { from, to, entries } = committed;
    if (to > from) onCommit({ from, to, entries });
  }

  function fail(batch: Batch, cause: unknown): void {
    const delayMs = health.type === "away" ? health.nextDelayMs : probeDelayMsMin;
    const nextDelayMs = Math.min(2 * delayMs, limits.storeProbeMs);
    if (health.type !== "over") health = isDamage(cause) ? over : { type: "away", isProbeDue: false, nextDelayMs };
    onFault(cause);
    queue.refuseAll(unconfirmed(cause), batch);
    if (health.type === "away" && !isClosed) clock.after(delayMs, startProbe);
  }

  function startProbe(): void {
    if (health.type !== "away" || isClosed) return;
    health = { ...health, isProbeDue: true };
    loop.schedule();
  }

  /** Without `settle` a mark is kept during an outage, and result after it. */
  const refusesMark = (settle: Settle | undefined): boolean => isClosed || (settle !== undefined && !isAvailable());

  return {
    append(send, settle) {
      if (isClosed || !isAvailable() || sends.size() >= limits.commitQueueMax) return settle(unavailable);
      sends.push(send, settle);
      loop.schedule();
    },

    ack({ tenant, user }, device, upTo, settle) {
      if (refusesMark(settle)) return settle?.(false);
      const position =
        typeof upTo === "number" ? { n: upTo, logN: upTo } : { n: upTo.n, logN: upTo.n, level: upTo.level ?? levelMin };
      marks.addAck({ tenant, user, device, ...position, settle });
    },

    ackList({ tenant, user }, device, upTo, settle) {
      if (refusesMark(settle)) return settle?.(false);
      marks.addAck({ tenant, user, device, n: typeof upTo === "number" ? upTo : upTo.n, settle });
    },
    flushAck: (...asked) => (isClosed || !isAvailable() ? Promise.resolve() : marks.flushAck(...asked)),

    read({ tenant, user }, conversation, seq, settle) {
      const key = decodeConversation(conversation);
      if (key === null || refusesMark(settle)) return settle?.(false);
      marks.addRead({ tenant, user, conversation: key, seq, settle });
    },

    createDevice(identity, device, { after, level } = {}) {
      if (isClosed || !isAvailable()) return Promise.reject(noCommitsNow());
      const stored = queue.addDevice({ identity, device, after, level });
      loop.schedule();
      return stored;
    },

    relate(identity, changes, { present }) {
      if (isClosed || !isAvailable()) return Promise.reject(noCommitsNow());
      const stored = relations.push(identity, changes, present);
      loop.schedule();
      return stored;
    },

    seen({ tenant, user }, time) {
      if (!isClosed) marks.addSeen({ tenant, user, time });
    },

    async abandon() {
      isClosed = true;
      health = over;
      queue.refuseAll(new ChatError("unavailable", "The database has another history now"));
      await loop.settled();
    },

    settled: loop.settled,
    async drained() {
      while (sends.size() > 0 || loop.isScheduled()) await loop.turn();
    },
    isAvailable,

    halt(cause) {
      if (health.type === "over") return;
      health = over;
      queue.refuseAll(unconfirmed(cause), queue.take());
    },

    async close() {
      isClosed = true;
      const isBusy = (): boolean => isProbeDue() || queue.hasWork() || loop.isScheduled() || !marks.isEmpty();
      for (let i = 0; i < closeCommitsMax && isBusy(); i++) {
        marks.hurry();
        loop.schedule();
        await loop.turn();
        if (!isAvailable()) break;
      }
      marks.giveUp();
    },
  };
}

const noCommitsNow = (): ChatError => new ChatError("unavailable", "The store does not take commits now");

const unconfirmed = (cause: unknown): ChatError =>
  new ChatError("unavailable", "The store did not confirm a commit", { cause });
