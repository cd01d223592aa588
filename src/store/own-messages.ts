/**
 * The messages of users in a range of the log: those that they sent and those that they received. No index leads from a user to their messages. The way is chosen
 * for each user by what it costs: either all rows of the log in the range are looked at, or the user's conversations that changed in it.
 */

import { nextMark } from "./message-walk.ts";

/** A conversation's period: its last message is among 2 ** 18 change numbers. The two indexes by it change as rarely. */
export const periodOf = (n: string): string => `(${n} >> 18)`;

/** Of users with more conversations than this in the range, on one side of the pair, the rows of the log are looked at. Fewer, where few messages are wanted. */
export const conversationsMax = 2_000;
/** How many rows of the log one statement looks at. */
export const logRowsMax = 8_192;
/** Of both at most so many for each message that is wanted. */
const perMessage = 8;
/** A conversation costs about as much as this many rows of the log. */
export const rowsPerConversation = 8;

/**
 * Of each conversation two marks are looked at, and for all of the user's together a mark for so many messages that are wanted: where every sixteenth message is a mark, more than enough if all
 * have as many new ones. Of one with more the rest follows on the next page.
 */
const marksSpread = 4;
/** To walk back from a mark costs about as much as to look at so many rows of the log. */
const rowsPerMark = 128;

const sides = ["low", "high"] as const;

/** How many conversations user `user` has that changed in the period of `n` or later; up to one more than `conversationsMax`, of each side. Reads an index alone. */
export const conversationsSince = ({ user, n }: { readonly user: string; readonly n: string }): string =>
  sides
    .map(
      (
        side,
      ) => `(SELECT count(*) FROM (SELECT 1 FROM tidings_conversation c INDEXED BY tidings_conversation_${side}_period
    WHERE c.${side} = ${user} AND c.period >= ${periodOf(n)} LIMIT ${conversationsMax + 1}))`,
    )
    .join(" + ");

/** The change number of the last message in the first `most` of these conversations, of each side. */
export const newestMessage = ({ user, n }: { readonly user: string; readonly n: string }, most: number): string =>
  `max(${sides
    .map(
      (
        side,
      ) => `coalesce((SELECT max(x.n) FROM (SELECT c.n FROM tidings_conversation c INDEXED BY tidings_conversation_${side}_period
    WHERE c.${side} = ${user} AND c.period >= ${periodOf(n)} LIMIT ${most}) x), 0)`,
    )
    .join(", ")})`;

/** How many rows of the log may be looked at for `most` messages. */
export const logRowsFor = (most: string): string => `min(${logRowsMax}, 32 + ${perMessage} * ${most})`;

/** Whether there are more conversations than may be looked at for `most` messages. */
export const isTooMany = (conversations: string, most: string): string =>
  `${conversations} > min(${conversationsMax}, 32 + ${perMessage} * ${most})`;

export type WayOptions = {
  readonly after: number;
  readonly until: number;
  /** How many of the user's conversations may have something new. */
  readonly conversations: number;
  /** How many entries are wanted. */
  readonly most: number;
  /** A conversation costs about as much as so many rows. */
  readonly rowsPerConversation: number;
};

/** Whether user `user` has sent or received message `m`, to or from one other. */
export const isDirectOf = (user: string, m: string): string =>
  `${m}.recipient IS NOT NULL AND ${user} IN (${m}.sender, ${m}.recipient)`;

type Range = Readonly<Record<"from" | "to" | "conversations" | "logRows", string>>;

/** The way to what is new for a user, chosen as in SQL (`isCheapToScan`, `isTooMany`). Rows: of the log, up to there. */
export function wayOf({ after, until, conversations, most, rowsPerConversation: each }: WayOptions) {
  if (until - after <= Math.min(logRowsMax, 32 + each * conversations)) return { rowsUpTo: until };
  if (conversations > Math.min(conversationsMax, 32 + perMessage * most))
    return { rowsUpTo: Math.min(until, after + logRowsMax) };
  return "conversations";
}

/** Whether all rows of a range of the log are looked at sooner than the conversations that may have changed in it. */
export const isCheapToScan = ({ from, to, conversations, logRows }: Range): string =>
  `${to} - ${from} <= min(${logRows}, 32 + ${rowsPerConversation} * (${conversations}))`;

/** The conversations of two that changed, for `walkMessages`. */
const changedDirects = sides
  .map(
    (side) => `
  SELECT w.i, w.after, w.until, w.conversations, c.key AS conversation, c.n AS last
  FROM way w CROSS JOIN tidings_conversation c INDEXED BY tidings_conversation_${side}_period ON c.${side} = w.user AND c.period >= ${periodOf("w.after")}
  WHERE w.scanned IS NULL AND c.n > w.after${side === "high" ? " AND c.low < c.high" : ""}`,
  )
  .join(" UNION ALL");

