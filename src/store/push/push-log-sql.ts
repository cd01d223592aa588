import { acked, fence, field } from "./sql-parts.ts";

/** The statements behind `push-log.ts`: the decisions on each message, and the facts that explain them. */

/**
 * Fenced. ?2 rows: [conversation, seq, address, first, tenant, user, device, provider, decision, reason, until or null, attempts, answer
 * or null]; ?3 now
 */
export const upsertLog = `
INSERT INTO tidings_push_log (conversation, seq, address, first, user, device, provider, time, decision, reason, until, attempts, answer)
SELECT ${field(0)}, ${field(1)}, ${field(2)}, ${field(3)}, u.key, ${field(6)}, ${field(7)}, ?3, ${field(8)}, ${field(9)},
  ${field(10)}, ${field(11)}, ${field(12)}
FROM json_each(?2) j CROSS JOIN tidings_user u ON u.tenant = ${field(4)} AND u.id = ${field(5)}
WHERE ${fence}
ON CONFLICT (conversation, seq, address) DO UPDATE SET first = min(first, excluded.first), time = excluded.time,
  decision = excluded.decision, reason = excluded.reason, until = excluded.until, attempts = excluded.attempts,
  answer = excluded.answer`;

/** Fenced. ?2 rows: [conversation, seq, address]; ?3 now */
export const markCleared = `
UPDATE tidings_push_log SET cleared = ?3 WHERE ${fence} AND key IN (
  SELECT l.key FROM json_each(?2) j
  CROSS JOIN tidings_push_log l ON l.conversation = ${field(0)} AND l.seq = ${field(1)} AND l.address = ${field(2)})`;

/** ?1 a time. Whether a decision is older. */
export const selectOldLog = `SELECT 1 AS old FROM tidings_push_log l WHERE l.time < ?1 LIMIT 1`;

/** Fenced. ?2 a time, ?3 how many at most. Deletes older decisions, and answers a row for each. */
export const pruneLog = `
DELETE FROM tidings_push_log WHERE ${fence} AND key IN (SELECT l.key FROM tidings_push_log l WHERE l.time < ?2 ORDER BY l.time LIMIT ?3)
RETURNING 1`;

// Explaining. ?1 tenant, ?2 user.

/**
 * ?3 message id, ?4 how many. The messages of others with this id to a user, the newest first: one of each sender. An index in the order of `n` would read
 * all messages of the user.
 */
export const selectExplained = `
SELECT m.n, m.conversation, m.seq, m.time, s.id AS sender, me.read
FROM tidings_user u CROSS JOIN tidings_message m INDEXED BY tidings_message_id ON m.id = ?3 AND m.recipient = u.key AND m.sender <> u.key CROSS JOIN tidings_user s ON s.key = m.sender
CROSS JOIN tidings_member me ON me.conversation = m.conversation AND me.user = u.key
WHERE u.tenant = ?1 AND u.id = ?2 ORDER BY m.n DESC LIMIT ?4`;

/** ?3 how many. The user's addresses, the last refreshed first; at most as many as a user may have. */
export const selectExplainedAddresses = `
SELECT a.device, a.key AS address, a.provider, a.since, a.decided, ${acked} AS acked
FROM tidings_user u CROSS JOIN tidings_push_address a ON a.user = u.key
WHERE u.tenant = ?1 AND u.id = ?2 ORDER BY a.refreshed DESC, a.key DESC LIMIT ?3`;

/** ?3 how many. The user's devices without an address, the newest ack first. */
export const selectExplainedDevices = `
SELECT d.device, NULL AS address, NULL AS provider, NULL AS since, NULL AS decided, d.acked
FROM tidings_user u CROSS JOIN tidings_device d ON d.user = u.key
WHERE u.tenant = ?1 AND u.id = ?2 AND NOT EXISTS (
  SELECT 1 FROM tidings_push_address a WHERE a.user = d.user AND a.device = d.device
)
ORDER BY d.acked DESC, d.device DESC LIMIT ?3`;

/** ?3 conversation key, ?4 seq, ?5 rows looked at, ?6 how many. The decisions on a message. */
export const selectExplainedLog = `
SELECT x.* FROM tidings_user u CROSS JOIN (
  SELECT l.conversation, l.first, l.seq, l.address, l.user, l.device, l.provider, l.time, l.decision, l.reason, l.until, l.attempts,
    l.answer, l.cleared, l.key
  FROM tidings_push_log l WHERE l.conversation = ?3 AND l.seq >= ?4 ORDER BY l.seq LIMIT ?5
) x ON x.user = u.key AND x.first <= ?4
WHERE u.tenant = ?1 AND u.id = ?2 ORDER BY x.time DESC, x.key DESC LIMIT ?6`;
