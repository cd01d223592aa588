import { ChatError } from "../error.ts";
import type { Clock } from "../internal/clock.ts";
import type { Random } from "../internal/random.ts";
import type { Identity } from "../model.ts";
import { decodeConversation } from "../protocol/conversation-id.ts";
import type { Limits } from "../protocol/limits.ts";
import {
  type Ack,
  type Batch,
  createConversationIds,
  lookUpSends,
  messageEntry,
  newestReceipts,
  receiptEntry,
  type Waiting,
  type WaitingDevice,
  writeSteps,
} from "./batch.ts";
import { createMarks } from "./marks.ts";
import { createSendQueue } from "./send-queue.ts";
import type { Engine, Row } from "./engine/engine.ts";
import * as sql from "./sql.ts";
import type { Commit, LogEntry, Outcome, Refused, Send, Settle } from "./store.ts";

export type WriterOptions = {
  readonly engine: Engine;
  readonly clock: Clock;
  readonly random: Random;
  readonly limits: Limits;
  readonly onCommit: (commit: Commit) => void;
  /** A commit failed; what waited was answered `unavailable`. */
  readonly onFault: (fault: unknown) => void;
};

/** Writes a page and changes nothing: shows whether the store takes commits. */
const probe = [sql.leaveHead, sql.returnHead].map((text) => ({ name: "probe", statement: { sql: text } }));

const unavailable: Outcome = { type: "refused", code: "unavailable" };

/**
 * Group commit: whatever arrives while a commit is under way, or in one turn of the event loop, goes into the
 * next one. After a failed commit its outcome is unknown, so all that waits is answered `unavailable`: nothing
 * may be accepted behind a message that perhaps was not.
 */
