import type { Statement } from "../engine/engine.ts";
import { hashOfSend, type SentContent } from "../write/send-hash.ts";
import * as sql from "../sql.ts";

/**
 * The statement that changes the text of a message: every feature that does so (edit, delete, erase) goes through it, so that a retry of the send still
 * gets its first answer. `now`: the message as it was read, at change number `n`; it changes only if that still is its text, and returns its `n` then.
 * The first change keeps the hash of the send; until then the text is the one that was sent.
 *
 * @example
 * const [[changed] = []] = await engine.write([await changeText({ n, now: { conversation: 7, text: "hi" }, text: "" })]);
 */
export async function changeText(change: {
  readonly n: number;
  readonly now: SentContent;
  readonly text: string;
}): Promise<Statement> {
  const { n, now, text } = change;
  return { sql: sql.changeText, args: [n, now.text, text, await hashOfSend(now)] };
}
