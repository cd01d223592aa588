/**
 * Every statement of the store. Rows of a batch come in as one JSON array (`json_each`), so that a commit
 * takes a constant number of statements whatever it carries. CROSS JOIN fixes the order of the loops:
 * the batch drives, everything else is a look-up by key.
 */

import { isBlockedBetween, isHiddenBetween } from "./read/people-sql.ts";
import { isEmpty } from "./push/sql-parts.ts";

/** The name of column `i` of the batch's rows. */
const field = (i: number): string => `j.value ->> ${i}`;

/** rows: [tenant, user] */
export const insertUsers = `
INSERT INTO tidings_user (tenant, id)
SELECT ${field(0)}, ${field(1)} FROM json_each(?1) j WHERE true
ON CONFLICT DO NOTHING`;

/** ?1 tenant, ?2 user: one alone, outside of a commit's batch. */
export const insertUser = `INSERT INTO tidings_user (tenant, id) VALUES (?1, ?2) ON CONFLICT DO NOTHING`;

/** The newest ack of any device of a user. */
const newestAck = `coalesce((SELECT max(acked) FROM tidings_device WHERE user = u.key), 0)`;

/**
 * rows: [tenant, user, device, its own cursor's change number or null, the level at which it syncs]; ?2 now
 *
 * A new device starts after what any device of its user has acked. A device that was forgotten brings its cursor, and starts there: it
 * must still get everything after it.
 */
export const insertDevices = `
INSERT INTO tidings_device (user, device, acked, seen, level)
SELECT u.key, ${field(2)}, coalesce(min(${field(3)}, ${newestAck}), ${newestAck}), ?2, ${field(4)}
FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
WHERE true
ON CONFLICT DO NOTHING`;

/**
 * rows: [tenant, user], one of each; ?2: how many devices a user may have, ?3 now, ?4 how many new ones a commit may have
 *
 * The devices beyond that number, those that were not seen for longest; never one that is seen now, even if the clock was wrong before. Only as
 * many are looked at as there can be: where there are more, from before there was a limit, some are deleted each time.
 */
const surplusDevices = `
SELECT x.user, x.device FROM (
  SELECT d.user, d.device, row_number() OVER (PARTITION BY d.user ORDER BY d.seen = ?3 DESC, d.seen DESC, d.acked DESC) AS place
  FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
  CROSS JOIN tidings_device d ON d.user = u.key AND d.device < coalesce(
    (SELECT e.device FROM tidings_device e WHERE e.user = u.key ORDER BY e.device LIMIT 1 OFFSET ?2 + ?4), x'')
) x WHERE x.place > ?2`;
const surplusAddresses = `
SELECT a.key FROM (${surplusDevices}) x CROSS JOIN tidings_push_address a ON a.user = x.user AND a.device = x.device`;
/** ?5 how many notices at a time: one address has as many as its user has conversations. */
export const deleteForgottenNotices = `
DELETE FROM tidings_push_notice WHERE (address, conversation) IN (
  SELECT p.address, p.conversation FROM tidings_push_notice p WHERE p.address IN (${surplusAddresses}) LIMIT ?5)`;
/** An address goes after its notices, so that its key cannot be used again over some that are left. */
export const deleteForgottenAddresses = `DELETE FROM tidings_push_address WHERE key IN (${surplusAddresses}) AND ${isEmpty()}`;
/** And a device after its addresses: one of very many notices goes with a later commit. */
export const deleteForgottenDevices = `
DELETE FROM tidings_device WHERE (user, device) IN (${surplusDevices})
  AND NOT EXISTS (SELECT 1 FROM tidings_push_address a WHERE a.user = tidings_device.user AND a.device = tidings_device.device)`;

/** rows: [tenant, one user, other user, key to use where the pair is new] */
export const insertConversations = `
INSERT INTO tidings_conversation (key, tenant, low, high)
SELECT ${field(3)}, ${field(0)}, min(a.key, b.key), max(a.key, b.key)
FROM json_each(?1) j
CROSS JOIN tidings_user a ON a.tenant = ${field(0)} AND a.id = ${field(1)}
CROSS JOIN tidings_user b ON b.tenant = ${field(0)} AND b.id = ${field(2)}
WHERE true
ON CONFLICT DO NOTHING`;

