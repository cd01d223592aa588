import type { Due, Verdict } from "../store/push/due-store.ts";
import { parseQuietHours } from "../protocol/quiet-hours.ts";
import { type Decision, decide, decideClear, type PushDelays, type PushPresence } from "./decide.ts";
import type { Preview } from "./preview.ts";
import { createRequest, type RequestOptions } from "./request.ts";

export type DeliveryOptions = RequestOptions & {
  readonly delays: PushDelays;
  readonly presenceOf: (due: Due) => PushPresence;
  /** For how many milliseconds a log position has existed. */
  readonly ageOf: (n: number) => number;
  /**
   * The notice was due before this worker began, and the previous worker may have been killed after its request: the device may show it. If it was
   * not sent, a clear removes nothing and does no harm.
   */
  readonly isInherited: (due: Due) => boolean;
  readonly previewOf: Preview;
  /** When to try again: a time in milliseconds since the Unix epoch. */
  readonly retryAt: (attempts: number, afterMs: number) => number;
};

/** A notification that stays too long is a nuisance, not a loss: its clear is given up after a provider was down for an hour, not if it fails half of the time. */
const clearAttemptsMax = 24;

/** Handles one due notice: decides again with the newest facts, sends the request, and returns the verdict. */
export function createDelivery(options: DeliveryOptions) {
  const { clock, delays, presenceOf, ageOf, isInherited, previewOf, retryAt } = options;
  const request = createRequest(options);

  const addressOf = ({ expiresAt }: Due): "live" | "expired" =>
    expiresAt !== null && expiresAt <= clock.now() ? "expired" : "live";

  function decideOn(due: Due): Decision {
    const { message, n, seq, acked, read, isBlocked, isOff, mutedUntil, quietHours } = due;
    return decide(
      {
        now: clock.now(),
        message: { time: message?.time ?? 0, isDeleted: message === null },
        isAcked: acked >= n,
        isRead: read >= seq,
        presence: presenceOf(due),
        ageMs: ageOf(n),
        ...{ isBlocked, isOff, mutedUntil },
        quietHours: quietHours === null ? null : parseQuietHours(quietHours),
        address: addressOf(due),
      },
      delays,
    );
  }

  async function sendMessage(due: Due, badge: number): Promise<Verdict> {
    const content = await previewOf(due, badge);
    if (content === null) return await sendClear(due, badge, { decision: "drop", reason: "vetoed", answer: null });
    const ttlMs = Math.max(0, (due.message?.time ?? 0) + delays.expiryMs - clock.now());
    const result = await request(due, "message", { ...content, badge, ttlMs });
    switch (result.type) {
      case "sent":
        return { ...finished(due, "send", "sent", result.answer), shown: due.seq };
      case "dead":
        return { ...finished(due, "drop", "token_dead", result.answer), isDead: true };
      case "failed":
      case "unfit":
        return await sendClear(due, badge, { decision: "drop", reason: "failed", answer: result.answer });
      case "retry":
        return {
          due,
          until: retryAt(due.attempts, result.afterMs ?? 0),
          isDone: false,
          attempts: due.attempts + 1,
          log: { decision: "wait", reason: "retrying", answer: result.answer },
          // The device may show it now, and it must be removed later in any case.
          ...(result.isUncertain && { shown: due.seq }),
        };
    }
  }

  /** No message is sent; a notification that is shown may have to be removed. `log`: why no message is sent. */
  async function sendClear(due: Due, badge: number, log: Verdict["log"]): Promise<Verdict> {
    const done: Verdict = { due, until: null, isDone: true, attempts: 0, log };
    const { shown, read, acked, marksN, isBlocked } = due;
    const isRead = read >= shown;
    const isShown = shown > 0;
    switch (decideClear({ isShown, isRead, isBlocked, isAcked: acked >= marksN, address: addressOf(due) })) {
      case "keep":
        return done;
      case "forget":
        return { ...done, shown: 0 };
      case "clear": {
        const nothing = { title: "", body: "", data: {}, options: {}, badge, ttlMs: delays.expiryMs };
        const result = await request(due, "clear", nothing);
        if (result.type === "dead") return { ...done, isDead: true };
        if (result.type !== "retry" || due.attempts + 1 >= clearAttemptsMax) return { ...done, shown: 0 };
        return { ...done, until: retryAt(due.attempts, result.afterMs ?? 0), attempts: due.attempts + 1 };
      }
    }
  }

  async function carryOut(due: Due, badge: number): Promise<Verdict> {
    const decision = decideOn(due);
    switch (decision.type) {
      case "wait": {
        const log = { decision: "wait", reason: decision.reason, answer: null };
        return { due, until: decision.until, isDone: false, attempts: due.attempts, log };
      }
      case "drop":
        return await sendClear(due, badge, { decision: "drop", reason: decision.reason, answer: null });
      case "send":
        return await sendMessage(due, badge);
    }
  }

  return {
    /** Whether a request may follow: it needs the number at the app's icon. */
    isSending: (due: Due): boolean => due.first > due.seq || decideOn(due).type !== "wait",

    async deliver(due: Due, badge: number): Promise<Verdict> {
      if (due.first > due.seq) return await sendClear(due, badge, undefined);
      if (!isInherited(due)) return await carryOut(due, badge);
      // The device may show it, and it must be removed later in any case.
      const shown = Math.max(due.shown, due.seq);
      return { shown, ...(await carryOut({ ...due, shown }, badge)) };
    },
  };
}

const finished = (due: Due, decision: string, reason: string, answer: string | null): Verdict => ({
  ...{ due, until: null, isDone: true, attempts: 0 },
  log: { decision, reason, answer },
});
