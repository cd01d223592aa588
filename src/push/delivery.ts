import type { Clock } from "../internal/clock.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Due, Verdict } from "../store/push/due-store.ts";
import { type Decision, decide, decideClear, type PushDelays, type PushPresence } from "./decide.ts";
import type { createDrafts } from "./preview.ts";
import { briefOf, type Content, fit, isSameContent, nothingOf } from "./fit.ts";
import { keyOf, tagOf } from "./request-id.ts";
import type { PushNotice, PushProvider, PushResult } from "./provider.ts";
import { parseQuietHours } from "../protocol/quiet-hours.ts";

export type DeliveryOptions = {
  readonly provider: PushProvider;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "pushAnswerMs">;
  /** The name of the log's history. */
  readonly historyName: () => string;
  readonly delays: PushDelays;
  readonly presenceOf: (due: Due) => PushPresence;
  readonly ageOf: (n: number) => number;
  /**
   * It is from before this worker began: the one before may have been killed while it told it. Or had not looked at it yet: then what is
   * taken away is not there, which does no harm.
   */
  readonly isInherited: (due: Due) => boolean;
  readonly draftOf: ReturnType<typeof createDrafts>;
  /** When to try again: a time in milliseconds since the Unix epoch. */
  readonly retryAt: (attempts: number, afterMs: number) => number;
  /** What a request has come to. */
  readonly onResult: (result: PushResult, notice: PushNotice) => void;
  /** A notice had to be cut. It is told once: many that are sent may be too long. */
  readonly onCut?: ((cut: PushCut) => void) | undefined;
  readonly report: (fault: unknown) => void;
};

/** That a provider does not take all that a device was to be told. */
export type PushCut = {
  readonly provider: string;
  /** `shortened`: as much as fits is told. `brief`, `content_free`: the provider has refused more. */
  readonly how: "shortened" | "brief" | "content_free";
  /** What the provider answered. */
  readonly answer?: string;
};

const answerCharsMax = 200;
/** Behind an answer, for whoever asks why. */
const cutTexts = { shortened: "shortened", brief: "cut to a line", content_free: "without its content" } as const;

/** Without an answer nobody knows whether the provider has taken it. */
type Result = PushResult & { readonly isUncertain?: boolean };

