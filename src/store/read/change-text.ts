import type { Statement } from "../engine/engine.ts";
import { hashOfSend, type SentContent } from "../write/send-hash.ts";
import * as logSql from "./log-sql.ts";

/**
 * The statement that changes the text of a message. Every feature that does so (edit, delete, erase) uses it, so that a retry of the send still
 * gets its first answer. `now`: the message as it was read, at change number `n`. It changes, and `n` is returned, only if it still has that text.
 * The first change stores the hash of the send; a message without a hash has the text that was sent.
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
  return { sql: logSql.changeText, args: [n, now.text, text, await hashOfSend(now)] };
}
