/** The statements for what members have got and read of their groups: as receipts are, each has a change number of its own in the log. */

import { group as groupKind } from "../../log/group.ts";
import { messageAt, nextMark } from "../message-walk.ts";
import { logRowsFor } from "../own-messages.ts";
import { field } from "../sql.ts";
import { covers, isInGroups } from "./own-groups.ts";

/** The membership `g` with new marks: `delivered` and `read` of row `x`. Written as an upsert of rows that exist, as in `marks-sql.ts`. */
const moveMarks = (delivered: string, read: string, sizeMax: string): string => `
SELECT g.conversation, g.user, g.status, g.role, g.since, g.joined, g.joined_n, g.n, ${delivered}, ${read}, head.n + row_number() OVER (), g.status = 0 AND k.size <= ${sizeMax}
FROM (SELECT y.conversation, y.user, max(y.seq) AS seq FROM found y GROUP BY y.conversation, y.user) x
CROSS JOIN tidings_group_member g ON g.conversation = x.conversation AND g.user = x.user
CROSS JOIN tidings_group k ON k.conversation = g.conversation CROSS JOIN tidings_head head`;
const columns = `conversation, user, status, role, since, joined, joined_n, n, delivered, read, mark_n, is_shared`;
const moved = `
ON CONFLICT (conversation, user) DO UPDATE
  SET delivered = excluded.delivered, read = excluded.read, mark_n = excluded.mark_n, is_shared = excluded.is_shared
RETURNING mark_n AS n, conversation, delivered, read, is_shared,
  (SELECT u.id FROM tidings_user u WHERE u.key = user) AS user, (SELECT u.tenant FROM tidings_user u WHERE u.key = user) AS tenant`;

/** rows: [tenant, user, group's key, seq]; ?2: up to how many members all of them are told. Up to the last place that the member may read. */
export const readGroups = `
WITH found AS (
  SELECT p.conversation, p.user, min(${field(3)}, c.seq, coalesce(p.until, c.seq)) AS seq
  FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
  CROSS JOIN tidings_group_member p ON p.conversation = ${field(2)} AND p.user = u.key
  CROSS JOIN tidings_conversation c ON c.key = p.conversation
)
INSERT INTO tidings_group_member (${columns})
${moveMarks("max(g.delivered, x.seq)", "x.seq", "?2")}
WHERE x.seq > g.read
${moved}`;

/** The newest place of group `c` at or below change number `n`, found from the mark behind it. */
const placeUpTo = (n: string): string => `(
  WITH RECURSIVE back(n, seq, prev) AS (
    SELECT m.n, m.seq, m.prev FROM tidings_message m WHERE m.n = coalesce(${nextMark({ conversation: "c.key", n })}, c.n)
    UNION ALL
    SELECT m.n, m.seq, m.prev FROM back b CROSS JOIN tidings_message m ON m.n = b.prev WHERE b.n > ${n}
  )
  SELECT b.seq FROM back b WHERE b.n <= ${n})`;

/** The newest ack of a device that gets groups. */
const newestAck = `coalesce((SELECT max(d.acked) FROM tidings_device d WHERE d.user = u.key AND d.level >= ${groupKind.level}), 0)`;

/**
 * rows: [tenant, user, device, acked up to, _, level or null: that of the device]; ?2 for how many messages of each user the acks may look, ?3: up to how many members marks are kept.
 *
 * What acks raise in small groups. Of a few rows of the log each is looked at, else each group of the user: a user has a bounded number of them.
 */
export const deliverInGroups = `
WITH acked AS MATERIALIZED (
  SELECT k.*, k.up_to - k.since <= ${logRowsFor("?2")} AS is_near FROM (
    SELECT u.key AS user, min(max(${field(3)}), head.n) AS up_to, ${newestAck} AS since
    FROM json_each(?1) j CROSS JOIN tidings_head head CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
    WHERE ${isInGroups("u.key")}
      AND coalesce(${field(5)}, (SELECT d.level FROM tidings_device d WHERE d.user = u.key AND d.device = ${field(2)})) >= ${groupKind.level}
    GROUP BY u.key
  ) k WHERE k.up_to > k.since
), found AS (
  SELECT m.conversation, a.user, m.seq FROM acked a CROSS JOIN tidings_message m NOT INDEXED ON m.n > a.since AND m.n <= a.up_to AND m.recipient IS NULL
  CROSS JOIN tidings_group_member g ON g.conversation = m.conversation AND g.user = a.user AND g.status = 0
  CROSS JOIN tidings_group k ON k.conversation = m.conversation AND k.size <= ?3
  WHERE a.is_near
  UNION ALL
  SELECT c.key, a.user, CASE WHEN c.n <= a.up_to THEN c.seq ELSE ${placeUpTo("a.up_to")} END FROM acked a
  CROSS JOIN tidings_group_member g INDEXED BY tidings_group_member_user ON g.user = a.user AND g.status = 0
  CROSS JOIN tidings_conversation c ON c.key = g.conversation AND c.n > a.since
  CROSS JOIN tidings_group k ON k.conversation = c.key AND k.size <= ?3
  WHERE NOT a.is_near
)
INSERT INTO tidings_group_member (${columns})
${moveMarks("x.seq", "g.read", "?3")}
WHERE x.seq > g.delivered AND x.seq > g.joined
${moved}`;

