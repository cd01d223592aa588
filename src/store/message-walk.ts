/**
 * How messages are found in their conversation. Every sixteenth message of a conversation is a mark, which is indexed by its seq and by its n; from a mark the
 * others are reached by `prev`, the n of the message before. So a commit writes an entry of these indexes with every sixteenth message only.
 */

/** Whether message `m` is a mark. Its text is that of the indexes. */
export const isMark = (m: string): string => `(${m}.seq % 16 = 0)`;

type In = { readonly conversation: string };

/** The n of the first mark after an n. */
export const nextMark = ({ conversation, n }: In & { readonly n: string }): string => `(
  SELECT k.n FROM tidings_message k INDEXED BY tidings_message_mark
  WHERE k.conversation = ${conversation} AND ${isMark("k")} AND k.n > ${n} ORDER BY k.n LIMIT 1)`;

/** The n of the first message at or above a seq from which one can go back to it: the first mark, or the last message at `last`. */
export const entryAt = ({
  conversation,
  seq,
  last,
}: In & { readonly seq: string; readonly last: string }): string => `coalesce((
  SELECT k.n FROM tidings_message k INDEXED BY tidings_message_place
  WHERE k.conversation = ${conversation} AND ${isMark("k")} AND k.seq >= ${seq} ORDER BY k.seq LIMIT 1), ${last})`;

type Range = In & { readonly from: string; readonly to: string; readonly last: string };

/** The messages of a conversation whose last one is at `last`, from seq `to` down to above seq `from`: the columns n, seq, sender. */
export const messagesBetween = ({ conversation, from, to, last }: Range): string => `
  WITH RECURSIVE back(n, conversation, seq, sender, prev) AS (
    SELECT m.n, m.conversation, m.seq, m.sender, m.prev FROM tidings_message m
    WHERE ${to} > ${from} AND m.n = ${entryAt({ conversation, seq: to, last })}
    UNION ALL
    SELECT m.n, m.conversation, m.seq, m.sender, m.prev FROM back b CROSS JOIN tidings_message m ON m.n = b.prev
    WHERE b.seq > ${from} + 1
  )
  SELECT b.n, b.seq, b.sender FROM back b WHERE b.seq <= ${to} AND b.seq > ${from}`;

/** The n of the message at a seq. */
export const messageAt = ({ conversation, seq }: In & { readonly seq: string }): string => `(
  SELECT x.n FROM (${messagesBetween({
    ...{ conversation, from: `${seq} - 1`, to: seq },
    last: `(SELECT c.n FROM tidings_conversation c WHERE c.key = ${conversation} AND c.seq >= ${seq})`,
  })}) x)`;