/** rows: as for insertConversations; only conversations that they made have those keys. */
export const insertMembers = `
INSERT INTO tidings_member (conversation, user, peer)
SELECT c.key, CASE side.value WHEN 0 THEN c.low ELSE c.high END, CASE side.value WHEN 0 THEN c.high ELSE c.low END
FROM json_each(?1) j CROSS JOIN tidings_conversation c ON c.key = ${field(3)} CROSS JOIN json_each('[0,1]') side
WHERE true
ON CONFLICT DO NOTHING`;

/**
 * rows: [tenant, from, to or null, conversation key or null, id, text]; ?2: their time in milliseconds since the Unix epoch
 *
 * Left out are sends whose id exists already, whose conversation is not the sender's, or whose recipient has blocked the sender. The others get the
 * next change numbers, and the next seqs of their conversation, in the order of the batch. Each knows the newest message of the other before this commit.
 */
export const insertMessages = `
INSERT INTO tidings_message (n, conversation, seq, id, sender, recipient, text, time, other_seq)
SELECT head.n + row_number() OVER (ORDER BY s.i), c.key, c.seq + row_number() OVER (PARTITION BY c.key ORDER BY s.i),
  s.id, a.key, c.low + c.high - a.key, s.text, ?2, CASE a.key WHEN c.low THEN c.high_seq ELSE c.low_seq END
FROM (
  SELECT j.key AS i, ${field(0)} AS tenant, ${field(1)} AS sender, ${field(2)} AS recipient, ${field(3)} AS conversation,
    ${field(4)} AS id, ${field(5)} AS text
  FROM json_each(?1) j
) s
CROSS JOIN tidings_head head
CROSS JOIN tidings_user a ON a.tenant = s.tenant AND a.id = s.sender
CROSS JOIN tidings_conversation c ON c.key = coalesce(s.conversation, (
  SELECT p.key FROM tidings_user b CROSS JOIN tidings_conversation p ON p.low = min(a.key, b.key) AND p.high = max(a.key, b.key)
  WHERE b.tenant = s.tenant AND b.id = s.recipient
)) AND a.key IN (c.low, c.high)
WHERE NOT EXISTS (SELECT 1 FROM tidings_message m WHERE m.id = s.id AND m.sender = a.key)
  AND NOT EXISTS (SELECT 1 FROM tidings_relation r WHERE r.user = c.low + c.high - a.key AND r.other = a.key AND r.blocked)
RETURNING n, conversation, seq, id, (SELECT u.id FROM tidings_user u WHERE u.key = recipient) AS recipient`;

/**
 * Only for a commit in which people may answer each other: the messages of the other that are in it too, before each. It costs as much as
 * a third of the inserts; runs before the head moves.
 */
export const linkAnswers = `
UPDATE tidings_message AS message SET other_seq = x.other_seq
FROM (
  SELECT m.n, m.other_seq AS known, max(m.other_seq, CASE m.sender
    WHEN min(m.sender, m.recipient) THEN max(CASE m.sender WHEN max(m.sender, m.recipient) THEN m.seq ELSE 0 END) OVER earlier
    ELSE max(CASE m.sender WHEN min(m.sender, m.recipient) THEN m.seq ELSE 0 END) OVER earlier END) AS other_seq
  FROM tidings_message m NOT INDEXED WHERE m.n > (SELECT n FROM tidings_head head)
  WINDOW earlier AS (PARTITION BY m.conversation ORDER BY m.n ROWS UNBOUNDED PRECEDING)
) x
WHERE message.n = x.n AND x.other_seq > x.known`;

/** Writes the newest seqs into the conversations; runs before the head moves. */
export const advanceConversations = `
UPDATE tidings_conversation AS conversation SET seq = x.seq, n = x.n, low_seq = max(conversation.low_seq, x.low_seq),
  high_seq = max(conversation.high_seq, x.high_seq)
FROM (
  SELECT m.conversation, max(m.seq) AS seq, max(m.n) AS n,
    max(CASE WHEN m.sender = c.low THEN m.seq ELSE 0 END) AS low_seq,
    max(CASE WHEN m.sender = c.high THEN m.seq ELSE 0 END) AS high_seq
  FROM tidings_message m NOT INDEXED CROSS JOIN tidings_conversation c ON c.key = m.conversation
  WHERE m.n > (SELECT n FROM tidings_head head) GROUP BY m.conversation
) x
WHERE conversation.key = x.conversation`;

