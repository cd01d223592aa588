/**
 * The statements behind `GET /messages` and `GET /conversations`. Each looks at a bounded number of rows, whatever it is
 * asked for, and CROSS JOIN fixes the order of its loops: the asker first, so that nothing of others is ever looked at.
 */

import { isBlockedBetween } from "./people-sql.ts";

/**
 * The filters on a message, apart from its position.
 * ?1 tenant, ?2 user, ?3 sender or null, ?4 and ?5 first and last time, ?6 the device that has not acked it, or null
 */
const isWanted = `m.time >= ?4 AND m.time <= ?5
  AND (?3 IS NULL OR s.id = ?3)
  AND (?6 IS NULL OR (m.recipient = a.key
    AND m.n > (SELECT d.acked FROM tidings_device d WHERE d.user = a.key AND d.device = ?6)))`;

const asker = `a.tenant = ?1 AND a.id = ?2`;

/** The names of both people. */
const names = `CROSS JOIN tidings_user s ON s.key = m.sender CROSS JOIN tidings_user r ON r.key = m.recipient`;
const columns = `m.n, m.conversation, m.seq, m.id, m.text, m.time, s.id AS sender, r.id AS recipient`;

/** The asker's own conversation with a key, or with a user; others' and empty ones are as good as none. */
const placeOf = (key: string, user: string): string => `
CROSS JOIN tidings_conversation c ON c.key = coalesce(${key}, (
  SELECT p.key FROM tidings_user b CROSS JOIN tidings_conversation p ON p.low = min(a.key, b.key) AND p.high = max(a.key, b.key)
  WHERE b.tenant = ?1 AND b.id = ${user}
)) AND a.key IN (c.low, c.high) AND c.seq > 0`;

/** ?1 tenant, ?2 user, ?3 conversation key or null, ?4 user on the other side or null */
export const selectConversationSeq = `SELECT c.key, c.seq FROM tidings_user a ${placeOf("?3", "?4")} WHERE ${asker}`;

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
) z CROSS JOIN tidings_message m ON m.n = z.n ${names} ORDER BY z.n ${order}`;

/** The sender's name, which a filter may need. */
const sender = `CROSS JOIN tidings_user s ON s.key = m.sender`;

/**
 * ?7 below this seq, ?8 how many rows are looked at, ?9 how many are wanted, ?10 conversation key or null, ?11 user or null, ?12 bytes of
 * text
 */
export const selectConversationBefore = firstOf(
  `tidings_user a ${placeOf("?10", "?11")}
CROSS JOIN tidings_message m ON m.conversation = c.key AND m.seq < ?7 AND m.seq >= min(?7, c.seq + 1) - ?8
${sender} WHERE ${asker} AND ${isWanted} ORDER BY m.seq DESC`,
  { order: "DESC", bytes: "?12" },
);

/** As selectConversationBefore; ?7 above this seq */
export const selectConversationAfter = firstOf(
  `tidings_user a ${placeOf("?10", "?11")}
CROSS JOIN tidings_message m ON m.conversation = c.key AND m.seq > ?7 AND m.seq <= ?7 + ?8
${sender} WHERE ${asker} AND ${isWanted} ORDER BY m.seq`,
  { order: "ASC", bytes: "?12" },
);

/** The row behind the last one that is looked at, which is the first that is not. */
const edgeBefore = (side: string, alias: string): string => `(
  SELECT ${alias}.n FROM tidings_message ${alias} WHERE ${alias}.${side} = a.key AND ${alias}.n < ?7
  ORDER BY ${alias}.n DESC LIMIT 1 OFFSET ?8)`;
const received = `max(?7, coalesce((SELECT i.acked FROM tidings_device i WHERE i.user = a.key AND i.device = ?6), 0))`;
const edgeAfter = (alias: string): string => `(
  SELECT ${alias}.n FROM tidings_message ${alias} WHERE ${alias}.recipient = a.key AND ${alias}.n > ${received}
  ORDER BY ${alias}.n LIMIT 1 OFFSET ?8)`;

/** Everything of the asker's own below a change number; `edge` is the first row that was not looked at, or null. ?7 to ?9 as above, ?10 bytes of text */
const selectBefore = (side: string): string =>
  firstOf(
    `tidings_user a
CROSS JOIN tidings_message m ON m.${side} = a.key AND m.n < ?7 AND m.n > coalesce(${edgeBefore(side, "e")}, 0)
${sender} WHERE ${asker} AND ${isWanted} ORDER BY m.n DESC`,
    { order: "DESC", bytes: "?10" },
  );
export const selectSentBefore = selectBefore("sender");
export const selectReceivedBefore = selectBefore("recipient");

/** The messages that a device has not acked, above a change number; ?11 bytes of text. */
export const selectReceivedAfter = firstOf(
  `tidings_user a
CROSS JOIN tidings_message m ON m.recipient = a.key AND m.n > ${received} AND m.n < coalesce(${edgeAfter("e")}, ?10)
${sender} WHERE ${asker} AND ${isWanted} ORDER BY m.n`,
  { order: "ASC", bytes: "?11" },
);

/** Where the three statements above stop looking. */
export const selectEdgesBefore = `
SELECT ${edgeBefore("sender", "e")} AS sent, ${edgeBefore("recipient", "o")} AS received FROM tidings_user a WHERE ${asker}`;
export const selectEdgeAfter = `SELECT ${edgeAfter("e")} AS received FROM tidings_user a WHERE ${asker}`;

/**
 * ?7 ids as a JSON array, ?8 how many rows are looked at, ?9 the sender of the first id after which to go on, ?10 and ?11 as above,
 * ?12 whether any conversation will do, ?13 bytes of text. Rows are in the order of ids and senders; those that are not wanted have a position only.
 *
 * Only rows that the asker may see count towards ?8: how many strangers use the same id must not show.
 */
export const selectByIds = `
SELECT z.place, z.author, z.is_wanted, z.bytes, m.n, m.conversation, m.seq, m.id, m.time,
  CASE WHEN z.is_wanted THEN m.text END AS text, s.id AS sender, r.id AS recipient