/** Takes one thing that is due as far as it goes: looks once more whether it is wanted, sends it, and says what has become of it. */
export function createDelivery(options: DeliveryOptions) {
  const { provider, clock, limits, delays, presenceOf, ageOf, isInherited, draftOf, retryAt, onResult, report } =
    options;
  const { historyName, onCut = () => {} } = options;
  const toldCuts = new Set<PushCut["how"]>();

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

  async function request(
    due: Due,
    kind: PushNotice["kind"],
    shown: Pick<PushNotice, "title" | "body" | "data" | "options" | "badge" | "ttlMs">,
  ): Promise<Result> {
    const { tenant, user, device, token, conversation, unread } = due;
    // What is taken away is all that it shows, read or not: a block is no read mark.
    const seq = kind === "message" ? due.seq : due.isBlocked ? Math.max(due.read, due.shown) : due.read;
    const [key, tag] = await Promise.all([keyOf(due, { kind, seq, history: historyName() }), tagOf(due)]);
    const notice: PushNotice = { kind, tenant, user, device, token, conversation, seq, unread, key, tag, ...shown };
    return kind === "message" ? await askWithLess(notice) : failedIfUnfit(await ask(notice));
  }

  /** Asks with as much as the provider takes: where it refuses that, with a line, and at last with nothing of it. Silence is no answer to a long text. */
  async function askWithLess(whole: PushNotice): Promise<Result> {
    const steps: readonly (readonly [PushCut["how"], (content: Content) => Content])[] = [
      ["shortened", (content) => content],
      ["brief", briefOf],
      ["content_free", nothingOf],
    ];
    let said: Content = whole;
    let result: Result | null = null;
    for (const [how, less] of steps) {
      const content = fit({ ...whole, ...less(said) }, fits);
      const isLess = !isSameContent(content, said);
      if (result !== null && !isLess) continue;
      if (isLess) tellCut(how, result?.answer);
      said = content;
      result = await ask({ ...whole, ...content });
      if (result.type !== "unfit") return isLess ? noted(result, how) : result;
    }
    return failedIfUnfit(result ?? { type: "failed", answer: "" });
  }

  /** A provider that cannot say is asked with the whole: it will answer. */
  function fits(notice: PushNotice): boolean {
    try {
      return provider.fits?.(notice) !== false;
    } catch (fault) {
      report(fault);
      return true;
    }
  }

  function tellCut(how: PushCut["how"], answer: string | undefined): void {
    if (toldCuts.has(how)) return;
    toldCuts.add(how);
    onCut({ provider: provider.name, how, ...(answer !== undefined && { answer }) });
  }

  async function ask(notice: PushNotice): Promise<Result> {
    const abort = new AbortController();
    let cancel = (): void => {};
    const late = new Promise<Result>((resolve) => {
      cancel = clock.after(limits.pushAnswerMs, () => {
        abort.abort();
        resolve({ type: "retry", answer: "no answer in time", isUncertain: true });
      });
    });
    try {
      const sent = provider.send(notice, { now: clock.now, signal: abort.signal });
      // What comes after the end is of no interest, and must not end the process.
      sent.catch(() => {});
      const result = await Promise.race([sent, late]);
      onResult(result, notice);
      return { ...result, answer: String(result.answer).slice(0, answerCharsMax) };
    } catch (fault) {
      report(fault);
      const result = { type: "retry", answer: "no answer", isUncertain: true } as const;
      onResult(result, notice);
      return result;
    } finally {
      cancel();
    }
  }

  async function sendMessage(due: Due, badge: number): Promise<Verdict> {
    const shown = await draftOf(due, badge);
    if (shown === null) return await sendClear(due, badge, { decision: "drop", reason: "vetoed", answer: null });
    const ttlMs = Math.max(0, (due.message?.time ?? 0) + delays.expiryMs - clock.now());
    const result = await request(due, "message", { ...shown, badge, ttlMs });
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
          // It may show it now: whatever comes, it will have to be taken away.
          ...(result.isUncertain && { shown: due.seq }),
        };
    }
  }

  /** There is nothing to tell, but perhaps a notification to take away. `log`: why there is nothing to tell. */
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

  /** Whether a request may follow: then the number at the app's icon is wanted. */
  const isSending = (due: Due): boolean => due.first > due.seq || decideOn(due).type !== "wait";

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
    isSending,
    async deliver(due: Due, badge: number): Promise<Verdict> {
      if (due.first > due.seq) return await sendClear(due, badge, undefined);
      if (!isInherited(due)) return await carryOut(due, badge);
      // It may be shown: whatever comes of it now, it will have to be taken away.
      const shown = Math.max(due.shown, due.seq);
      return { shown, ...(await carryOut({ ...due, shown }, badge)) };
    },
  };
}

/** The answer of a provider, with what had to be left out. */
const noted = (result: Result, how: PushCut["how"]): Result => {
  const note = ` (${cutTexts[how]})`;
  return { ...result, answer: `${result.answer.slice(0, answerCharsMax - note.length)}${note}` };
};

/** There is nothing less to say. */
const failedIfUnfit = (result: Result): Result =>
  result.type === "unfit" ? { type: "failed", answer: result.answer } : result;

/** A notification that outlives its end is a nuisance, not a loss: it is given up where a provider was down for an hour, not where it fails half of the time. */
const clearAttemptsMax = 24;

const finished = (due: Due, decision: string, reason: string, answer: string | null): Verdict => ({
  ...{ due, until: null, isDone: true, attempts: 0 },
  log: { decision, reason, answer },
});