export const advanceHeadToMessages = `UPDATE tidings_head SET n = max(n, coalesce((SELECT max(n) FROM tidings_message), 0))`;

/**
 * Together they change nothing, but write a page: SQLite leaves out a write that changes no byte, and with it the disk and
 * the fsync.
 */
export const leaveHead = `UPDATE tidings_head SET n = n + 1`;
export const returnHead = `UPDATE tidings_head SET n = n - 1`;

/** Right after a statement that gave one change number to each row that it changed. */
export const advanceHeadByChanges = `UPDATE tidings_head SET n = n + changes()`;

/**
 * rows: [tenant, user, device, acked up to]; ?2: how many messages of each user the acks of this commit may cover
 *
 * One range a user, however many of their devices ack: from what any of them had acked, and how far this commit goes.
 */
const ackRanges = `
SELECT k.user, k.since, min(k.wanted, coalesce((
    SELECT m.n FROM tidings_message m WHERE m.recipient = k.user AND m.n > k.since AND m.n <= k.wanted ORDER BY m.n LIMIT 1 OFFSET ?2 - 1
  ), k.wanted)) AS up_to
FROM (
  SELECT u.key AS user, min(max(${field(3)}), head.n) AS wanted, ${newestAck} AS since
  FROM json_each(?1) j CROSS JOIN tidings_head head CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
  GROUP BY u.key
) k`;

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

/** The delivered marks that acks raise: messages of others that no device of the user had acked before. */
export const deliverByAcks = `
WITH acked AS MATERIALIZED (${ackRanges})
INSERT INTO tidings_member (conversation, user, peer, delivered, read, n)
SELECT p.conversation, p.user, p.peer, x.seq, p.read, head.n + row_number() OVER ()
FROM (
  SELECT m.conversation, acked.user, max(m.seq) AS seq
  FROM acked CROSS JOIN tidings_message m ON m.recipient = acked.user AND m.n > acked.since AND m.n <= acked.up_to
  GROUP BY m.conversation, acked.user
) x
CROSS JOIN tidings_member p ON p.conversation = x.conversation AND p.user = x.user
CROSS JOIN tidings_head head
WHERE x.seq > p.delivered
${moveMarks}
${returnReceipt}`;

/**
 * Moves the devices themselves; after deliverByAcks, which needs their positions before it. rows as above, the part of it that covers the whole log or null: the
 * rest covers a list of messages alone; and the level at which that part was stored, or null: not known. ?3 now, ?4 how long ago a device was at least
 * last seen for that to be written again.
 */
export const ackDevices = `
WITH acked AS MATERIALIZED (${ackRanges})
INSERT INTO tidings_device (user, device, acked, seen, synced, level)
SELECT d.user, d.device, max(d.acked, min(${field(3)}, acked.up_to)), CASE WHEN ?3 - d.seen >= ?4 THEN ?3 ELSE d.seen END,
  CASE WHEN d.synced IS NULL AND coalesce(${field(4)}, -1) >= ${field(3)} THEN NULL
    ELSE max(coalesce(d.synced, d.acked), min(coalesce(${field(4)}, 0), acked.up_to)) END,
  CASE WHEN ${field(4)} >= coalesce(d.synced, d.acked) THEN coalesce(${field(5)}, d.level) ELSE d.level END
FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
CROSS JOIN acked ON acked.user = u.key CROSS JOIN tidings_device d ON d.user = u.key AND d.device = ${field(2)}
WHERE true
ON CONFLICT (user, device) DO UPDATE
  SET acked = excluded.acked, seen = excluded.seen, synced = excluded.synced, level = excluded.level
RETURNING (SELECT u.tenant FROM tidings_user u WHERE u.key = user) AS tenant,
  (SELECT u.id FROM tidings_user u WHERE u.key = user) AS user, device, acked`;

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
      SELECT CASE WHEN m.sender <> w.user THEN m.seq ELSE coalesce(m.other_seq, (
        SELECT o.seq FROM tidings_message o
        WHERE o.conversation = m.conversation AND o.seq < m.seq AND o.seq > max(w.read, m.seq - ${oldRowsMax}) AND o.sender <> w.user
        ORDER BY o.seq DESC LIMIT 1
      ), m.seq - ${oldRowsMax}) END
      FROM tidings_message m WHERE m.conversation = w.conversation AND m.seq = w.wanted
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

export const selectHead = `SELECT n, epoch, level FROM tidings_head head`;

