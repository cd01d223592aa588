import { ChatError } from "../../error.ts";
import type { Clock } from "../../internal/clock.ts";
import type { Random } from "../../internal/random.ts";
import type { Identity } from "../../model.ts";
import { decodeConversation } from "../../protocol/conversation-id.ts";
import { levelMin } from "../../protocol/level.ts";
import type { Limits } from "../../protocol/limits.ts";
import { type Ack, type Batch, relationsIn, type WaitingDevice, writeSteps } from "./batch.ts";
import { createMarks } from "./marks.ts";
import { entriesOf } from "../read/log-rows.ts";
import { createSendQueue } from "./send-queue.ts";
import type { Engine, Row } from "../engine/engine.ts";
import { isDamage } from "../engine/failure.ts";
import { createRelationQueue, tooManyRelations } from "./relation-queue.ts";
import { settleSends } from "./settle-sends.ts";
import type { OneHistory } from "../one-history.ts";
import * as sql from "../sql.ts";
import type { AckedTo, Commit, Outcome, Said, Send, Settle } from "../store.ts";

export type WriterOptions = {
  readonly engine: Engine;
  /** Told of each head that a commit found. */
  readonly history: Pick<OneHistory, "note" | "cursorOf">;
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
export function createWriter({ engine, history, clock, random, limits, onCommit, onFault }: WriterOptions) {
  const sends = createSendQueue({ clock, limits });
  let devices: WaitingDevice[] = [];
  const relations = createRelationQueue({ saidMax: limits.commitMarksMax, rowsMax: limits.commitRelationRowsMax });
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
  /** The database is damaged: a commit that succeeds says nothing of what it stands on. */
  let isHalted = false;
  let current: Promise<void> = Promise.resolve();

  const hasWork = (): boolean =>
    isProbeDue || sends.size() > 0 || devices.length > 0 || relations.size() > 0 || marks.isDue();

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
    const taken = { sends: sends.take(), relations: relations.take(), ...marks.take() };
    return { ...taken, devices: devices.splice(0, limits.commitDevicesMax), time: clock.now() };
  }

  async function commit(): Promise<void> {
    const batch = takeBatch();
    const steps = writeSteps(batch, { newKey: () => 1 + random.integer(), limits });
    if (isProbeDue) steps.push(...probe);
    let found: Map<string, Row[]>;
    let settled: Awaited<ReturnType<typeof settleSends>>;
    let from: number;
    try {
      const results = await engine.write(steps.map((step) => step.statement));
      found = new Map(steps.map((step, i) => [step.name, results[i] ?? []]));
      const before = history.cursorOf(found.get("before")?.[0]);
      history.note(before);
      from = before.n;
      settled = await settleSends(engine, batch, found.get("messages") ?? []);
    } catch (cause) {
      fail(batch, cause);
      return;
    }
    isAvailable = !isHalted;
    isProbeDue = false;
    probeDelayMs = probeDelayMsMin;
    marks.resume();
    const rowsOf = (name: string): Row[] => found.get(name) ?? [];
    const after = history.cursorOf(found.get("after")?.[0]);
    const to = after.n;
    requeueAcks(batch.acks, found.get("acked") ?? [], to);
    for (const { settle, outcome } of settled.outcomes) settle(outcome);
    for (const { resolve } of batch.devices) resolve();
    answerRelations(batch, rowsOf("refused"));
    for (const { settle } of batch.reads) settle?.(true);
    if (to > from) onCommit({ from, to, entries: entriesOf({ rowsOf, sent: settled.entries }) });
  }

  function answerRelations(batch: Batch, refused: readonly Row[]): void {
    const said = relationsIn(batch.relations);
    const calls = new Set(refused.map((row) => said[Number(row["i"])]?.call));
    for (const call of batch.relations) {
      if (calls.has(call)) call.reject(tooManyRelations(limits.relationsMax));
      else call.resolve();
    }
  }

  /** What a commit has left of an ack goes into the next one. A device that has been forgotten and still acks is made again. */
  function requeueAcks(asked: readonly Ack[], acked: readonly Row[], head: number): void {
    const stands = new Map(
      acked.map((row) => [`${row["tenant"]} ${row["user"]} ${row["device"]}`, Number(row["acked"])]),
    );
    for (const ack of asked) {
      const n = stands.get(`${ack.tenant} ${ack.user} ${ack.device}`);
      if (n === undefined && !ack.isAgain) makeAgain(ack);
      else if (n !== undefined && n < Math.min(ack.n, head)) marks.addLeft(ack);
      else ack.settle?.(n !== undefined);
    }
  }

  function makeAgain(ack: Ack): void {
    const { tenant, user, device, n, level } = ack;
    devices.push({
      identity: { tenant, user },
      device,
      after: n,
      level,
      resolve: () => marks.addLeft({ ...ack, isAgain: true }),
      reject: () => ack.settle?.(false),
    });
  }

  function fail(batch: Batch, cause: unknown): void {
    isAvailable = false;
    onFault(cause);
    giveUp(batch, cause);
    // Until it takes a commit again nobody else tries, so that an outage costs one attempt at a time.
    isProbeDue = false;
    isHalted ||= isDamage(cause);
    if (isClosed || isHalted || isProbeTimerSet) return;
    isProbeTimerSet = true;
    clock.after(probeDelayMs, startProbe);
    probeDelayMs = Math.min(2 * probeDelayMs, limits.storeProbeMs);
  }

  /** Answers all that waits that it is not known. */
  function giveUp(batch: Batch, cause: unknown): void {
    for (const ack of batch.acks) marks.addAck(ack);
    for (const read of batch.reads) marks.addRead(read);
    const waiting = [...batch.sends, ...sends.takeAll()];
    const others = [...batch.devices, ...devices, ...batch.relations, ...relations.takeAll()];
    devices = [];
    for (const seen of batch.seen) marks.addSeen(seen);
    for (const { settle } of waiting) settle(unavailable);
    marks.giveUp();
    const error = new ChatError("unavailable", "The store did not confirm a commit", { cause });
    for (const { reject } of others) reject(error);
  }

  function startProbe(): void {
    isProbeTimerSet = false;
    if (isAvailable || isClosed || isHalted) return;
    isProbeDue = true;
    schedule();
  }

  return {
    append(send: Send, settle: (outcome: Outcome) => void): void {
      if (isClosed || !isAvailable || sends.size() >= limits.commitQueueMax) return settle(unavailable);
      sends.push(send, settle);
      schedule();
    },

    ack({ tenant, user }: Identity, device: string, upTo: number | AckedTo, settle?: Settle): void {
      if (isClosed || (settle && !isAvailable)) return settle?.(false);
      const place =
        typeof upTo === "number" ? { n: upTo, logN: upTo } : { n: upTo.n, logN: upTo.n, level: upTo.level ?? levelMin };
      marks.addAck({ tenant, user, device, ...place, settle });
    },

    ackList({ tenant, user }: Identity, device: string, upTo: number | AckedTo, settle?: Settle): void {
      if (isClosed || (settle && !isAvailable)) return settle?.(false);
      marks.addAck({ tenant, user, device, n: typeof upTo === "number" ? upTo : upTo.n, settle });
    },

    read({ tenant, user }: Identity, conversation: string, seq: number, settle?: Settle): void {
      const key = decodeConversation(conversation);
      if (key === null || isClosed || (settle && !isAvailable)) return settle?.(false);
      marks.addRead({ tenant, user, conversation: key, seq, settle });
    },

    /** `after`: where it says that it stands; `level`: at which it syncs. */
    createDevice(
      identity: Identity,
      device: string,
      { after, level }: Pick<WaitingDevice, "after" | "level"> = {},
    ): Promise<void> {
      return new Promise((resolve, reject) => {
        if (isClosed || !isAvailable)
          return reject(new ChatError("unavailable", "The store does not take commits now"));
        devices.push({ identity, device, after, level, resolve, reject });
        schedule();
      });
    },

    /** `present`: how many relations the user has. */
    relate(identity: Identity, said: readonly Said[], { present }: { readonly present: number }): Promise<void> {
      if (isClosed || !isAvailable)
        return Promise.reject(new ChatError("unavailable", "The store does not take commits now"));
      const stored = relations.push(identity, said, present);
      schedule();
      return stored;
    },

    seen({ tenant, user }: Identity, time: number): void {
      if (!isClosed) marks.addSeen({ tenant, user, time });
    },

    /** Takes nothing more, and answers what waits as after a failure. Resolves once no commit is under way. */
    async abandon(): Promise<void> {
      isClosed = true;
      isAvailable = false;
      const error = new ChatError("unavailable", "The database has another history now");
      const others = [...devices, ...relations.takeAll()];
      devices = [];
      for (const { settle } of sends.takeAll()) settle(unavailable);
      for (const { reject } of others) reject(error);
      marks.giveUp();
      await current;
    },

    settled: (): Promise<void> => current,
    async drained(): Promise<void> {
      while (sends.size() > 0 || isScheduled) {
        await new Promise<void>((resolve) => clock.defer(resolve));
        await current;
      }
    },
    isAvailable: (): boolean => isAvailable,

    /** A read has shown that the database is damaged: takes nothing more, until the process is started again. */
    halt(cause: unknown): void {
      if (isHalted) return;
      isHalted = true;
      isAvailable = false;
      giveUp(takeBatch(), cause);
    },

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
