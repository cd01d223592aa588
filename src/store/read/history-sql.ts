/**
 * The statements behind `GET /messages` and `GET /conversations`. Each looks at a bounded number of rows, whatever it is
 * asked for, and CROSS JOIN fixes the order of its loops: the asker first, so that nothing of others is ever looked at.
 */

import { entryAt, isMark, messagesBetween, nextMark } from "../message-walk.ts";
import {
  conversationsMax,
  conversationsSince,
  isDirectOf,
  logRowsMax,
  ownMessages,
  periodOf,
  recentConversations,
} from "../own-messages.ts";
import { isReadableIn } from "../group/own-groups.ts";
import { isBlockedBetween } from "./people-sql.ts";

/**
 * The filters on a message, apart from its position.
 * ?1 tenant, ?2 user, ?3 sender or null, ?4 and ?5 first and last time, ?6 the device that has not acked it, or null
 */
const isWanted = `m.time >= ?4 AND m.time <= ?5
  AND (?3 IS NULL OR s.id = ?3)
  AND (?6 IS NULL OR (m.sender <> a.key AND (m.recipient = a.key OR (m.recipient IS NULL AND m.event IS NULL))
    AND m.n > (SELECT d.acked FROM tidings_device d WHERE d.user = a.key AND d.device = ?6)))`;

const asker = `a.tenant = ?1 AND a.id = ?2`;

/** The names of both people; in a group there is no recipient. */
const names = `CROSS JOIN tidings_user s ON s.key = m.sender LEFT JOIN tidings_user r ON r.key = m.recipient`;
const columns = `m.n, m.conversation, m.seq, m.id, m.text, m.time, m.event, m.mentions, s.id AS sender, r.id AS recipient`;

/** The conversation with a key, or with a user, where the asker is one of the two; others' and empty ones are as good as none. */
const directPlaceOf = (key: string, user: string): string => `
CROSS JOIN tidings_conversation c ON c.key = coalesce(${key}, (
  SELECT p.key FROM tidings_user b CROSS JOIN tidings_conversation p ON p.low = min(a.key, b.key) AND p.high = max(a.key, b.key)
  WHERE b.tenant = ?1 AND b.id = ${user}
)) AND a.key IN (c.low, c.high) AND c.seq > 0`;

/** The same, or the group with that key, with the asker's membership `g`. */
const placeOf = (key: string, user: string): string => `
CROSS JOIN tidings_conversation c ON c.key = coalesce(${key}, (
  SELECT p.key FROM tidings_user b CROSS JOIN tidings_conversation p ON p.low = min(a.key, b.key) AND p.high = max(a.key, b.key)
  WHERE b.tenant = ?1 AND b.id = ${user}
)) AND c.seq > 0
LEFT JOIN tidings_group_member g ON c.low IS NULL AND g.conversation = c.key AND g.user = a.key`;

/** Whether the place is the asker's, in the WHERE of `placeOf`. */
const isOwnPlace = `(a.key IN (c.low, c.high) OR g.user IS NOT NULL)`;
/** The first place below what the asker may read, and the last that they may. */
const firstBelow = `coalesce(g.since, 0)`;
const lastPlace = `min(c.seq, coalesce(g.until, c.seq))`;

/** ?1 tenant, ?2 user, ?3 conversation key or null, ?4 user on the other side or null */
export const selectConversationSeq = `
SELECT c.key, ${lastPlace} AS seq, ${firstBelow} AS floor FROM tidings_user a ${placeOf("?3", "?4")} WHERE ${asker} AND ${isOwnPlace}`;

/**
 * The first messages: at most ?9, and no more once their texts reach `bytes` together, but always the first one. The texts beyond that are
 * not read, only their lengths, which SQLite knows without them.
 */
const firstOf = (from: string, { order, bytes }: { order: "DESC" | "ASC"; bytes: string }): string => `
SELECT ${columns}, z.bytes FROM (
  SELECT y.n, y.bytes FROM (
    SELECT x.n, x.bytes, sum(x.bytes) OVER (ORDER BY x.n ${order} ROWS UNBOUNDED PRECEDING) - x.bytes AS before FROM (
      SELECT m.n, octet_length(m.text) AS bytes FROM ${from} LIMIT ?9
    ) x
  ) y WHERE y.before < ${bytes}
) z CROSS JOIN tidings_message m ON m.n = z.n ${names}`;

/** A last row without a conversation: in `n` is how far it was looked at, unless to the end. */
const endRow = (end: string): string => `
UNION ALL SELECT ${end}`;
const noColumns = "NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0";

/** The sender's name, which a filter may need. */
const sender = `CROSS JOIN tidings_user s ON s.key = m.sender`;

