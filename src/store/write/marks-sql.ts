/** The statements that store acks and reads. As in `send-sql.ts`, the batch drives every loop. */

import { messageAt, nextMark } from "../message-walk.ts";
import { conversationsSince, isCheapToScan, isTooMany, logRowsFor, periodOf } from "../own-messages.ts";
import { newestAck } from "../device-position-sql.ts";
import { isBlockedBetween } from "../read/people-sql.ts";
import { field } from "../sql.ts";

/**
 * rows: [tenant, user, device, acked up to]; ?2: for how many messages of each user the acks of this commit may look; ?3: and for how many of those who have too many conversations for that
 *
 * One range a user, however many of their devices ack: from what any of them had acked, and how far this commit goes (`up_to`). As in `own-messages.ts`, the `way` to
 * the messages is chosen by what it costs: the rows of the log, or the conversations that changed. Those who have too many conversations share one
 * walk through the log, and go on with the next commit.
 */
const acked = `acking AS MATERIALIZED (
  SELECT d.*, CASE
    WHEN ${isCheapToScan({ from: "d.since", to: "d.wanted", conversations: "d.conversations", logRows: logRowsFor("?2") })} THEN 'rows'
    WHEN ${isTooMany("d.conversations", "?2")} THEN 'shared'
    ELSE 'conversations' END AS way FROM (
    SELECT k.*, ${conversationsSince({ user: "k.user", n: "k.since" })} AS conversations FROM (
      SELECT u.key AS user, min(max(${field(3)}), head.n) AS wanted, ${newestAck()} AS since
      FROM json_each(?1) j CROSS JOIN tidings_head head CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
      GROUP BY u.key
    ) k
  ) d
), acked AS MATERIALIZED (
  SELECT r.user, r.since, r.way, CASE r.way
    WHEN 'shared' THEN max(r.since, min(r.wanted, (SELECT min(s.since) FROM acking s WHERE s.way = 'shared') + 32 + 4 * ?3))
    ELSE r.wanted END AS up_to
  FROM acking r
)`;

/**
 * Moves a member's marks. Written as an upsert of rows that exist: for UPDATE … FROM the planner is free to scan the
 * table that it updates, and does (211 against 8 µs an ack with 200 devices, and growing with the table).
 */
const moveMarks = `ON CONFLICT (conversation, user) DO UPDATE
  SET delivered = excluded.delivered, read = excluded.read, n = excluded.n`;

const returnReceipt = `RETURNING n, conversation, delivered, read,
  (SELECT u.tenant FROM tidings_user u WHERE u.key = user) AS tenant,
  (SELECT u.id FROM tidings_user u WHERE u.key = user) AS user,
  (SELECT u.id FROM tidings_user u WHERE u.key = peer AND NOT ${isBlockedBetween("tidings_member.user", "tidings_member.peer")}) AS peer`;

/** The newest message of the other at or below `n` in conversation `c`: that of the message there, found from the mark behind it. */
const othersUpTo = ({ user, n }: { readonly user: string; readonly n: string }): string => `(
  WITH RECURSIVE back(n, conversation, seq, sender, prev, other_seq) AS (
    SELECT m.n, m.conversation, m.seq, m.sender, m.prev, m.other_seq FROM tidings_message m
    WHERE m.n = coalesce(${nextMark({ conversation: "c.key", n })}, c.n)
    UNION ALL
    SELECT m.n, m.conversation, m.seq, m.sender, m.prev, m.other_seq FROM back b CROSS JOIN tidings_message m ON m.n = b.prev WHERE b.n > ${n}
  )
  SELECT CASE WHEN b.sender <> ${user} THEN b.seq ELSE coalesce(b.other_seq, 0) END FROM back b WHERE b.n <= ${n})`;

/** The newest messages of others in the conversations that changed, one side of the pair. */
const deliveredOfSide = (side: "low" | "high", other: "low" | "high"): string => `
  SELECT c.key AS conversation, a.user, CASE WHEN c.n <= a.up_to THEN c.${other}_seq ELSE ${othersUpTo({ user: "a.user", n: "a.up_to" })} END AS seq
  FROM acked a CROSS JOIN tidings_conversation c INDEXED BY tidings_conversation_${side}_period ON c.${side} = a.user AND c.period >= ${periodOf("a.since")}
  WHERE a.way = 'conversations' AND c.n > a.since AND c.low < c.high`;

/** The delivered marks that acks raise: messages of others that no device of the user had acked before. */
export const deliverByAcks = `
WITH ${acked}
INSERT INTO tidings_member (conversation, user, peer, delivered, read, n)
SELECT p.conversation, p.user, p.peer, x.seq, p.read, head.n + row_number() OVER ()
FROM (
  SELECT y.conversation, y.user, max(y.seq) AS seq FROM (
    SELECT m.conversation, a.user, m.seq FROM acked a CROSS JOIN tidings_message m NOT INDEXED ON m.n > a.since AND m.n <= a.up_to AND m.recipient = a.user AND m.sender <> a.user
    WHERE a.way = 'rows'
    UNION ALL
    SELECT m.conversation, a.user, m.seq FROM (SELECT min(since) AS since, max(up_to) AS up_to FROM acked WHERE way = 'shared') z
    CROSS JOIN tidings_message m NOT INDEXED ON m.n > z.since AND m.n <= z.up_to
    CROSS JOIN acked a ON a.user = m.recipient AND m.n > a.since AND m.n <= a.up_to AND m.sender <> a.user AND a.way = 'shared'
    UNION ALL ${deliveredOfSide("low", "high")} UNION ALL ${deliveredOfSide("high", "low")}
  ) y GROUP BY y.conversation, y.user
) x
CROSS JOIN tidings_member p ON p.conversation = x.conversation AND p.user = x.user
CROSS JOIN tidings_head head
WHERE x.seq > p.delivered
${moveMarks}
${returnReceipt}`;

