import * as v from "valibot";
import type { Clock } from "../internal/clock.ts";
import { withDeadline } from "../internal/deadline.ts";
import type { Due } from "../store/push/due-store.ts";
import { contentFree } from "./fit.ts";
import { type PushOptions, pushOptions } from "./options.ts";

/** What a device is about to be told, for the host to change. Only `title`, `body`, `data` and `options` of its answer count. */
export type PushDraft = {
  readonly tenant: string;
  readonly user: string;
  /** Empty: the user, whatever the device. */
  readonly device: string;
  readonly provider: string;
  readonly conversation: string;
  readonly seq: number;
  readonly unread: number;
  readonly badge: number;
  readonly title: string;
  readonly body: string;
  readonly data: Readonly<Record<string, string>>;
  /** Default: none. One that is unknown, or out of its bounds, makes the whole answer nonsense. */
  readonly options?: PushOptions | undefined;
  /** The message itself, which is not sent: a preview is the host's choice. */
  readonly message: { readonly id: string; readonly from: string; readonly text: string; readonly time: number };
};

/** Rewrites what a device is told, or vetoes it with null. A throw, nonsense, or no answer in time: the draft goes out as it was. */
export type OnPush = (draft: PushDraft) => PushDraft | null | Promise<PushDraft | null>;

const shown = v.object({
  title: v.string(),
  body: v.string(),
  data: v.record(v.string(), v.string()),
  options: v.optional(pushOptions, {}),
});

export type Shown = v.InferOutput<typeof shown>;

export type DraftOptions = {
  readonly onPush?: OnPush | undefined;
  readonly clock: Clock;
  /** How long the host may think. */
  readonly answerMs: number;
  readonly report: (fault: unknown) => void;
};

/** What a device is shown; null: the host refuses it. */
export function createDrafts({ onPush, clock, answerMs, report }: DraftOptions) {
  return async (due: Due, badge: number): Promise<Shown | null> => {
    const { tenant, user, device, provider, conversation, seq, unread, message } = due;
    if (!onPush || !message) return contentFree;
    try {
      const draft = { tenant, user, device, provider, conversation, seq, unread, badge, ...contentFree, data: {} };
      const asked = Promise.resolve(onPush({ ...draft, message: { ...message } }));
      const answer = await withDeadline(asked, { clock, ms: answerMs, who: "onPush" });
      if (answer === null) return null;
      const parsed = v.safeParse(shown, answer);
      if (parsed.success) return parsed.output;
      // Only where it is wrong: what it says is not for the log.
      const at = v.getDotPath(parsed.issues[0]);
      throw new Error(`onPush answered no draft${at === null ? "" : `: ${at} is unknown, or not as it must be`}`);
    } catch (fault) {
      report(fault);
      return contentFree;
    }
  };
}