/** What is walked: the conversations that changed, each with its range of the log, and which rows of the log are among them. */
export type Walked = { readonly changed: string; readonly isOwn: (user: string, m: string) => string };
const directs: Walked = { changed: changedDirects, isOwn: isDirectOf };

/** The rest of `ownMessages`, behind `way (i, user, after, until, conversations, scanned)`; `scanned`: up to where the rows of the log are looked at, or NULL: the conversations are. */
export const walkMessages = (most: string, { changed, isOwn }: Walked = directs): string => `
changed AS MATERIALIZED (${changed}
), mark(i, until, conversation, last, floor, floor_seq, n, seq, left) AS MATERIALIZED (
  SELECT c.i, c.until, c.conversation, c.last, c.after, NULL, k.n, k.seq, 2 + ${most} / (${marksSpread} * max(1, c.conversations))
  FROM changed c LEFT JOIN tidings_message k ON k.n = ${nextMark({ conversation: "c.conversation", n: "c.after" })}
  UNION ALL
  SELECT p.i, p.until, p.conversation, p.last, p.n, p.seq, k.n, k.seq, p.left - 1
  FROM mark p LEFT JOIN tidings_message k ON k.n = ${nextMark({ conversation: "p.conversation", n: "p.n" })}
  WHERE p.n < p.until AND p.n < p.last AND p.left > 0
), full_at AS MATERIALIZED (
  SELECT x.i, count(*) AS marks, min(CASE WHEN x.found > ${most} OR (x.left = 0 AND x.n < x.last) THEN x.n END) AS n FROM (
    SELECT k.i, k.n, k.left, k.last,
      sum(CASE WHEN k.n IS NULL THEN 0 ELSE coalesce(k.seq - k.floor_seq, 1) END) OVER (PARTITION BY k.i ORDER BY k.n) AS found FROM mark k
  ) x GROUP BY x.i
), bound AS MATERIALIZED (
  SELECT r.i, r.user, r.after, r.until, r.up_to, r.is_scanned OR r.up_to - r.after <= ${rowsPerMark} * r.marks AS is_dense FROM (
    SELECT w.i, w.user, w.after, w.until, min(w.until, coalesce(f.n, w.scanned, w.until)) AS up_to,
      w.scanned IS NOT NULL AS is_scanned, coalesce(f.marks, 0) AS marks
    FROM way w LEFT JOIN full_at f ON f.i = w.i
  ) r
), back(i, n, conversation, seq, sender, prev, floor, up_to) AS (
  SELECT k.i, m.n, m.conversation, m.seq, m.sender, m.prev, k.floor, min(r.up_to, k.until)
  FROM mark k CROSS JOIN bound r ON r.i = k.i AND NOT r.is_dense CROSS JOIN tidings_message m ON m.n = coalesce(k.n, k.last)
  WHERE m.n > k.floor AND k.floor < r.up_to
  UNION ALL
  SELECT b.i, m.n, m.conversation, m.seq, m.sender, m.prev, b.floor, b.up_to FROM back b CROSS JOIN tidings_message m ON m.n = b.prev
  WHERE b.prev > b.floor
), found AS (
  SELECT b.i, b.n, b.conversation, b.seq, b.sender FROM back b WHERE b.n <= b.up_to
  UNION ALL
  SELECT e.i, m.n, m.conversation, m.seq, m.sender FROM bound e
  CROSS JOIN tidings_message m NOT INDEXED ON m.n > e.after AND m.n <= e.up_to WHERE e.is_dense AND ${isOwn("e.user", "m")}
)`;

/**
 * Common table expressions, behind `start (i, user, after, until)`: users with their ranges of the log, after `after` and up to `until`; `most`: how many messages of each are
 * wanted, without columns. They give
 *
 * - `bound (i, until, up_to)`: how far each range is looked at: to its end, or to where at least `most` messages were found or `logRows` rows were looked at;
 * - `found (i, n, conversation, seq, sender)`: all messages of the user in the range up to there, in no order.
 *
 * Mention each as rarely as possible. Whatever an expression mentions is planned again for each mention, with all that it mentions itself, and a
 * server prepares a statement for each call: with a few mentions more it took 8 ms in place of 1.3.
 */