FROM (
  SELECT x.*, sum(x.bytes) OVER (ORDER BY x.place, x.author ROWS UNBOUNDED PRECEDING) - x.bytes AS before
  FROM (SELECT w.*, CASE WHEN w.is_wanted THEN w.length ELSE 0 END AS bytes FROM (
  SELECT j.key AS place, m.n, m.sender AS author, octet_length(m.text) AS length, (${isWanted}
    AND (?12 OR m.conversation = (SELECT c.key FROM (SELECT 1) ${placeOf("?10", "?11")}))) AS is_wanted
  FROM tidings_user a CROSS JOIN json_each(?7) j
  CROSS JOIN tidings_message m ON m.id = j.value AND m.sender > CASE j.key WHEN 0 THEN ?9 ELSE -1 END
  CROSS JOIN tidings_user s ON s.key = m.sender
  WHERE ${asker} AND a.key IN (m.sender, m.recipient) LIMIT ?8
  ) w) x
) z CROSS JOIN tidings_message m ON m.n = z.n ${names} WHERE z.before < ?13 ORDER BY z.place, z.author`;

/** A user's conversations on one side of the pair, newest activity first. */
const ofSide = (side: string, other: string, alias: string): string => `
SELECT * FROM (
  SELECT c.key, c.seq, c.n, c.${side}_seq AS own, c.${other}_seq AS others, c.${other} AS peer, ${alias}.key AS me
  FROM tidings_user ${alias} CROSS JOIN tidings_conversation c ON c.${side} = ${alias}.key AND c.n < ?3 AND c.n > 0
  WHERE ${alias}.tenant = ?1 AND ${alias}.id = ?2 ORDER BY c.n DESC LIMIT ?4
)`;

/** The asker's own conversation with a key (?8), or with a user (?9), as `ofSide` gives it. */
const ofPlace = `
SELECT c.key, c.seq, c.n, CASE a.key WHEN c.low THEN c.low_seq ELSE c.high_seq END AS own,
  CASE a.key WHEN c.low THEN c.high_seq ELSE c.low_seq END AS others, CASE a.key WHEN c.low THEN c.high ELSE c.low END AS peer, a.key AS me
FROM tidings_user a ${placeOf("?8", "?9")} WHERE ${asker}`;

/**
 * ?1 tenant, ?2 user, ?3 below this change number, ?4 limit, ?5 how many messages are counted of one of them at most, ?6 bytes of the last messages' texts, ?7 how many messages are counted of all, before
 * the last one
 *
 * Unread is what the mark says: messages of the other above `read`. All above the last one of one's own are the other's,
 * so only the messages between the mark and there (`span`) have to be counted one by one. `spent` is the number that was counted for the
 * conversations above: once it reaches the limit, nothing is counted any more, and the reader ends its page there.
 */
const listed = (page: string): string => `
WITH page AS MATERIALIZED (${page}), counted AS MATERIALIZED (
  SELECT page.*, p.delivered, p.read, min(page.own, page.others) AS both,
    coalesce(sum(max(0, min(page.own, page.others) - p.read)) OVER (
      ORDER BY page.n DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS spent,
    l.n AS last, octet_length(l.text) AS bytes,
    coalesce(sum(octet_length(l.text)) OVER (ORDER BY page.n DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
  FROM page CROSS JOIN tidings_member p ON p.conversation = page.key AND p.user = page.me
  CROSS JOIN tidings_message l ON l.conversation = page.key AND l.seq = page.seq
)
SELECT counted.n AS activity, counted.bytes, max(0, counted.both - max(counted.read, counted.both - ?5)) AS own_spent, counted.spent, o.id AS peer, counted.delivered, counted.read,
  q.delivered AS peer_delivered, coalesce(t.version, 0) AS version,
  CASE WHEN t.user IS NULL THEN 0 ELSE coalesce(t.until, -1) END AS muted_until, CASE WHEN ${isBlockedBetween("counted.me", "counted.peer")} THEN NULL ELSE q.read END AS peer_read, m.n, m.conversation, m.seq, m.id, m.text, m.time,
  CASE m.sender WHEN counted.me THEN ?2 ELSE o.id END AS sender,
  CASE m.sender WHEN counted.me THEN o.id ELSE ?2 END AS recipient,
  max(0, counted.others - max(counted.read, counted.both)) + CASE WHEN counted.spent < ?7 THEN (
    SELECT count(*) FROM tidings_message w
    WHERE w.conversation = counted.key AND w.seq <= counted.both
      AND w.seq > max(counted.read, counted.both - ?5) AND w.sender <> counted.me
  ) ELSE 0 END AS unread
FROM counted
CROSS JOIN tidings_member q ON q.conversation = counted.key AND q.user = counted.peer
CROSS JOIN tidings_user o ON o.key = counted.peer
CROSS JOIN tidings_message m ON m.n = counted.last
LEFT JOIN tidings_mute t ON t.user = counted.me AND t.conversation = counted.key
WHERE counted.before < ?6 ORDER BY counted.n DESC`;

export const selectConversations = listed(
  `SELECT * FROM (${ofSide("low", "high", "a")} UNION ALL ${ofSide("high", "low", "b")}) ORDER BY n DESC LIMIT ?4`,
);

/** As selectConversations, of one of them: ?8 its key or null, ?9 the other user or null; ?3 and ?4 are not used. */
export const selectConversation = listed(ofPlace);
