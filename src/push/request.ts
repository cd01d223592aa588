import type { Clock } from "../internal/clock.ts";
import type { Limits } from "../protocol/limits.ts";
import type { Due } from "../store/push/due-store.ts";
import { briefOf, type Content, fit, isSameContent, nothingOf } from "./fit.ts";
import type { PushNotice, PushProvider, PushResult } from "./provider.ts";
import { base64url } from "jose";
import { sha256 } from "../internal/sha256.ts";

export type RequestOptions = {
  readonly provider: PushProvider;
  readonly clock: Clock;
  readonly limits: Pick<Limits, "pushAnswerMs">;
  /** The name of the log's history. */
  readonly historyName: () => string;
  readonly onResult: (result: PushResult, notice: PushNotice) => void;
  /** A notice had to be cut. Reported once for each way of cutting: many notices may be too long. */
  readonly onCut?: ((cut: PushCut) => void) | undefined;
  readonly report: (fault: unknown) => void;
};

/** A provider does not take the whole content of a notice. */
export type PushCut = {
  readonly provider: string;
  /** `shortened`: as much as fits is sent. `brief`, `content_free`: the provider has refused more. */
  readonly how: "shortened" | "brief" | "content_free";
  /** The answer of the provider. */
  readonly answer?: string;
};

/** `isUncertain`: there was no answer, and the provider may have taken the notice. */
export type Result = PushResult & { readonly isUncertain?: boolean };

const answerCharsMax = 200;
/** Follows the answer where `explain` shows it. */
const cutTexts = { shortened: "shortened", brief: "cut to a line", content_free: "without its content" } as const;

/** Asks a provider to show or remove a notification. Never rejects. */
export function createRequest({ provider, clock, limits, historyName, onResult, onCut, report }: RequestOptions) {
  const reportedCuts = new Set<PushCut["how"]>();

  /** Sends as much as the provider takes: if it refuses the whole, a line, and at last no content. No answer does not mean that the text is too long. */
  async function askWithLess(whole: PushNotice): Promise<Result> {
    const steps: readonly (readonly [PushCut["how"], (content: Content) => Content])[] = [
      ["shortened", (content) => content],
      ["brief", briefOf],
      ["content_free", nothingOf],
    ];
    let sent: Content = whole;
    let result: Result | null = null;
    for (const [how, less] of steps) {
      const content = fit({ ...whole, ...less(sent) }, fits);
      const isLess = !isSameContent(content, sent);
      if (result !== null && !isLess) continue;
      if (isLess) reportCut(how, result?.answer);
      sent = content;
      result = await ask({ ...whole, ...content });
      if (result.type !== "unfit") return isLess ? withNote(result, how) : result;
    }
    return failedIfUnfit(result ?? { type: "failed", answer: "" });
  }

  /** If `fits` throws, the provider gets the whole notice, and answers whether it is too long. */
  function fits(notice: PushNotice): boolean {
    try {
      return provider.fits?.(notice) !== false;
    } catch (fault) {
      report(fault);
      return true;
    }
  }

  function reportCut(how: PushCut["how"], answer: string | undefined): void {
    if (reportedCuts.has(how)) return;
    reportedCuts.add(how);
    onCut?.({ provider: provider.name, how, ...(answer !== undefined && { answer }) });
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
      // A rejection after the deadline must not end the process.
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

  return async function request(
    due: Due,
    kind: PushNotice["kind"],
    content: Pick<PushNotice, "title" | "body" | "data" | "options" | "badge" | "ttlMs">,
  ): Promise<Result> {
    const { tenant, user, device, token, conversation, unread } = due;
    // A clear removes all that is read; after a block all that is shown, because a block moves no read mark.
    const seq = kind === "message" ? due.seq : due.isBlocked ? Math.max(due.read, due.shown) : due.read;
    const [key, tag] = await Promise.all([keyOf(due, { kind, seq, history: historyName() }), tagOf(due)]);
    const notice: PushNotice = { kind, tenant, user, device, token, conversation, seq, unread, key, tag, ...content };
    return kind === "message" ? await askWithLess(notice) : failedIfUnfit(await ask(notice));
  };
}

/** Adds to the answer that the content was cut. */
const withNote = (result: Result, how: PushCut["how"]): Result => {
  const note = ` (${cutTexts[how]})`;
  return { ...result, answer: `${result.answer.slice(0, answerCharsMax - note.length)}${note}` };
};

/** There is no shorter content. */
const failedIfUnfit = (result: Result): Result =>
  result.type === "unfit" ? { type: "failed", answer: result.answer } : result;

type Keyed = { readonly kind: PushNotice["kind"]; readonly seq: number; readonly history: string };

/**
 * The UUID of a request for one address, conversation and message. A repeat after a crash has the same one, so that a provider can ignore it. It
 * includes the user, because the number and the token of a deleted address may belong to the next one; and the message's id, or for a clear the
 * name of the history, because after a restore another message may have the same seq.
 */
async function keyOf(
  { address, hash, user, conversation, message }: Due,
  { kind, seq, history }: Keyed,
): Promise<string> {
  const one = kind === "message" ? (message?.id ?? "") : history;
  const hex = await sha256(`${kind} ${address} ${hash} ${user} ${conversation} ${seq} ${one}`);
  // A UUID of our own making (RFC 9562 version 8).
  const variant = ((parseInt(hex[16] ?? "0", 16) & 3) | 8).toString(16);
  return [
    ...[hex.slice(0, 8), hex.slice(8, 12), `8${hex.slice(13, 16)}`],
    ...[`${variant}${hex.slice(17, 20)}`, hex.slice(20, 32)],
  ].join("-");
}

/** The tag of a conversation: a newer notification replaces an older one. A provider learns nothing from it. As long as a Topic may be (RFC 8030 section 5.4). */
async function tagOf({ tenant, conversation }: Pick<Due, "tenant" | "conversation">): Promise<string> {
  const hex = await sha256(`${tenant} ${conversation}`);
  return base64url.encode(Uint8Array.from({ length: 24 }, (_, i) => parseInt(hex.slice(2 * i, 2 * i + 2), 16)));
}
