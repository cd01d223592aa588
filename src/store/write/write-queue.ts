import { ChatError } from "../../error.ts";
import type { Clock } from "../../internal/clock.ts";
import { deferred } from "../../internal/deferred.ts";
import type { Identity } from "../../model.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Row } from "../engine/engine.ts";
import { integer, text } from "../row.ts";
import type { Commit, RelationChange } from "../store.ts";
import type { Ack, Batch, WaitingDevice } from "./batch.ts";
import type { CommitHealth } from "./commit-health.ts";
import { createMarks } from "./marks.ts";
import { createRelationQueue } from "./relation-queue.ts";
import { createSendQueue, unavailable } from "./send-queue.ts";
import type { Settled } from "./settle-sends.ts";

export type WriteQueueOptions = {
  readonly clock: Clock;
  readonly limits: Limits;
  readonly health: Pick<CommitHealth, "isAvailable" | "isOpen" | "isClosed">;
  /** Something waits for a commit. */
  readonly onWork: () => void;
};

/** The result of a commit that succeeded. */
export type Committed = Commit &
  Pick<Settled, "outcomes"> & {
    /** A row for each device that acked and exists. */
    readonly acked: readonly Row[];
    /** A row for each relation that is beyond what its user may have. */
    readonly refused: readonly Row[];
  };

/** All that waits for a commit, each kind in its own queue. */
export function createWriteQueue({ clock, limits, health, onWork }: WriteQueueOptions) {
  const { marksDelayMs: delayMs, quietMarksDelayMs: quietDelayMs, commitMarksMax: takenMax } = limits;
  const sends = createSendQueue({ clock, limits, isOpen: health.isOpen, onWork });
  const relations = createRelationQueue(limits);
  const marks = createMarks({ clock, delayMs, quietDelayMs, takenMax, health, onDue: onWork });
  let devices: WaitingDevice[] = [];

  /** Creates the device of an ack again, which was forgotten, and then repeats the ack. */
  function restoreDevice(ack: Ack): void {
    const { tenant, user, device, n, level } = ack;
    devices.push({
      identity: { tenant, user },
      ...{ device, after: n, level },
      resolve: () => marks.addLeft({ ...ack, isAgain: true }),
      reject: () => ack.settle?.(false),
    });
  }

  function settleAcks(acks: readonly Ack[], acked: readonly Row[], head: number): void {
    const nOf = new Map(
      acked.map((row) => [`${text(row, "tenant")} ${text(row, "user")} ${text(row, "device")}`, integer(row, "acked")]),
    );
    for (const ack of acks) {
      const n = nOf.get(`${ack.tenant} ${ack.user} ${ack.device}`);
      if (n === undefined && !ack.isAgain) restoreDevice(ack);
      else if (n !== undefined && n < Math.min(ack.n, head)) marks.addLeft(ack);
      else ack.settle?.(n !== undefined);
    }
  }

  /** `push` adds a call to its queue, and resolves once it is on disk. */
  function call(push: () => Promise<void>): Promise<void> {
    if (!health.isOpen()) return Promise.reject(new ChatError("unavailable", "The store does not take commits now"));
    const stored = push();
    onWork();
    return stored;
  }

  return {
    ...{ sends, marks },

    /** Resolves once the ack of a device that waits is stored, or given up. A device that is not known is not made for it. */
    flushAck({ tenant, user }: Identity, device: string): Promise<void> {
      if (!health.isOpen()) return Promise.resolve();
      const { promise, resolve } = deferred<void>();
      const ack: Ack = { tenant, user, device, n: 0, logN: 0, isAgain: true, settle: () => resolve() };
      marks.add({ acks: [ack], reads: [], seen: [] });
      return promise;
    },

    createDevice: (identity: Identity, device: string, options?: Pick<WaitingDevice, "after" | "level">) =>
      call(() => new Promise((resolve, reject) => devices.push({ identity, device, ...options, resolve, reject }))),

    relate: (identity: Identity, changes: readonly RelationChange[], { present }: { readonly present: number }) =>
      call(() => relations.push(identity, changes, present)),

    hasWork: (): boolean => sends.size() > 0 || devices.length > 0 || relations.size() > 0 || marks.isDue(),

    take(): Batch {
      const taken = { sends: sends.take(), relations: relations.take(), ...marks.take() };
      return { ...taken, devices: devices.splice(0, limits.commitDevicesMax), time: clock.now() };
    },

    /** After a commit: answers everything in its batch. The rest of an ack that it did not cover goes into the next one. */
    settle(batch: Batch, { outcomes, acked, refused, to }: Committed): void {
      marks.resume();
      settleAcks(batch.acks, acked, to);
      for (const { settle, outcome } of outcomes) settle(outcome);
      for (const { resolve } of batch.devices) resolve();
      relations.settle(batch.relations, refused);
      for (const { settle } of batch.reads) settle?.(true);
    },

    /**
     * Answers everything that waits, and a batch with an unknown outcome, with `unavailable`. Marks stay for a later commit, but are settled now as
     * not stored.
     */
    refuseAll(error: ChatError, batch?: Batch): void {
      if (batch) marks.add(batch);
      const waiting = [...(batch?.sends ?? []), ...sends.takeAll()];
      const others = [...(batch?.devices ?? []), ...devices, ...(batch?.relations ?? []), ...relations.takeAll()];
      devices = [];
      for (const { settle } of waiting) settle(unavailable);
      marks.giveUp();
      for (const { reject } of others) reject(error);
    },
  };
}

export type WriteQueue = ReturnType<typeof createWriteQueue>;
