import { ChatError } from "../../error.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Identity } from "../../model.ts";
import type { RelationChange, Store } from "../store.ts";
import type { WaitingDevice } from "./batch.ts";
import { commitBatch, type CommitContext, unconfirmed } from "./commit-batch.ts";
import { createCommitHealth } from "./commit-health.ts";
import { createCommitLoop } from "./commit-loop.ts";
import { createKnownPairs } from "./known-pairs.ts";
import { createWriteQueue } from "./write-queue.ts";

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

/** A shutdown tries at most this many commits, so that a failing store cannot hold it up for ever. */
const closeCommitsMax = 10_000;

/**
 * Group commit: everything that arrives while a commit is under way, or in one turn of the event loop, goes into the next commit. What is written
 * waits in its queue, from which `commitBatch` takes it.
 */
export function createWriter({ clock, ...options }: Omit<CommitContext, "pairs"> & { readonly clock: Clock }): Writer {
  const context: CommitContext = { ...options, pairs: createKnownPairs() };
  const { limits } = context;
  const schedule = (): void => loop.schedule();
  const health = createCommitHealth({ clock, probeMsMax: limits.storeProbeMs, onProbe: schedule });
  const queue = createWriteQueue({ clock, limits, health, onWork: schedule });
  const { sends, marks } = queue;
  const loop = createCommitLoop({
    clock,
    hasWork: () => health.isProbeDue() || queue.hasWork(),
    commit: () => commitBatch({ queue, health }, context),
    onFault: context.onFault,
    onIdle: context.engine.rest,
  });

  return {
    append: sends.append,
    ...{ ack: marks.ack, ackList: marks.ackList, read: marks.read, seen: marks.seen },
    ...{ createDevice: queue.createDevice, flushAck: queue.flushAck, relate: queue.relate },
    ...{ settled: loop.settled, isAvailable: health.isAvailable },

    async drained() {
      while (sends.size() > 0 || loop.isScheduled()) await loop.turn();
    },

    async abandon() {
      health.close();
      health.end();
      queue.refuseAll(new ChatError("unavailable", "The database has another history now"));
      await loop.settled();
    },

    halt(cause) {
      if (health.isOver()) return;
      health.end();
      queue.refuseAll(unconfirmed(cause), queue.take());
    },

    async close() {
      health.close();
      const isBusy = (): boolean => health.isProbeDue() || queue.hasWork() || loop.isScheduled() || !marks.isEmpty();
      for (let i = 0; i < closeCommitsMax && isBusy(); i++) {
        marks.hurry();
        loop.schedule();
        await loop.turn();
        if (!health.isAvailable()) break;
      }
      marks.giveUp();
    },
  };
}