/** `a`: the asker, and the place in the conversation where a walk begins: at seq `top`, or at the last one below it. */
const placeAt = (top: string): string => `place AS MATERIALIZED (
  SELECT a.key, c.key AS conversation, c.n AS last, ${top} AS top, ${firstBelow} AS floor FROM tidings_user a ${placeOf("?10", "?11")}
  WHERE ${asker} AND ${isOwnPlace}
)`;

/**
 * ?7 below this seq, ?8 how many rows are looked at, ?9 how many are wanted, ?10 conversation key or null, ?11 user or null, ?12 bytes of
 * text
 */
export const selectConversationBefore = `
WITH RECURSIVE ${placeAt(`min(?7 - 1, ${lastPlace})`)}, back(n, conversation, seq, prev, bottom) AS (
  SELECT m.n, m.conversation, m.seq, m.prev, max(a.floor, a.top - ?8) FROM place a
  CROSS JOIN tidings_message m ON m.n = ${entryAt({ conversation: "a.conversation", seq: "a.top", last: "a.last" })}
  UNION ALL
  SELECT m.n, m.conversation, m.seq, m.prev, b.bottom FROM back b CROSS JOIN tidings_message m ON m.n = b.prev WHERE b.seq > b.bottom + 1
)
${firstOf(
  `place a CROSS JOIN back b ON b.seq <= a.top AND b.seq > a.floor CROSS JOIN tidings_message m ON m.n = b.n
${sender} WHERE ${isWanted} ORDER BY m.n DESC`,
  { order: "DESC", bytes: "?12" },
)}`;

/** As selectConversationBefore; ?7 above this seq. Each stretch between two marks is walked back from its end. */
export const selectConversationAfter = `
WITH RECURSIVE ${placeAt(`min(max(?7, ${firstBelow}) + ?8, ${lastPlace})`)}, stop AS (
  SELECT k.n FROM place a CROSS JOIN tidings_message k INDEXED BY tidings_message_place
    ON k.conversation = a.conversation AND ${isMark("k")} AND k.seq > max(?7, a.floor) AND k.seq < a.top
  UNION ALL
  SELECT ${entryAt({ conversation: "a.conversation", seq: "a.top", last: "a.last" })} FROM place a WHERE a.top > max(?7, a.floor)
), back(n, seq, prev) AS (
  SELECT m.n, m.seq, m.prev FROM stop CROSS JOIN tidings_message m ON m.n = stop.n
  UNION ALL
  SELECT m.n, m.seq, m.prev FROM back b CROSS JOIN tidings_message m ON m.n = b.prev WHERE m.seq > ?7 AND NOT ${isMark("m")}
)
${firstOf(
  `place a CROSS JOIN back b ON b.seq <= a.top AND b.seq > a.floor CROSS JOIN tidings_message m ON m.n = b.n
${sender} WHERE ${isWanted} ORDER BY m.n`,
  { order: "ASC", bytes: "?12" },
)}`;

/**
 * Everything that the asker sent and received below a change number. ?7 to ?9 as above, ?10 bytes of text.
 *
 * Their conversations are merged, the newest message of all first, by a queue in the order of n: each message that is taken from it puts the one before it in its
 * conversation there. `entered` are conversations that went on after ?7; where there are too many of them, the rows of the log are looked at.
 */
