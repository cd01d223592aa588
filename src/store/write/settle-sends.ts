import type { Batch, Waiting } from "./batch.ts";
import { createConversationIds, lookUpOwnConversations, lookUpSends, messageEntry } from "./batch.ts";
import type { Engine, Row } from "../engine/engine.ts";
import { integer, integerOrNull, textOrNull } from "../row.ts";
import { type KnownPairs, pairOf } from "./known-pairs.ts";
import { hashOfSend } from "./send-hash.ts";
import type { LogEntry } from "../../model.ts";
import type { Outcome, Refused } from "../store.ts";

export type Settled = {
  /** In the order of the batch. */
  readonly outcomes: readonly { readonly settle: (outcome: Outcome) => void; readonly outcome: Outcome }[];
  readonly entries: readonly LogEntry<"message">[];
};

const refuse = ({ settle }: Waiting, code: Refused["code"]) => ({
  settle,
  outcome: { type: "refused", code } as const,
});

export type SettleContext = { readonly engine: Pick<Engine, "write">; readonly pairs: Pick<KnownPairs, "forget"> };

/**
 * Determines the outcome of each send of a commit. `inserted`: the new messages.
 *
 * @throws Error The database has not got what it had before.
 */
export async function settleSends(
  { engine, pairs }: SettleContext,
  { batch: { sends, time }, inserted }: { readonly batch: Batch; readonly inserted: readonly Row[] },
): Promise<Settled> {
  const inOrder = [...inserted].sort((a, b) => integer(a, "n") - integer(b, "n"));
  const entries: LogEntry<"message">[] = [];
  const idOf = createConversationIds();
  const accept = (waiting: Waiting, row: Row, at: number, duplicate: boolean) => {
    const conversation = idOf(integer(row, "conversation"));
    const entry = messageEntry(waiting.send, { row, conversation, time: at });
    const { n, seq } = entry.change;
    if (!duplicate) entries.push(entry);
    const outcome: Outcome = { type: "accepted", n, conversation, seq, time: at, duplicate };
    return { settle: waiting.settle, outcome };
  };
  // The usual case: every send was new, so the rows are the batch in its order.
  if (inOrder.length === sends.length)
    return { outcomes: sends.map((waiting, i) => accept(waiting, inOrder[i] ?? {}, time, false)), entries };

  // A send that is missing counts as blocked, so it must not be missing because the database went back: only the answer to a write is certainly of
  // this history.
  const [existing = [], own = []] = await engine.write([lookUpSends(sends), lookUpOwnConversations(sends)]);
  // Another node may have written a send that was left out here: the entry is announced by that node's commit.
  const written = new Set(inserted.map((row) => integer(row, "n")));
  const rowOf = new Map(existing.map((row) => [integer(row, "i"), row]));
  const isInOwn = new Set(own.map((row) => integer(row, "i")));
  const isSame = await Promise.all(sends.map((waiting, i) => hasSameContent(waiting, rowOf.get(i))));
  const outcomes = sends.map((waiting, i) => {
    const row = rowOf.get(i);
    if (row) {
      return isSame[i]
        ? accept(waiting, row, integer(row, "time"), !written.has(integer(row, "n")))
        : refuse(waiting, "conflict");
    }
    const { refusal } = waiting.send;
    if (refusal !== undefined) return refuse(waiting, refusal);
    // A new send into a conversation of the sender's was left out for a block. The block may have ended since, but a retry of this send could be
    // overtaken by the sends that its sender has queued behind it.
    if (isInOwn.has(i)) return refuse(waiting, "blocked");
    const pair = pairOf(waiting.send);
    if (pair === null) return refuse(waiting, "not_found");
    pairs.forget(pair.name);
    // None of the commit is answered: a retry settles each send, and in order.
    throw new Error("The conversation of two users is no longer there: the database went back");
  });
  return { outcomes, entries };
}

/** Whether the message with a send's id was sent with the same content, even if its text has changed since. */
async function hasSameContent({ send: { text, mentions } }: Waiting, row: Row | undefined): Promise<boolean> {
  if (!row) return false;
  const conversation = integer(row, "conversation");
  if (conversation !== integerOrNull(row, "wanted")) return false;
  // Between two people there are no mentions.
  const isOfGroup = row["recipient"] === null;
  const mentioned = isOfGroup && mentions !== undefined ? JSON.stringify(mentions) : undefined;
  const hash = textOrNull(row, "hash");
  if (typeof hash !== "string")
    return textOrNull(row, "text") === text && textOrNull(row, "mentions") === (mentioned ?? null);
  return hash === (await hashOfSend({ conversation, text, ...(mentioned !== undefined && { mentions: mentioned }) }));
}