/**
 * ?1 a level. What writes an entry of a higher level than the log has yet runs this in the same transaction: nodes of an older release then stop,
 * before they read the entry or write behind it.
 */
export const raiseLevel = `UPDATE tidings_head SET level = ?1 WHERE level < ?1`;

/** What hides the numbers in cursors. */
export const selectSecret = `SELECT secret FROM tidings_head head`;

/** rows: [tenant, from, to or null, conversation key or null, id]. The message with each id, and the conversation of the send. */
export const selectSends = `
SELECT s.i, m.n, m.conversation, m.seq, m.time, m.text, m.hash, (SELECT u.id FROM tidings_user u WHERE u.key = m.recipient) AS recipient,
  coalesce(s.conversation, (
    SELECT p.key FROM tidings_user b CROSS JOIN tidings_conversation p ON p.low = min(a.key, b.key) AND p.high = max(a.key, b.key)
    WHERE b.tenant = s.tenant AND b.id = s.recipient
  )) AS wanted
FROM (
  SELECT j.key AS i, ${field(0)} AS tenant, ${field(1)} AS sender, ${field(2)} AS recipient, ${field(3)} AS conversation,
    ${field(4)} AS id
  FROM json_each(?1) j
) s
CROSS JOIN tidings_user a ON a.tenant = s.tenant AND a.id = s.sender
CROSS JOIN tidings_message m ON m.id = s.id AND m.sender = a.key`;

/** ?1 a message's n, ?2 its text as it was read, ?3 the new one, ?4 the hash of its send, which is kept where none is kept yet. See `changeText`. */
export const changeText = `
UPDATE tidings_message SET text = ?3, hash = coalesce(hash, ?4) WHERE n = ?1 AND text = ?2 RETURNING n`;

/** ?1 tenant, ?2 user, ?3 device */
export const selectDevice = `
SELECT d.acked, coalesce(d.synced, d.acked) AS synced, d.seen, d.level AS synced_level,
  (SELECT max(acked) FROM tidings_device WHERE user = u.key) AS newest, head.n, head.epoch, head.level
FROM tidings_head head CROSS JOIN tidings_user u ON u.tenant = ?1 AND u.id = ?2 CROSS JOIN tidings_device d ON d.user = u.key AND d.device = ?3`;

const userKey = `(SELECT key FROM tidings_user WHERE tenant = ?1 AND id = ?2)`;

/**
 * The first messages of a read of the log: at most `rows`, and no more once their texts reach `bytes` together, but always the first one. Only
 * lengths are read here, which SQLite knows without the texts.
 */
const firstOf = ({ where, rows, bytes }: { where: string; rows: string; bytes: string }): string => `(
  SELECT y.n, y.bytes FROM (
    SELECT x.n, x.bytes, sum(x.bytes) OVER (ORDER BY x.n ROWS UNBOUNDED PRECEDING) - x.bytes AS before FROM (
      SELECT l.n, octet_length(l.text) AS bytes FROM tidings_message l WHERE ${where} ORDER BY l.n LIMIT ${rows}
    ) x
  ) y WHERE y.before < ${bytes}
)`;

/** ?1 tenant, ?2 user, ?3 after, ?4 limit, ?5 bytes of text */
export const selectReceived = `
SELECT m.n, m.conversation, m.seq, m.id, m.text, m.time, s.id AS sender, ?2 AS recipient, z.bytes
FROM ${firstOf({ where: `l.recipient = ${userKey} AND l.n > ?3`, rows: "?4", bytes: "?5" })} z
CROSS JOIN tidings_message m ON m.n = z.n CROSS JOIN tidings_user s ON s.key = m.sender ORDER BY z.n`;

/** ?1 tenant, ?2 user, ?3 after, ?4 limit, ?5 bytes of text */
export const selectSent = `
SELECT m.n, m.conversation, m.seq, m.id, m.text, m.time, ?2 AS sender, r.id AS recipient, z.bytes
FROM ${firstOf({ where: `l.sender = ${userKey} AND l.n > ?3`, rows: "?4", bytes: "?5" })} z
CROSS JOIN tidings_message m ON m.n = z.n CROSS JOIN tidings_user r ON r.key = m.recipient ORDER BY z.n`;