export const ownMessages = (most: string, { logRows = logRowsFor(most) } = {}): string => `
counted AS MATERIALIZED (
  SELECT s.i, s.user, s.after, s.until, ${conversationsSince({ user: "s.user", n: "s.after" })} AS conversations FROM start s
), looked AS MATERIALIZED (
  SELECT d.i, d.user, d.after, d.until, d.conversations, CASE
    WHEN ${isCheapToScan({ from: "d.after", to: "d.until", conversations: "d.conversations", logRows })} THEN d.until
    WHEN ${isTooMany("d.conversations", most)} THEN d.after + ${logRows}
    END AS up_to FROM counted d
), way AS MATERIALIZED (
  SELECT l.i, l.user, l.after, l.until, l.conversations, CASE WHEN l.up_to IS NULL THEN NULL ELSE coalesce((
    SELECT m.n FROM tidings_message m NOT INDEXED
    WHERE m.n > l.after AND m.n <= l.up_to AND ${isDirectOf("l.user", "m")} ORDER BY m.n LIMIT 1 OFFSET ${most} - 1
  ), l.up_to) END AS scanned FROM looked l
), ${walkMessages(most)}`;

/** Behind `ownMessages`: `own` and `reach` are as `found` and `bound`, with exactly `most` messages of each user where there are more. */
export const exactly = (most: string): string => `own AS MATERIALIZED (
  SELECT x.i, x.n, x.conversation, x.seq, x.sender, x.place FROM (
    SELECT f.*, row_number() OVER (PARTITION BY f.i ORDER BY f.n) AS place FROM found f
  ) x WHERE x.place <= ${most}
), reach AS MATERIALIZED (
  SELECT r.i, r.until, coalesce(o.n, r.up_to) AS up_to FROM bound r LEFT JOIN own o ON o.i = r.i AND o.place = ${most}
)`;

/**
 * Common table expressions, behind `start (user, below)`: the user's conversations whose last message is below change number `below`, which is at most one above the head. They give
 *
 * - `recent (conversation, n)`: the first `wanted` of them, the newest first, or as many as there are down to `whole`;
 * - `whole (n)`: how far down they are complete: 0, or above it where so many conversations changed that only as many are looked at.
 */
export const recentConversations = ({ wanted }: { readonly wanted: string }): string => `
floor AS MATERIALIZED (
  SELECT max(0, ${sides
    .map(
      (side) => `coalesce((
      SELECT c.period + 1 FROM tidings_conversation c INDEXED BY tidings_conversation_${side}_period
      WHERE c.${side} = s.user AND c.period <= ${periodOf("s.below - 1")} ORDER BY c.period DESC LIMIT 1 OFFSET ${conversationsMax}), 0)`,
    )
    .join(", ")}) << 18 AS n FROM start s
), candidates AS MATERIALIZED (
  ${sides
    .map(
      (side) => `SELECT c.key AS conversation FROM start s CROSS JOIN floor ON floor.n < s.below
  CROSS JOIN tidings_conversation c INDEXED BY tidings_conversation_${side}_period
    ON c.${side} = s.user AND c.period <= ${periodOf("s.below - 1")} AND c.period >= max(${periodOf("floor.n")}, coalesce((
      SELECT o.period FROM tidings_conversation o INDEXED BY tidings_conversation_${side}_period
      WHERE o.${side} = s.user AND o.period < ${periodOf("s.below - 1")} ORDER BY o.period DESC LIMIT 1 OFFSET ${wanted}), 0))${side === "high" ? " AND c.low < c.high" : ""}`,
    )
    .join("\n  UNION ALL\n  ")}
), scanned AS MATERIALIZED (
  SELECT s.user, s.below, max(0, s.below - ${logRowsMax}) AS n FROM start s CROSS JOIN floor WHERE floor.n >= s.below
), recent AS MATERIALIZED (
  SELECT * FROM (
    SELECT c.key AS conversation, c.n FROM start s CROSS JOIN floor CROSS JOIN candidates x
    CROSS JOIN tidings_conversation c ON c.key = x.conversation WHERE c.n < s.below AND c.n >= floor.n AND c.n > 0 ORDER BY c.n DESC LIMIT ${wanted}
  )
  UNION ALL
  SELECT * FROM (
    SELECT c.key, c.n FROM tidings_message m NOT INDEXED CROSS JOIN tidings_conversation c ON c.key = m.conversation AND c.n = m.n
    WHERE m.n < (SELECT below FROM scanned) AND m.n >= (SELECT n FROM scanned) AND ${isDirectOf("(SELECT user FROM scanned)", "m")}
    ORDER BY m.n DESC LIMIT ${wanted}
  )
), whole AS MATERIALIZED (
  SELECT coalesce((SELECT n FROM scanned), floor.n) AS n FROM floor
)`;
