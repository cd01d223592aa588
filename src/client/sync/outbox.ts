import { ClientError } from "../api.ts";
import type { ClientErrorCode, Message } from "../api.ts";
import type { Environment } from "../environment.ts";
import type { Frame, Link } from "../link/contract.ts";
import { VaultError } from "../vault/contract.ts";
import type { OutboxRow, Refusal, Target } from "../vault/rows.ts";
import { type Cache, targetKey } from "./cache.ts";
import type { Ids } from "./ids.ts";
import type { Keeper } from "./keeper.ts";

type Rejected = Extract<Frame, { type: "rejected" }>;

/** What the user has sent, until the server has answered for good. */
export interface Outbox {
  /** @throws ClientError `outbox_full`. */
  send(target: Target, text: string): { readonly id: string; readonly kept: Promise<void>; readonly accepted: Promise<Message> };
  retry(id: string): void;
  cancel(id: string): Promise<"cancelled" | "too-late">;
  edit(id: string, text: string): Promise<"edited" | "too-late">;
  /** True: it is under way on this connection. */
  isUnderWay(id: string): boolean;
  /** A connection has been greeted. */
  begin(window: number): void;
  end(): void;
  /** The server has accepted it: its message is about to be written. */
  answered(id: string): void;
  /** Its message is in the vault. */
  settled(message: Message): void;
  rejected(frame: Rejected): void;
  /** Another tab has changed the outbox. */
  changedElsewhere(): void;
}

export type OutboxOptions = {
  readonly clock: Environment["clock"];
  readonly ids: Ids;
  readonly cache: Cache;
  readonly keeper: Keeper;
  readonly link: Pick<Link, "send" | "probe" | "reconnect">;
  readonly onFault: (fault: unknown) => void;
  readonly onFailed: (row: OutboxRow, failed: Refusal) => void;
};

/** What is under way on one connection. */
type Connection = {
  readonly window: number;
  /** Sent here and not settled: `asked` until its answer, then `answered` until that is written. */
  readonly rows: Map<string, "asked" | "answered">;
  /** Nothing is sent before this, by `elapsed`: the server has refused a send for the time being, and all that follow it. */
  heldUntil: number;
};

type Waiting = { readonly resolve: (message: Message) => void; readonly reject: (fault: ClientError) => void };

const rowsMax = 1_000;
/** How long a send may stay unanswered before the connection is looked at. */
const answerMs = 8_000;
/** After this long a row that is not on disk is sent nevertheless. */
const stallMs = 2_000;
/** Rows of another tab are its own to send, for this long. */
const elsewhereMs = 1_500;
const holdMsDefault = 1_000;
/** How often the vault is looked at for rows of a tab that died before it could give a hint. */
const lookMs = 30_000;

