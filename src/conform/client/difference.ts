import { show } from "../check.ts";
import { type Link, toClient } from "./link.ts";
import type { Dump, ShownMessage } from "./program.ts";

/** A message as `GET /messages` answers it. */
export type HistoryMessage = ShownMessage & { readonly to: string };

/** Conversations that the kit makes up begin so: nothing of them is compared. */
export const madeUp = "made-up-";

export type Compared = {
  readonly dump: Dump;
  readonly history: readonly HistoryMessage[];
  /** Texts that the client said it keeps. */
  readonly kept: readonly { readonly text: string }[];
  readonly links: readonly Link[];
  /** What came before the first frame of this device may be missing. */
  readonly isLater: boolean;
};

const keyOf = ({ conversation, seq }: { readonly conversation?: string; readonly seq?: number }): string =>
  `${conversation} ${seq}`;

/** The first difference between what a client keeps and what the server has, as a sentence; null: none. */
export function differenceOf({ dump, history, kept, links, isLater }: Compared): string | null {
  const byKey = new Map(history.map((message) => [keyOf(message), message]));
  const own = dump.messages.filter(({ conversation }) => !conversation.startsWith(madeUp));
  const seen = new Set<string>();
  const last = new Map<string, number>();
  for (const message of own) {
    const key = keyOf(message);
    if (seen.has(key)) return `the client keeps message ${key} twice`;
    seen.add(key);
    const known = byKey.get(key);
    if (known === undefined) return `the client keeps ${show(message)}, which the server does not have`;
    for (const name of ["id", "from", "text"] as const)
      if (message[name] !== known[name])
        return `${name} of message ${key} is ${show(message[name])}, and ${show(known[name])} on the server`;
    if (message.seq <= (last.get(message.conversation) ?? 0)) return `message ${key} is kept out of order`;
    last.set(message.conversation, message.seq);
  }
  const wanted = isLater ? history.filter((message) => wasSent(message, links)) : history;
  const missing = wanted.find((message) => !seen.has(keyOf(message)));
  if (missing !== undefined) return `the client lacks ${show(missing)}`;
  const [waiting] = dump.outbox;
  if (waiting !== undefined) return `${show(waiting.text)} still waits to be sent`;
  for (const { text } of kept) {
    const count = history.filter((message) => message.text === text).length;
    if (count !== 1) return `the server has ${show(text)} ${count} times in place of once`;
  }
  return null;
}

/** Whether it was sent to this device. */
const wasSent = (message: HistoryMessage, links: readonly Link[]): boolean =>
  links.some((link) =>
    toClient(link).some(
      (frame) =>
        (frame.type === "accepted" && keyOf(frame) === keyOf(message)) ||
        frame.changes?.some((change) => change.kind === "message" && keyOf(change) === keyOf(message)),
    ),
  );