/**
 * Moves the devices themselves; after deliverByAcks, which needs their positions before it. rows as above, the part of it that covers the whole log or null: the
 * rest covers a list of messages alone; and the level at which that part was stored, or null: not known. It does not name
 * `seen`, not even to leave it as it is: that would write its index with each ack.
 */
export const ackDevices = `
WITH ${acked}
INSERT INTO tidings_device (user, device, acked, synced, level)
SELECT d.user, d.device, max(d.acked, min(${field(3)}, acked.up_to)),
  CASE WHEN d.synced IS NULL AND coalesce(${field(4)}, -1) >= ${field(3)} THEN NULL
    ELSE max(coalesce(d.synced, d.acked), min(coalesce(${field(4)}, 0), acked.up_to)) END,
  CASE WHEN ${field(4)} >= coalesce(d.synced, d.acked) THEN coalesce(${field(5)}, d.level) ELSE d.level END
FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
CROSS JOIN acked ON acked.user = u.key CROSS JOIN tidings_device d ON d.user = u.key AND d.device = ${field(2)}
WHERE true
ON CONFLICT (user, device) DO UPDATE
  SET acked = excluded.acked, synced = excluded.synced, level = excluded.level
RETURNING (SELECT u.tenant FROM tidings_user u WHERE u.key = user) AS tenant,
  (SELECT u.id FROM tidings_user u WHERE u.key = user) AS user, device, acked`;

/**
 * Notes that the devices of acks are seen; rows as above. ?2 now, ?3 how long ago a device was at least last seen for that to be written again.
 */
export const seeDevices = `
INSERT INTO tidings_device (user, device, acked, seen)
SELECT d.user, d.device, d.acked, ?2
FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
CROSS JOIN tidings_device d ON d.user = u.key AND d.device = ${field(2)}
WHERE ?2 - d.seen >= ?3
ON CONFLICT (user, device) DO UPDATE SET seen = excluded.seen`;

/** How far back a read looks from a message that does not know the one of the other before it: such are of before that was stored. */
const oldRowsMax = 32;

/**
 * rows: [tenant, user, conversation key, seq]
 *
 * The mark lands on the newest message of the other at or before seq: at once where that is their last, else by what the message at seq
 * knows. Where that one is too old to know, and none of the other is near, it lands on one of one's own: everything of the other below it
 * has been read. It raises delivered with it.
 */
export const readMarks = `
INSERT INTO tidings_member (conversation, user, peer, delivered, read, n)
SELECT p.conversation, p.user, p.peer, max(p.delivered, x.seq), x.seq, head.n + row_number() OVER ()
FROM (
  SELECT w.conversation, w.user, max(CASE
    WHEN w.others <= w.wanted THEN w.others
    ELSE (
      SELECT CASE WHEN r.sender <> w.user THEN r.seq ELSE coalesce(r.other_seq, (
        WITH RECURSIVE back(seq, sender, prev) AS (
          SELECT m.seq, m.sender, m.prev FROM tidings_message m WHERE m.n = r.prev AND m.seq > max(w.read, r.seq - ${oldRowsMax})
          UNION ALL
          SELECT m.seq, m.sender, m.prev FROM back b CROSS JOIN tidings_message m ON m.n = b.prev
          WHERE b.sender = w.user AND m.seq > max(w.read, r.seq - ${oldRowsMax})
        )
        SELECT b.seq FROM back b WHERE b.sender <> w.user
      ), r.seq - ${oldRowsMax}) END
      FROM tidings_message r WHERE r.n = ${messageAt({ conversation: "w.conversation", seq: "w.wanted" })}
    )
  END) AS seq
  FROM (
    SELECT p.conversation, p.user, p.read, ${field(3)} AS wanted,
      CASE p.user WHEN c.low THEN c.high_seq ELSE c.low_seq END AS others
    FROM json_each(?1) j
    CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
    CROSS JOIN tidings_member p ON p.conversation = ${field(2)} AND p.user = u.key
    CROSS JOIN tidings_conversation c ON c.key = p.conversation
  ) w
  GROUP BY w.conversation, w.user
) x
CROSS JOIN tidings_member p ON p.conversation = x.conversation AND p.user = x.user
CROSS JOIN tidings_head head
WHERE x.seq > p.read
${moveMarks}
${returnReceipt}`;

/** Right after a statement that gave one change number to each row that it changed. */
export const advanceHeadByChanges = `UPDATE tidings_head SET n = n + changes()`;