/** ?1 tenant, ?2 user, ?3 after, ?4 limit */
export const selectOwnReceipts = `
SELECT p.n, p.conversation, p.delivered, p.read, ?2 AS user FROM tidings_member p
WHERE p.user = ${userKey} AND p.n > ?3 AND p.n > 0 ORDER BY p.n LIMIT ?4`;

/** ?1 tenant, ?2 user, ?3 after, ?4 limit */
export const selectPeerReceipts = `
SELECT p.n, p.conversation, p.delivered, p.read, u.id AS user FROM tidings_member p CROSS JOIN tidings_user u ON u.key = p.user
WHERE p.peer = ${userKey} AND p.n > ?3 AND p.n > 0 AND NOT ${isHiddenBetween({ one: "p.user", other: "p.peer", n: "p.n" })} ORDER BY p.n LIMIT ?4`;

/** ?1 after, ?2 limit, ?3 bytes of text: the whole log, every tenant. */
export const selectMessages = `
SELECT m.n, m.conversation, m.seq, m.id, m.text, m.time, s.tenant, s.id AS sender, r.id AS recipient, z.bytes
FROM ${firstOf({ where: "l.n > ?1", rows: "?2", bytes: "?3" })} z CROSS JOIN tidings_message m ON m.n = z.n
CROSS JOIN tidings_user s ON s.key = m.sender CROSS JOIN tidings_user r ON r.key = m.recipient ORDER BY z.n`;

/** ?1 after, ?2 limit: the whole log, every tenant. No peer: the marks moved behind a block between the two. */
export const selectReceipts = `
SELECT p.n, p.conversation, p.delivered, p.read, u.tenant, u.id AS user,
  CASE WHEN ${isHiddenBetween({ one: "p.user", other: "p.peer", n: "p.n" })} THEN NULL ELSE o.id END AS peer
FROM tidings_member p CROSS JOIN tidings_user u ON u.key = p.user CROSS JOIN tidings_user o ON o.key = p.peer
WHERE p.n > ?1 AND p.n > 0 ORDER BY p.n LIMIT ?2`;

/** ?1 tenant, ?2 conversation key. The first message makes a conversation: a send that was refused may leave an empty row. */
export const selectMembers = `
SELECT u.id FROM tidings_conversation c CROSS JOIN tidings_member p ON p.conversation = c.key CROSS JOIN tidings_user u ON u.key = p.user
WHERE c.key = ?2 AND c.tenant = ?1 AND c.seq > 0`;

/** ?1 conversation, one of the asker's; ?2 seq. */
export const selectMessageAt = `SELECT id FROM tidings_message WHERE conversation = ?1 AND seq = ?2`;

/** ?1 tenant, ?2 and ?3 users. As for selectMembers, an empty row is no conversation yet. */
export const selectDirect = `
SELECT c.key FROM tidings_user a CROSS JOIN tidings_user b
CROSS JOIN tidings_conversation c ON c.low = min(a.key, b.key) AND c.high = max(a.key, b.key)
WHERE a.tenant = ?1 AND a.id = ?2 AND b.tenant = ?1 AND b.id = ?3 AND c.seq > 0`;

/**
 * ?1 the name of a history, ?2 a change number that it had, ?3 a level. Makes the transaction fail unless the database still has that history, and
 * its log nothing above that level (n may not be null).
 */
export const requireHistory = `
INSERT INTO tidings_head (one, n, epoch)
SELECT 1, NULL, '' WHERE NOT EXISTS (SELECT 1 FROM tidings_head head WHERE head.epoch = ?1 AND head.n >= ?2 AND head.level <= ?3)`;

/** One row where the first migration has been applied. */
export const selectHasHead = `SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tidings_head'`;

/** ?1 the new name of this history, ?2 the old one and ?3 a change number that the database has not got; or null: whatever it has. */
export const updateEpoch = `UPDATE tidings_head SET epoch = ?1 WHERE ?2 IS NULL OR (epoch = ?2 AND n < ?3)`;

/** ?1 the new name, if it is in force: the worker of the ended history sends no more notifications, and no ticket of it is valid. */
export const forgetWorker = `
UPDATE tidings_push_worker SET holder = '', beat = 0 WHERE EXISTS (SELECT 1 FROM tidings_head head WHERE head.epoch = ?1)`;
export const forgetTickets = `DELETE FROM tidings_ticket WHERE EXISTS (SELECT 1 FROM tidings_head head WHERE head.epoch = ?1)`;