export function createOutbox(options: OutboxOptions): Outbox {
  const { clock, ids, cache, keeper, link, onFault, onFailed } = options;
  const waiting = new Map<string, Waiting>();
  let connection: Connection | null = null;
  let isTrying = false;
  let cancelAnswerTimer: (() => void) | null = null;

  const later = (ms: number): void => void clock.after(ms, flush);

  /**
   * Sends what can be sent, in order: a row goes out only after every earlier one that waits has gone out on this connection, also those that
   * another tab may be sending. The server takes a message once.
   */
  function flush(): void {
    const of = connection;
    if (of === null || isTrying) return;
    for (const [id, state] of of.rows) if (state === "answered" && !cache.pending.has(id)) of.rows.delete(id);
    if (of.heldUntil > clock.elapsed()) return later(of.heldUntil - clock.elapsed());
    const isHeld = of.heldUntil > 0;
    if (isHeld && asked(of) > 0) return;
    of.heldUntil = 0;
    const untried: string[] = [];
    for (const [id, { row, stage }] of cache.pending) {
      if (row.failed !== undefined || of.rows.has(id)) continue;
      if (stage === "keeping" || asked(of) + untried.length >= of.window) break;
      if (!row.isTried && stage === "kept") {
        untried.push(id);
        continue;
      }
      if (untried.length > 0) break;
      of.rows.set(id, "asked");
      if (!link.send({ type: "send", id, ...wireTarget(row.target), text: row.text })) return void of.rows.delete(id);
    }
    if (untried.length > 0) return tryRows(untried);
    watchAnswers(of);
  }

  /** Another tab may have changed the outbox. */
  function readAgain(): void {
    keeper
      .vault()
      .outbox()
      .then((rows) => cache.syncOutbox(rows), onFault);
  }

  function lookAround(of: Connection): void {
    clock.after(lookMs, () => {
      if (connection !== of) return;
      readAgain();
      later(elsewhereMs);
      lookAround(of);
    });
  }

  const asked = (of: Connection): number => [...of.rows.values()].filter((state) => state === "asked").length;

  /** On disk as tried before they go out: after a crash nobody edits or cancels what the server may have. */
  function tryRows(untried: readonly string[]): void {
    isTrying = true;
    keeper
      .write({ outbox: untried.map((id) => ({ do: "try", id })) }, "strict")
      .then(() => true, (fault: unknown) => {
        onFault(fault);
        return false;
      })
      .then((isWritten) => {
        isTrying = false;
        if (isWritten) flush();
        else later(answerMs);
      }, onFault);
  }

  function watchAnswers(of: Connection): void {
    if (cancelAnswerTimer !== null || asked(of) === 0) return;
    const before = new Set(of.rows.keys());
    cancelAnswerTimer = clock.after(answerMs, () => {
      cancelAnswerTimer = null;
      if (connection !== of) return;
      if ([...of.rows].some(([id, state]) => state === "asked" && before.has(id))) link.probe();
      watchAnswers(of);
    });
  }

  function fail(id: string, failed: Refusal): void {
    keeper.write({ outbox: [{ do: "fail", id, failed }] }, "relaxed").then(({ outbox }) => {
      connection?.rows.delete(id);
      const row = outbox.get(id);
      if (row != null) onFailed(row, failed);
      end(id, new ClientError("refused", `${failed.code}: ${failed.message}`));
      flush();
    }, onFault);
  }

  function end(id: string, fault: ClientError): void {
    waiting.get(id)?.reject(fault);
    waiting.delete(id);
  }

  async function keep(row: OutboxRow): Promise<void> {
    const cancelStall = clock.after(stallMs, () => {
      if (cache.pending.get(row.id)?.stage !== "keeping") return;
      cache.setPending(row.id, { row, stage: "stalled" });
      flush();
    });
    try {
      await keeper.write({ outbox: [{ do: "add", row }], drafts: [[targetKey(row.target), null]] }, "strict");
    } catch (fault) {
      // Sent while the storage hung: it stays on screen until its answer.
      if (cache.pending.get(row.id)?.stage !== "stalled") cache.setPending(row.id, null);
      const error = storageError(fault);
      end(row.id, error);
      throw error;
    } finally {
      cancelStall();
    }
    flush();
  }

  function newRow(target: Target, text: string): OutboxRow {
    // On a connection it goes out at once, so that it counts as tried from the start: one write in place of two.
    return { id: ids.next(), kind: "send", target, text, time: clock.now(), isTried: connection !== null };
  }

  return {
    send(target, text) {
      if (cache.pending.size >= rowsMax) throw new ClientError("outbox_full", `${rowsMax} messages wait already`);
      const row = newRow(target, text);
      const accepted = new Promise<Message>((resolve, reject) => waiting.set(row.id, { resolve, reject }));
      cache.setPending(row.id, { row, stage: "keeping" });
      const kept = keep(row);
      // Nobody has to look at them: the thread shows the same.
      accepted.catch(() => {});
      kept.catch(() => {});
      return { id: row.id, kept, accepted };
    },
    retry(id) {
      keeper.write({ outbox: [{ do: "retry", id }] }, "strict").then(flush, onFault);
    },
    async cancel(id) {
      const { outbox } = await keeper.write({ outbox: [{ do: "cancel", id }] }, "strict");
      if (outbox.get(id) != null) return "too-late";
      end(id, new ClientError("cancelled", "The message was cancelled"));
      return "cancelled";
    },
    async edit(id, text) {
      const row = cache.pending.get(id)?.row;
      if (row?.failed !== undefined) {
        // Another text is another message: the server may remember the refused one.
        const fresh = newRow(row.target, text);
        await keeper.write({ outbox: [{ do: "cancel", id }, { do: "add", row: fresh }] }, "strict");
        flush();
        return "edited";
      }
      const { outbox } = await keeper.write({ outbox: [{ do: "edit", id, text }] }, "strict");
      return outbox.get(id)?.text === text ? "edited" : "too-late";
    },
    isUnderWay: (id) => connection?.rows.has(id) ?? false,
    begin(window) {
      connection = { window, rows: new Map(), heldUntil: 0 };
      lookAround(connection);
      flush();
    },
    end() {
      connection = null;
      cancelAnswerTimer?.();
      cancelAnswerTimer = null;
    },
    answered(id) {
      if (connection?.rows.has(id) !== true) return;
      connection.rows.set(id, "answered");
      // Its change may have come before: then nothing is written any more that would go on from here.
      flush();
    },
    settled(message) {
      waiting.get(message.id)?.resolve(message);
      waiting.delete(message.id);
      flush();
    },
    rejected({ id, code, message, retry, retryAfterMs }) {
      const of = connection;
      if (of === null || !of.rows.has(id)) return;
      if (retry === "never") {
        of.rows.set(id, "answered");
        return fail(id, { code, message });
      }
      of.rows.delete(id);
      of.heldUntil = Math.max(of.heldUntil, clock.elapsed() + (retryAfterMs ?? holdMsDefault));
      flush();
    },
    changedElsewhere() {
      readAgain();
      later(elsewhereMs);
    },
  };
}

const wireTarget = (target: Target): { to: string } | { conversation: string } =>
  "with" in target ? { to: target.with } : { conversation: target.conversation };

function storageError(fault: unknown): ClientError {
  const code: ClientErrorCode = fault instanceof VaultError && fault.fault === "full" ? "storage_full" : "storage_failed";
  return new ClientError(code, "The message could not be kept on this device", fault);
}