export function createWriter({ engine, clock, random, limits, onCommit, onFault }: WriterOptions) {
  const sends = createSendQueue({ clock, limits });
  let devices: WaitingDevice[] = [];
  const marks = createMarks({
    clock,
    delayMs: limits.marksDelayMs,
    takenMax: limits.commitMarksMax,
    isOpen: () => isAvailable,
    onDue: schedule,
  });
  let isProbeDue = false;
  let isProbeTimerSet = false;
  let probeDelayMs = probeDelayMsMin;
  let isScheduled = false;
  let isClosed = false;
  let isAvailable = true;
  let current: Promise<void> = Promise.resolve();

  const hasWork = (): boolean => isProbeDue || sends.size() > 0 || devices.length > 0 || marks.isDue();

  function schedule(): void {
    if (isScheduled || !hasWork()) return;
    isScheduled = true;
    clock.defer(() => {
      current = commit()
        .catch(onFault)
        .finally(() => {
          isScheduled = false;
          schedule();
        });
    });
  }

  function takeBatch(): Batch {
    const batch: Batch = { sends: sends.take(), devices, ...marks.take(), time: clock.now() };
    devices = [];
    return batch;
  }

  async function commit(): Promise<void> {
    const batch = takeBatch();
    const steps = writeSteps(batch, { newKey: () => 1 + random.integer(), ackMessagesMax: limits.ackMessagesMax });
    if (isProbeDue) steps.push(...probe);
    let found: Map<string, Row[]>;
    let outcomes: { settle: (outcome: Outcome) => void; outcome: Outcome }[];
    const entries: LogEntry[] = [];
    try {
      const results = await engine.write(steps.map((step) => step.statement));
      found = new Map(steps.map((step, i) => [step.name, results[i] ?? []]));
      outcomes = await settleSends(batch, found, entries);
    } catch (cause) {
      fail(batch, cause);
      return;
    }
    isAvailable = true;
    isProbeDue = false;
    probeDelayMs = probeDelayMsMin;
    marks.resume();
    for (const row of [...(found.get("delivered") ?? []), ...(found.get("read") ?? [])])
      entries.push(receiptEntry(row));
    const from = Number(found.get("before")?.[0]?.["n"]);
    const to = Number(found.get("after")?.[0]?.["n"]);
    requeueAcks(batch.acks, found.get("acked") ?? [], to);
    for (const { settle, outcome } of outcomes) settle(outcome);
    for (const { resolve } of batch.devices) resolve();
    for (const { settle } of batch.reads) settle?.(true);
    if (to > from) onCommit({ from, to, entries: newestReceipts(entries) });
  }

  async function settleSends(batch: Batch, found: Map<string, Row[]>, entries: LogEntry[]) {
    const inserted = (found.get("messages") ?? []).sort((a, b) => Number(a["n"]) - Number(b["n"]));
    const idOf = createConversationIds();
    const accept = (waiting: Waiting, row: Row, time: number, duplicate: boolean) => {
      const conversation = idOf(Number(row["conversation"]));
      const entry = messageEntry(waiting.send, row, { conversation, time });
      const { n, seq } = entry.change;
      if (!duplicate) entries.push(entry);
      const outcome: Outcome = { type: "accepted", n, conversation, seq, time, duplicate };
      return { settle: waiting.settle, outcome };
    };
    const refuse = ({ settle }: Waiting, code: Refused["code"]) => ({
      settle,
      outcome: { type: "refused", code } as const,
    });
    // The usual case: every send was new, so the rows are the batch in its order.
    if (inserted.length === batch.sends.length)
      return batch.sends.map((waiting, i) => accept(waiting, inserted[i] ?? {}, batch.time, false));

    const before = Number(found.get("before")?.[0]?.["n"]);
    const [existing = []] = await engine.read([lookUpSends(batch.sends)]);
    const rowOf = new Map(existing.map((row) => [Number(row["i"]), row]));
    return batch.sends.map((waiting, i) => {
      const row = rowOf.get(i);
      if (!row) return refuse(waiting, "not_found");
      const isSame = row["text"] === waiting.send.text && row["conversation"] === row["wanted"];
      if (!isSame) return refuse(waiting, "conflict");
      return accept(waiting, row, Number(row["time"]), Number(row["n"]) <= before);
    });
  }

  /** An ack may cover more messages than one commit takes: what is left goes into the next. */
  function requeueAcks(asked: readonly Ack[], acked: readonly Row[], head: number): void {
    const stands = new Map(
      acked.map((row) => [`${row["tenant"]} ${row["user"]} ${row["device"]}`, Number(row["acked"])]),
    );
    for (const ack of asked) {
      const n = stands.get(`${ack.tenant} ${ack.user} ${ack.device}`);
      if (n !== undefined && n < Math.min(ack.n, head)) marks.addAck(ack);
      else ack.settle?.(true);
    }
  }

  function fail(batch: Batch, cause: unknown): void {
    isAvailable = false;
    onFault(cause);
    for (const ack of batch.acks) marks.addAck(ack);
    for (const read of batch.reads) marks.addRead(read);
    const waiting = [...batch.sends, ...sends.takeAll()];
    const waitingDevices = [...batch.devices, ...devices];
    devices = [];
    for (const { settle } of waiting) settle(unavailable);
    marks.giveUp();
    const error = new ChatError("unavailable", "The store did not confirm a commit", { cause });
    for (const { reject } of waitingDevices) reject(error);
    // Until it takes a commit again nobody else tries, so that an outage costs one attempt at a time.
    isProbeDue = false;
    if (isClosed || isProbeTimerSet) return;
    isProbeTimerSet = true;
    clock.after(probeDelayMs, startProbe);
    probeDelayMs = Math.min(2 * probeDelayMs, limits.storeProbeMs);
  }

  function startProbe(): void {
    isProbeTimerSet = false;
    if (isAvailable || isClosed) return;
    isProbeDue = true;
    schedule();
  }

  return {
    append(send: Send, settle: (outcome: Outcome) => void): void {
      if (isClosed || !isAvailable || sends.size() >= limits.commitQueueMax) return settle(unavailable);
      sends.push(send, settle);
      schedule();
    },

    ack({ tenant, user }: Identity, device: string, n: number, settle?: Settle): void {
      if (isClosed || (settle && !isAvailable)) return settle?.(false);
      marks.addAck({ tenant, user, device, n, settle });
    },

    read({ tenant, user }: Identity, conversation: string, seq: number, settle?: Settle): void {
      const key = decodeConversation(conversation);
      if (key === null || isClosed || (settle && !isAvailable)) return settle?.(false);
      marks.addRead({ tenant, user, conversation: key, seq, settle });
    },

    createDevice(identity: Identity, device: string): Promise<void> {
      return new Promise((resolve, reject) => {
        if (isClosed || !isAvailable)
          return reject(new ChatError("unavailable", "The store does not take commits now"));
        devices.push({ identity, device, resolve, reject });
        schedule();
      });
    },

    settled: (): Promise<void> => current,
    async drained(): Promise<void> {
      while (sends.size() > 0 || isScheduled) {
        await new Promise<void>((resolve) => clock.defer(resolve));
        await current;
      }
    },
    isAvailable: (): boolean => isAvailable,

    /** Commits all that waits, marks too, and takes nothing more. */
    async close(): Promise<void> {
      isClosed = true;
      for (let i = 0; i < closeCommitsMax && (hasWork() || isScheduled || !marks.isEmpty()); i++) {
        marks.hurry();
        schedule();
        await new Promise<void>((resolve) => clock.defer(resolve));
        await current;
        if (!isAvailable) break;
      }
      marks.giveUp();
    },
  };
}

/** The first question after a failure comes soon: most failures are over at once. */
const probeDelayMsMin = 20;

/** A shutdown tries this many commits, so that a store which fails cannot hold it for ever. */
const closeCommitsMax = 10_000;

export type Writer = ReturnType<typeof createWriter>;