export const selectBefore = `
WITH RECURSIVE start(user, below) AS MATERIALIZED (
  SELECT a.key, min(?7, head.n + 1) FROM tidings_user a CROSS JOIN tidings_head head WHERE ${asker}
), ${recentConversations({ wanted: "?8" })}, way AS MATERIALIZED (
  SELECT s.user, s.below, ${conversationsSince({ user: "s.user", n: "s.below" })} > ${conversationsMax} AS is_scan FROM start s
), entered(n, conversation, seq, prev, below) AS (
  ${(["low", "high"] as const)
    .map(
      (side) => `SELECT m.n, m.conversation, m.seq, m.prev, w.below
  FROM way w CROSS JOIN tidings_conversation c INDEXED BY tidings_conversation_${side}_period ON c.${side} = w.user AND c.period >= ${periodOf("w.below")}
  CROSS JOIN tidings_message m ON m.n = coalesce(${nextMark({ conversation: "c.key", n: "w.below - 1" })}, c.n)
  WHERE NOT w.is_scan AND c.n >= w.below${side === "high" ? " AND c.low < c.high" : ""}
  UNION ALL`,
    )
    .join(" ")}
  SELECT m.n, m.conversation, m.seq, m.prev, b.below FROM entered b CROSS JOIN tidings_message m ON m.n = b.prev WHERE b.n >= b.below
), merged(n, conversation, seq, prev) AS MATERIALIZED (
  SELECT e.n, e.conversation, e.seq, e.prev FROM entered e WHERE e.n < e.below
  UNION ALL
  SELECT m.n, m.conversation, m.seq, m.prev FROM way w CROSS JOIN recent x CROSS JOIN tidings_message m ON m.n = x.n WHERE NOT w.is_scan
  UNION ALL
  SELECT m.n, m.conversation, m.seq, m.prev FROM merged b CROSS JOIN tidings_message m ON m.n = b.prev
  ORDER BY 1 DESC LIMIT ?8
), scan AS MATERIALIZED (
  SELECT w.user, w.below, max(0, w.below - ${logRowsMax}) AS n FROM way w WHERE w.is_scan
), seen AS MATERIALIZED (
  SELECT l.n FROM tidings_message l NOT INDEXED
  WHERE l.n < (SELECT below FROM scan) AND l.n >= (SELECT n FROM scan) AND ${isDirectOf("(SELECT user FROM scan)", "l")} ORDER BY l.n DESC LIMIT ?8
), end_at AS MATERIALIZED (
  SELECT max(
    CASE WHEN w.is_scan THEN (SELECT n FROM scan) ELSE max(
      (SELECT n FROM whole), coalesce((SELECT x.n FROM recent x ORDER BY x.n DESC LIMIT 1 OFFSET ?8 - 1), 0)
    ) END,
    coalesce((SELECT g.n FROM (SELECT n FROM merged UNION ALL SELECT n FROM seen) g ORDER BY g.n DESC LIMIT 1 OFFSET ?8 - 1), 0)
  ) AS n FROM way w
)
${firstOf(
  `(
    SELECT g.n FROM (SELECT n FROM merged UNION ALL SELECT n FROM seen) g CROSS JOIN end_at WHERE g.n >= end_at.n ORDER BY g.n DESC
  ) o CROSS JOIN tidings_message m ON m.n = o.n CROSS JOIN (SELECT s.user AS key FROM start s) a
${sender} WHERE ${isWanted} ORDER BY o.n DESC`,
  { order: "DESC", bytes: "?10" },
)}${endRow(`n, ${noColumns} FROM end_at WHERE n > 0`)}`;

/** The messages that a device has not acked, above a change number; ?10 bytes of text. */
export const selectReceivedAfter = `
WITH RECURSIVE start(i, user, after, until) AS MATERIALIZED (
  SELECT 0, a.key, max(?7, coalesce((SELECT d.acked FROM tidings_device d WHERE d.user = a.key AND d.device = ?6), 0)), head.n
  FROM tidings_user a CROSS JOIN tidings_head head WHERE ${asker}
), ${ownMessages("?8", { logRows: `${logRowsMax}` })}
${firstOf(
  `found o CROSS JOIN tidings_message m ON m.n = o.n CROSS JOIN (SELECT s.user AS key FROM start s) a
${sender} WHERE ${isWanted} ORDER BY o.n`,
  { order: "ASC", bytes: "?10" },
)}${endRow(`up_to, ${noColumns} FROM bound WHERE up_to < until`)}`;

/**
 * ?7 ids as a JSON array, ?8 how many rows are looked at, ?9 the sender of the first id after which to go on, ?10 and ?11 as above,
 * ?12 whether any conversation will do, ?13 bytes of text. Rows are in the order of ids and senders; those that are not wanted have a position only.
 *
 * Only rows that the asker may see count towards ?8: how many strangers use the same id must not show.
 */
export const selectByIds = `
SELECT z.place, z.author, z.is_wanted, z.bytes, m.n, m.conversation, m.seq, m.id, m.time, m.event, m.mentions,
  CASE WHEN z.is_wanted THEN m.text END AS text, s.id AS sender, r.id AS recipient
FROM (
  SELECT x.*, sum(x.bytes) OVER (ORDER BY x.place, x.author ROWS UNBOUNDED PRECEDING) - x.bytes AS before
  FROM (SELECT w.*, CASE WHEN w.is_wanted THEN w.length ELSE 0 END AS bytes FROM (
  SELECT j.key AS place, m.n, m.sender AS author, octet_length(m.text) AS length, (${isWanted}
    AND (?12 OR m.conversation = (SELECT c.key FROM (SELECT 1) ${placeOf("?10", "?11")} WHERE ${isOwnPlace}))) AS is_wanted
  FROM tidings_user a CROSS JOIN json_each(?7) j
  CROSS JOIN tidings_message m ON m.id = j.value AND m.sender > CASE j.key WHEN 0 THEN ?9 ELSE -1 END
  CROSS JOIN tidings_user s ON s.key = m.sender
  WHERE ${asker} AND (${isDirectOf("a.key", "m")} OR ${isReadableIn("a.key", "m")}) LIMIT ?8
  ) w) x
) z CROSS JOIN tidings_message m ON m.n = z.n ${names} WHERE z.before < ?13 ORDER BY z.place, z.author`;