const receiptColumns = `p.mark_n AS n, p.conversation, p.delivered, p.read, p.is_shared`;

/** ?1 after, ?2 limit: the whole log, every tenant. */
export const selectGroupReceipts = `
SELECT ${receiptColumns}, u.tenant, u.id AS user FROM tidings_group_member p INDEXED BY tidings_group_member_mark CROSS JOIN tidings_user u ON u.key = p.user
WHERE p.mark_n > ?1 AND p.mark_n > 0 ORDER BY p.mark_n LIMIT ?2`;

/** If no more marks than this moved since a position, each is looked at; else those of each of the user's groups. */
const movedMarksMax = 300;
const isFew = `(SELECT count(*) FROM (
  SELECT 1 FROM tidings_group_member f INDEXED BY tidings_group_member_mark WHERE f.mark_n > ?3 AND f.mark_n > 0 LIMIT ${movedMarksMax + 1}
)) <= ${movedMarksMax}`;
const isTold = `p.is_shared = 1 AND p.status = 0 AND ${covers("g", "p.mark_n")}`;

/** ?1 tenant, ?2 user, ?3 after, ?4 limit: one's own marks, and in small groups those of the others. */
export const selectOwnGroupReceipts = `
SELECT * FROM (
  SELECT ${receiptColumns}, w.id AS user FROM tidings_user u
  CROSS JOIN tidings_group_member p INDEXED BY tidings_group_member_mark ON p.mark_n > ?3 AND p.mark_n > 0
  CROSS JOIN tidings_group_member g ON g.conversation = p.conversation AND g.user = u.key CROSS JOIN tidings_user w ON w.key = p.user
  WHERE ${isFew} AND u.tenant = ?1 AND u.id = ?2 AND (p.user = u.key OR (${isTold}))
  UNION ALL
  SELECT ${receiptColumns}, u.id FROM tidings_user u CROSS JOIN tidings_group_member p INDEXED BY tidings_group_member_user ON p.user = u.key
  WHERE NOT ${isFew} AND u.tenant = ?1 AND u.id = ?2 AND p.mark_n > ?3
  UNION ALL
  SELECT ${receiptColumns}, w.id FROM tidings_user u CROSS JOIN tidings_group_member g INDEXED BY tidings_group_member_user ON g.user = u.key
  CROSS JOIN tidings_group_member p INDEXED BY tidings_group_member_shared ON p.conversation = g.conversation AND p.mark_n > ?3 AND p.mark_n > 0
  CROSS JOIN tidings_user w ON w.key = p.user
  WHERE NOT ${isFew} AND u.tenant = ?1 AND u.id = ?2 AND p.user <> u.key AND ${isTold}
) ORDER BY n LIMIT ?4`;

/**
 * ?1 tenant, ?2 the asker, ?3 whether it is the host, ?4 the group's key, ?5 seq: by whom it is, the size of the group, and how many of its members have read it. No row: the asker is
 * no member, or may not read this place.
 */
export const selectReadCount = `
SELECT s.id AS sender, k.size, (
  SELECT count(*) FROM tidings_group_member r INDEXED BY tidings_group_member_read
  WHERE r.conversation = c.key AND r.status = 0 AND r.read >= ?5 AND r.since < ?5 AND r.user <> m.sender
) AS readers FROM tidings_conversation c CROSS JOIN tidings_group k ON k.conversation = c.key
CROSS JOIN tidings_message m ON m.n = ${messageAt({ conversation: "?4", seq: "?5" })} CROSS JOIN tidings_user s ON s.key = m.sender
WHERE c.key = ?4 AND c.tenant = ?1 AND c.low IS NULL AND (?3 = 1 OR EXISTS (
  SELECT 1 FROM tidings_group_member a CROSS JOIN tidings_user u ON u.key = a.user
  WHERE a.conversation = c.key AND u.tenant = ?1 AND u.id = ?2 AND a.status = 0 AND a.since < ?5))`;

/** After selectReadCount has answered. ?4 and ?5 as there, ?6 the name after which to go on, ?7 how many members are looked at: those of them who have read it, and a last row with the last one who was looked at. */
export const selectGroupReaders = `
WITH looked AS MATERIALIZED (
  SELECT g.user, g.read >= ?5 AND g.since < ?5 AS has_read FROM tidings_group_member g INDEXED BY tidings_group_member_here
  WHERE g.conversation = ?4 AND g.status = 0 AND g.user > coalesce((SELECT z.key FROM tidings_user z WHERE z.tenant = ?1 AND z.id = ?6), -1)
  ORDER BY g.user LIMIT ?7
)
SELECT u.id AS user, 0 AS is_last, l.user AS place FROM looked l CROSS JOIN tidings_user u ON u.key = l.user WHERE l.has_read
UNION ALL SELECT * FROM (
  SELECT u.id, 1, l.user FROM looked l CROSS JOIN tidings_user u ON u.key = l.user WHERE (SELECT count(*) FROM looked) = ?7 ORDER BY l.user DESC LIMIT 1
) ORDER BY place, is_last`;
