import * as v from "valibot";
import type { Clock } from "../internal/clock.ts";
import { withDeadline } from "../internal/deadline.ts";
import type { Due } from "../store/push/due-store.ts";
import { contentFree } from "./fit.ts";
import { type PushOptions, pushOptions } from "./options.ts";

/** A notification before it is sent, for the host to change. Only `title`, `body`, `data` and `options` of its answer count. */
export type PushDraft = {
  readonly tenant: string;
  readonly user: string;
  /** Empty: any device of the user. */
  readonly device: string;
  readonly provider: string;
  readonly conversation: string;
  readonly seq: number;
  readonly unread: number;
  readonly badge: number;
  readonly title: string;
  readonly body: string;
  readonly data: Readonly<Record<string, string>>;
  /** Default: none. An option that is unknown or out of its bounds makes the whole answer invalid. */
  readonly options?: PushOptions | undefined;
  /** The message itself. It is not sent: the host chooses what to show of it. */
  readonly message: { readonly id: string; readonly from: string; readonly text: string; readonly time: number };
};

/** Changes a notification, or refuses it with null. If it throws, answers nonsense, or does not answer in time, the draft is sent unchanged. */
export type OnPush = (draft: PushDraft) => PushDraft | null | Promise<PushDraft | null>;

const shown = v.object({
  title: v.string(),
  body: v.string(),
  data: v.record(v.string(), v.string()),
  options: v.optional(pushOptions, {}),
});

export type PreviewOptions = {
  readonly onPush?: OnPush | undefined;
  readonly clock: Clock;
  /** The deadline of `onPush`. */
  readonly answerMs: number;
  readonly report: (fault: unknown) => void;
};

/** The content that a device shows; null: the host refuses the notification. */
export type Preview = (due: Due, badge: number) => Promise<v.InferOutput<typeof shown> | null>;

export function createPreview({ onPush, clock, answerMs, report }: PreviewOptions): Preview {
  return async (due, badge) => {
    const { tenant, user, device, provider, conversation, seq, unread, message } = due;
    if (!onPush || !message) return contentFree;
    try {
      const draft = { tenant, user, device, provider, conversation, seq, unread, badge, ...contentFree, data: {} };
      const asked = Promise.resolve(onPush({ ...draft, message: { ...message } }));
      const answer = await withDeadline(asked, { clock, ms: answerMs, who: "onPush" });
      if (answer === null) return null;
      const parsed = v.safeParse(shown, answer);
      if (parsed.success) return parsed.output;
      // Names only the field: its value may be private, and must not be logged.
      const at = v.getDotPath(parsed.issues[0]);
      throw new Error(`onPush answered no draft${at === null ? "" : `: ${at} is unknown, or not as it must be`}`);
    } catch (fault) {
      report(fault);
      return contentFree;
    }
  };
}
