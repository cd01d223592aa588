import type { ChatError } from "../../error.ts";
import type { Limits } from "../../protocol/limits.ts";
import type { Row } from "../engine/engine.ts";
import { integer, text } from "../row.ts";
import type { Outcome } from "../store.ts";
import type { Ack, Batch, WaitingDevice } from "./batch.ts";
import type { Committed } from "./commit-batch.ts";
import { createMarks, type MarksOptions } from "./marks.ts";
import { createRelationQueue } from "./relation-queue.ts";
import { createSendQueue } from "./send-queue.ts";

export type WriteQueueOptions = Pick<MarksOptions, "clock" | "isOpen" | "onDue"> & { readonly limits: Limits };

export const unavailable: Outcome = { type: "refused", code: "unavailable" };

/** All that waits for a commit, each kind in its own queue. */
export function createWriteQueue({ clock, limits, isOpen, onDue }: WriteQueueOptions) {
  const sends = createSendQueue({ clock, limits });
  const relations = createRelationQueue(limits);
  const marks = createMarks({
    ...{ clock, delayMs: limits.marksDelayMs, takenMax: limits.commitMarksMax },
    ...{ isOpen, onDue },
  });
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

  return {
    ...{ sends, relations, marks },

    /** Resolves once the device is on disk. */
    addDevice(device: Omit<WaitingDevice, "resolve" | "reject">): Promise<void> {
      return new Promise((resolve, reject) => devices.push({ ...device, resolve, reject }));
    },

    hasWork: (): boolean => sends.size() > 0 || devices.length > 0 || relations.size() > 0 || marks.isDue(),

    take(): Batch {
      const taken = { sends: sends.take(), relations: relations.take(), ...marks.take() };
      return { ...taken, devices: devices.splice(0, limits.commitDevicesMax), time: clock.now() };
    },

    /** After a commit: answers everything in its batch. The rest of an ack that it did not cover goes into the next one. */
    settle(batch: Batch, { outcomes, acked, refused, to }: Committed): void {
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
      for (const ack of batch?.acks ?? []) marks.addAck(ack);
      for (const read of batch?.reads ?? []) marks.addRead(read);
      for (const seen of batch?.seen ?? []) marks.addSeen(seen);
      const waiting = [...(batch?.sends ?? []), ...sends.takeAll()];
      const others = [
        ...[...(batch?.devices ?? []), ...devices],
        ...[...(batch?.relations ?? []), ...relations.takeAll()],
      ];
      devices = [];
      for (const { settle } of waiting) settle(unavailable);
      marks.giveUp();
      for (const { reject } of others) reject(error);
    },
  };
}