/** The asker's conversations, newest activity first. */
const ofList = `
SELECT c.key, c.seq, c.n, CASE s.user WHEN c.low THEN c.low_seq ELSE c.high_seq END AS own, CASE s.user WHEN c.low THEN c.high_seq ELSE c.low_seq END AS others,
  c.low + c.high - s.user AS peer, s.user AS me
FROM recent x CROSS JOIN tidings_conversation c ON c.key = x.conversation CROSS JOIN start s`;

/** The asker's own conversation with a key (?8), or with a user (?9), as `ofSide` gives it. */
const ofPlace = `
SELECT c.key, c.seq, c.n, CASE a.key WHEN c.low THEN c.low_seq ELSE c.high_seq END AS own,
  CASE a.key WHEN c.low THEN c.high_seq ELSE c.low_seq END AS others, CASE a.key WHEN c.low THEN c.high ELSE c.low END AS peer, a.key AS me
FROM tidings_user a ${directPlaceOf("?8", "?9")} WHERE ${asker}`;

/**
 * ?1 tenant, ?2 user, ?3 below this change number, ?4 limit, ?5 how many messages are counted of one of them at most, ?6 bytes of the last messages' texts, ?7 how many messages are counted of all, before
 * the last one
 *
 * Unread is what the mark says: messages of the other above `read`. All above the last one of one's own are the other's,
 * so only the messages between the mark and there (`span`) have to be counted one by one. `spent` is the number that was counted for the
 * conversations above: once it reaches the limit, nothing is counted any more, and the reader ends its page there.
 */
const listed = (page: string, { behind = "", end = "" } = {}): string => `
WITH RECURSIVE ${behind} page AS MATERIALIZED (${page}), counted AS MATERIALIZED (
  SELECT page.*, p.delivered, p.read, min(page.own, page.others) AS both,
    coalesce(sum(max(0, min(page.own, page.others) - p.read)) OVER (
      ORDER BY page.n DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS spent,
    l.n AS last, octet_length(l.text) AS bytes,
    coalesce(sum(octet_length(l.text)) OVER (ORDER BY page.n DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
  FROM page CROSS JOIN tidings_member p ON p.conversation = page.key AND p.user = page.me
  CROSS JOIN tidings_message l ON l.n = page.n
)
SELECT counted.n AS activity, counted.bytes, max(0, counted.both - max(counted.read, counted.both - ?5)) AS own_spent, counted.spent, o.id AS peer, counted.delivered, counted.read,
  q.delivered AS peer_delivered, coalesce(t.version, 0) AS version,
  CASE WHEN t.user IS NULL THEN 0 ELSE coalesce(t.until, -1) END AS muted_until, CASE WHEN ${isBlockedBetween("counted.me", "counted.peer")} THEN NULL ELSE q.read END AS peer_read, m.n, m.conversation, m.seq, m.id, m.text, m.time,
  CASE m.sender WHEN counted.me THEN ?2 ELSE o.id END AS sender,
  CASE m.sender WHEN counted.me THEN o.id ELSE ?2 END AS recipient,
  max(0, counted.others - max(counted.read, counted.both)) + CASE WHEN counted.spent < ?7 THEN (
    SELECT count(*) FROM (${messagesBetween({
      ...{ conversation: "counted.key", to: "counted.both", last: "counted.n" },
      from: "max(counted.read, counted.both - ?5)",
    })}) w WHERE w.sender <> counted.me
  ) ELSE 0 END AS unread
FROM counted
CROSS JOIN tidings_member q ON q.conversation = counted.key AND q.user = counted.peer
CROSS JOIN tidings_user o ON o.key = counted.peer
CROSS JOIN tidings_message m ON m.n = counted.last
LEFT JOIN tidings_mute t ON t.user = counted.me AND t.conversation = counted.key
WHERE counted.before < ?6 ${end} ORDER BY activity DESC`;

/** As said above. A last row without a peer says in `activity` how far down it was looked at, unless to the end. */
export const selectConversations = listed(ofList, {
  behind: `start(user, below) AS MATERIALIZED (
  SELECT a.key, min(?3, head.n + 1) FROM tidings_user a CROSS JOIN tidings_head head WHERE ${asker}
), ${recentConversations({ wanted: "?4" })},`,
  end: `UNION ALL SELECT n, 0, 0, 0, NULL, 0, 0, NULL, 0, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0 FROM whole WHERE n > 0`,
});

/** As selectConversations, of one of them: ?8 its key or null, ?9 the other user or null; ?3 and ?4 are not used. */
export const selectConversation = listed(ofPlace);
