import type { PushNotice } from "../provider.ts";

/**
 * What an app reads of a notice. The host's own entries come first: where one has a name of ours, ours stands. Text that was cut within a
 * character is mended, since providers refuse it. Where the system shows nothing, title and body are for the app.
 */
export function noticeData(notice: PushNotice): Readonly<Record<string, string>> {
  const { data, conversation, seq, unread, badge, tag, kind, title, body, options } = notice;
  return {
    ...Object.fromEntries(Object.entries(data).map(([name, value]) => [name.toWellFormed(), value.toWellFormed()])),
    ...(options.dataOnly === true && { title: title.toWellFormed(), body: body.toWellFormed() }),
    conversation,
    seq: String(seq),
    unread: String(unread),
    badge: String(badge),
    tag,
    kind,
  };
}
