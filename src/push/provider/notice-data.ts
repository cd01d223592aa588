import type { PushNotice } from "../provider.ts";

/**
 * The data of a notice for the app. Our entries replace the host's of the same name. A lone surrogate, which providers refuse, is replaced. If the system
 * shows nothing, title and body are in the data.
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
