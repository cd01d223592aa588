/**
 * The statements behind push notifications. As in `sql.ts`, a batch comes in as one JSON array and drives every loop. What only the
 * one worker may write asks whether it still is the one: `?1` is its name in each statement that is said to be fenced.
 */

const field = (i: number): string => `j.value ->> ${i}`;

/** An address goes after its notices, which may be too many for one commit: the next address might have its key. */
export const isEmpty = (): string =>
  `NOT EXISTS (SELECT 1 FROM tidings_push_notice p WHERE p.address = tidings_push_address.key)`;

const fence = `(SELECT holder FROM tidings_push_worker) = ?1`;

/** How far the device of an address `a` has got; an address of no device is that of all. */
const acked = `CASE a.device
  WHEN '' THEN coalesce((SELECT max(d.acked) FROM tidings_device d WHERE d.user = a.user), 0)
  ELSE coalesce((SELECT d.acked FROM tidings_device d WHERE d.user = a.user AND d.device = a.device), 0)
END`;

// The worker's place.

export const selectWorker = `SELECT holder, beat, n FROM tidings_push_worker`;
/** ?1 the new holder, ?2 the one before, ?3 its beat as it was seen */
export const takeWorker = `
UPDATE tidings_push_worker SET holder = ?1, beat = beat + 1 WHERE holder = ?2 AND beat = ?3 RETURNING n`;
/** ?1 holder, ?2 looked at up to here */
export const beatWorker = `
UPDATE tidings_push_worker SET beat = beat + 1, n = max(n, ?2) WHERE holder = ?1 RETURNING beat`;
/** ?1 holder */
export const leaveWorker = `UPDATE tidings_push_worker SET holder = '', beat = beat + 1 WHERE holder = ?1`;

// Following the log.

/** ?1 after, ?2 up to: whom messages were for, each with the first of theirs. */
export const selectRecipients = `
SELECT u.tenant, u.id AS user, x.n FROM (
  SELECT m.recipient, min(m.n) AS n FROM tidings_message m NOT INDEXED WHERE m.n > ?1 AND m.n <= ?2 GROUP BY m.recipient
) x CROSS JOIN tidings_user u ON u.key = x.recipient`;

/** ?1 after, ?2 up to: whose marks have moved, and where. */
export const selectReaders = `
SELECT u.tenant, u.id AS user, p.conversation, p.n FROM tidings_member p CROSS JOIN tidings_user u ON u.key = p.user
WHERE p.n > ?1 AND p.n <= ?2 AND p.n > 0 AND p.read > 0`;

/** ?1 after, ?2 up to: who has blocked whom. */
export const selectBlockers = `
SELECT u.tenant, u.id AS user, o.id AS other, r.n FROM tidings_relation r
CROSS JOIN tidings_user u ON u.key = r.user CROSS JOIN tidings_user o ON o.key = r.other
WHERE r.n > ?1 AND r.n <= ?2 AND r.blocked`;

/** Fenced. ?2 rows: [tenant, user, provider, before the first message of theirs]; ?3 now. Only for users with no address of it. */
export const insertUserAddresses = `
INSERT INTO tidings_push_address (user, tenant, device, provider, token, hash, since, decided, refreshed)
SELECT u.key, u.tenant, '', ${field(2)}, '', 'user ' || u.key, ${field(3)}, ${field(3)}, ?3
FROM json_each(?2) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
WHERE ${fence} AND NOT EXISTS (SELECT 1 FROM tidings_push_address a WHERE a.user = u.key AND a.provider = ${field(2)})
ON CONFLICT DO NOTHING`;

/** ?1 rows: [tenant, user, provider]. Those of them that have no address of it. */
export const selectUnaddressed = `
SELECT j.key AS i FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
WHERE NOT EXISTS (SELECT 1 FROM tidings_push_address a WHERE a.user = u.key AND a.provider = ${field(2)})`;

/**
 * ?1 rows: [tenant, user]; ?2 messages counted at most. Their addresses, each with its first undecided message that its device has not
 * acked, and how many there are.
 */
export const selectUndecided = `
SELECT x.i, x.key, x.provider, x.device, (
  SELECT m.n FROM tidings_message m WHERE m.recipient = x.user AND m.n > x.since ORDER BY m.n LIMIT 1
) AS n, (
  SELECT count(*) FROM (SELECT 1 FROM tidings_message m WHERE m.recipient = x.user AND m.n > x.since LIMIT ?2)
) AS count
FROM (
  SELECT j.key AS i, a.key, a.provider, a.user, a.device, max(a.decided, ${acked}) AS since
  FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
  CROSS JOIN tidings_push_address a ON a.user = u.key
) x`;

/** ?2 rows: [address, up to]; ?3 messages at most. What of each address is decided on now. */
const undecidedRanges = `
SELECT x.key, x.user, x.provider, x.since, min(x.wanted, coalesce((
    SELECT m.n FROM tidings_message m WHERE m.recipient = x.user AND m.n > x.since AND m.n <= x.wanted ORDER BY m.n LIMIT 1 OFFSET ?3
  ), x.wanted)) AS up_to
FROM (
  SELECT a.key, a.user, a.provider, max(a.decided, ${acked}) AS since, ${field(1)} AS wanted
  FROM json_each(?2) j CROSS JOIN tidings_push_address a ON a.key = ${field(0)}
) x`;

/**
 * Fenced. As undecidedRanges. What its user has read already is nothing to tell of.
 *
 * What is due at once is due at its place in the log: no clock says when, so that none which is set, or another node's, can put it off. It
 * comes in the order of the log, before what waited for a time.
 */
export const insertNotices = `
WITH ranges AS MATERIALIZED (${undecidedRanges})
INSERT INTO tidings_push_notice AS push_notice (address, conversation, provider, n, seq, first, due)
SELECT ranges.key, m.conversation, ranges.provider, max(m.n), max(m.seq), min(m.seq), min(m.n)
FROM ranges CROSS JOIN tidings_message m ON m.recipient = ranges.user AND m.n > ranges.since AND m.n <= ranges.up_to
CROSS JOIN tidings_member me ON me.conversation = m.conversation AND me.user = ranges.user AND me.read < m.seq
WHERE ${fence}
GROUP BY ranges.key, m.conversation
ON CONFLICT (address, conversation) DO UPDATE SET n = excluded.n, seq = excluded.seq,
  first = CASE WHEN due IS NULL OR first > seq THEN excluded.first ELSE first END, due = coalesce(due, excluded.due)
WHERE excluded.n > push_notice.n`;

/** Fenced. As undecidedRanges; after insertNotices. */
export const advanceDecided = `
WITH ranges AS MATERIALIZED (${undecidedRanges})
UPDATE tidings_push_address AS push_address SET decided = ranges.up_to FROM ranges
WHERE push_address.key = ranges.key AND ranges.up_to > push_address.decided AND ${fence}`;

/** What waits for the end of quiet hours need not; where a provider has named a time, it is looked at then. */
const readNotices = `
SELECT p.address, p.conversation FROM json_each(?2) j
CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
CROSS JOIN tidings_push_address a ON a.user = u.key
CROSS JOIN tidings_push_notice p ON p.address = a.key AND p.conversation = ${field(2)} AND p.shown > 0
CROSS JOIN tidings_member me ON me.conversation = p.conversation AND me.user = u.key AND me.read >= p.shown
WHERE p.due IS NULL OR (p.due > ?3 AND p.attempts = 0 AND me.read >= p.seq)`;

/** ?2 rows: [tenant, user, conversation key]; ?3 now. How many notifications show what was read meanwhile. */
export const countReadNotices = `SELECT count(*) AS count FROM (${readNotices}) WHERE ?1 IS NOT NULL`;

/** Fenced. ?2 as countReadNotices. Due at once. */
export const wakeReadNotices = `
UPDATE tidings_push_notice AS push_notice SET due = push_notice.n WHERE ${fence} AND (address, conversation) IN (${readNotices})`;

/** What shows something of somebody who is blocked; where a provider has named a time, it is looked at then. */
const blockedNotices = `
SELECT p.address, p.conversation FROM json_each(?2) j
CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
CROSS JOIN tidings_user o ON o.tenant = ${field(0)} AND o.id = ${field(2)}
CROSS JOIN tidings_relation r ON r.user = u.key AND r.other = o.key AND r.blocked
CROSS JOIN tidings_conversation c ON c.low = min(u.key, o.key) AND c.high = max(u.key, o.key)
CROSS JOIN tidings_push_address a ON a.user = u.key
CROSS JOIN tidings_push_notice p ON p.address = a.key AND p.conversation = c.key AND p.shown > 0
WHERE p.due IS NULL OR (p.due > ?3 AND p.attempts = 0)`;

/** ?2 rows: [tenant, user, whom they have blocked]; ?3 now. How many notifications show something of these. */
export const countBlockedNotices = `SELECT count(*) AS count FROM (${blockedNotices}) WHERE ?1 IS NOT NULL`;

/** Fenced. ?2 as countBlockedNotices. Due at once. */
export const wakeBlockedNotices = `
UPDATE tidings_push_notice AS push_notice SET due = push_notice.n WHERE ${fence} AND (address, conversation) IN (${blockedNotices})`;

// Sending.

/**
 * Messages of the other that the owner of an address `a` has not read, in a conversation `c`. What lies above the older of the two last
 * places is of one person, and needs no look; below it the newest `most` rows are looked at: beyond them there may be more.
 */
const unreadOf = (most: string): string => {
  const others = `CASE a.user WHEN c.low THEN c.high_seq ELSE c.low_seq END`;
  const both = `min(c.low_seq, c.high_seq)`;
  return `max(0, ${others} - max(me.read, ${both})) + CASE WHEN ${both} <= me.read THEN 0 ELSE (
    SELECT count(*) FROM tidings_message w
    WHERE w.conversation = c.key AND w.seq <= ${both} AND w.seq > max(me.read, ${both} - ${most}) AND w.sender <> a.user
  ) END`;
};

/** A user's newest conversations on one side; ?3 how many. */
const ofSide = (side: "low" | "high"): string => `
SELECT * FROM (SELECT c.key, c.n, c.${side === "low" ? "high" : "low"}_seq AS others, min(c.low_seq, c.high_seq) AS both
  FROM tidings_conversation c WHERE c.${side} = u.key AND c.n > 0 ORDER BY c.n DESC LIMIT ?3)`;

/** ?1 rows: names of providers. Whether anything is due for them, now or later. */
export const selectWaiting = `
SELECT 1 AS waits FROM json_each(?1) j CROSS JOIN tidings_push_notice p ON p.provider = j.value AND p.due IS NOT NULL LIMIT 1`;

/** Two ranges of one index: what waits for later, however much it is, is not walked over. */
const notices = (range: string): string => `
SELECT * FROM (SELECT * FROM tidings_push_notice WHERE provider = ?1 AND ${range} ORDER BY due LIMIT ?3)`;

/**
 * ?1 provider, ?2 now, ?3 limit, ?4 messages looked at for each `unread`, ?5 later than any due time could be
 *
 * What is due, with all that is needed to decide on it. A due time that cannot be is from a clock that has been set back since.
 */
export const selectDue = `
SELECT p.address, p.conversation, p.provider, p.n, p.seq, p.first, p.due, p.attempts, p.shown, a.device, a.token, a.hash, a.refreshed, a.expires,
  u.tenant, u.id AS user, ${acked} AS acked,
  coalesce((SELECT d.notify FROM tidings_device d WHERE d.user = a.user AND d.device = a.device), 1) AS notify,
  me.read, me.n AS marks_n, m.id, m.text, m.time, s.id AS sender,
  (SELECT coalesce(t.until, -1) FROM tidings_mute t WHERE t.user = a.user AND t.conversation = p.conversation) AS muted_until,
  (SELECT q.hours FROM tidings_quiet_hours q WHERE q.user = a.user) AS quiet_hours,
  EXISTS (SELECT 1 FROM tidings_relation r WHERE r.user = a.user AND r.other = me.peer AND r.blocked) AS is_blocked,
  ${unreadOf("?4")} AS unread
FROM (${notices("due <= ?2")} UNION ALL ${notices("due > ?5")}) p
CROSS JOIN tidings_push_address a ON a.key = p.address
CROSS JOIN tidings_user u ON u.key = a.user
CROSS JOIN tidings_conversation c ON c.key = p.conversation
CROSS JOIN tidings_member me ON me.conversation = p.conversation AND me.user = a.user
LEFT JOIN tidings_message m ON m.n = p.n
LEFT JOIN tidings_user s ON s.key = m.sender
ORDER BY p.due LIMIT ?3`;

/**
 * ?1 rows: [tenant, user]; ?2 rows looked at for one user, ?3 conversations on each side, ?4 now. What each has not read, in as far as that goes: of
 * conversations that they have not muted, with people whom they have not blocked.
 *
 * `above` needs no look (see unreadOf), `below` would: the newest conversations have theirs, until what was looked at is `?2` rows.
 * Where none is left, and nothing lies above, the other's last message is unread for certain.
 */
export const selectBadges = `
SELECT j.key AS i, (
  SELECT coalesce(sum(x.above + CASE WHEN x.below = 0 THEN 0 ELSE max(x.above = 0, (
    SELECT count(*) FROM tidings_message w
    WHERE w.conversation = x.key AND w.seq <= x.both AND w.seq > x.both - min(x.below, max(0, ?2 - x.spent)) AND w.sender <> u.key
  )) END), 0)
  FROM (
    SELECT y.*, sum(y.below) OVER (ORDER BY y.n DESC ROWS UNBOUNDED PRECEDING) - y.below AS spent
    FROM (
      SELECT c.key, c.n, c.both, max(0, c.others - max(me.read, c.both)) AS above, max(0, c.both - me.read) AS below
      FROM (${ofSide("low")} UNION ALL ${ofSide("high")}) c
      CROSS JOIN tidings_member me ON me.conversation = c.key AND me.user = u.key
      WHERE c.others > me.read
        AND NOT EXISTS (SELECT 1 FROM tidings_mute t WHERE t.user = u.key AND t.conversation = c.key AND coalesce(t.until > ?4, 1))
        AND NOT EXISTS (SELECT 1 FROM tidings_relation r WHERE r.user = u.key AND r.other = me.peer AND r.blocked)
    ) y
  ) x
) AS badge
FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}`;

/** Whether a notice shows something that its user has read, or that is of somebody whom they have blocked. */
const isOver = (shown: string): string => `${shown} > 0 AND EXISTS (
  SELECT 1 FROM tidings_push_address a CROSS JOIN tidings_member me ON me.conversation = push_notice.conversation AND me.user = a.user
  WHERE a.key = push_notice.address AND (me.read >= ${shown}
    OR EXISTS (SELECT 1 FROM tidings_relation r WHERE r.user = a.user AND r.other = me.peer AND r.blocked)))`;

/**
 * Fenced. ?2 rows: [address, conversation, seq, n, whether that is done with, due or null, attempts, shown or null]
 *
 * What came meanwhile is due at once, and so is the end of a notification that was read, or whose sender was blocked, meanwhile.
 */
export const settleNotices = `
UPDATE tidings_push_notice AS push_notice SET
  shown = coalesce(x.shown, push_notice.shown),
  attempts = x.attempts,
  first = CASE WHEN x.is_done THEN max(push_notice.first, x.seq + 1) ELSE push_notice.first END,
  due = CASE
    WHEN x.is_done AND push_notice.n > x.n THEN push_notice.n
    WHEN x.is_done AND x.due IS NULL AND ${isOver("coalesce(x.shown, push_notice.shown)")} THEN push_notice.n
    ELSE x.due END
FROM (
  SELECT ${field(0)} AS address, ${field(1)} AS conversation, ${field(2)} AS seq, ${field(3)} AS n, ${field(4)} AS is_done,
    ${field(5)} AS due, ${field(6)} AS attempts, ${field(7)} AS shown FROM json_each(?2) j
) x
WHERE push_notice.address = x.address AND push_notice.conversation = x.conversation AND ${fence}`;

/** Fenced. ?2 rows: [address, conversation, …]. Those that show nothing and wait for nothing. */
export const deleteDoneNotices = `
DELETE FROM tidings_push_notice WHERE ${fence} AND due IS NULL AND shown = 0
  AND (address, conversation) IN (SELECT ${field(0)}, ${field(1)} FROM json_each(?2) j)`;

/** Fenced. ?2 rows: [address, hash, refreshed], dead ones: those that nobody has registered anew. */
const deadAddresses = `
SELECT a.key FROM json_each(?2) j
CROSS JOIN tidings_push_address a ON a.key = ${field(0)} AND a.hash = ${field(1)} AND a.refreshed = ${field(2)}`;
/** ?3 how many at most; answers those that went. */
export const deleteDeadNotices = `
DELETE FROM tidings_push_notice WHERE ${fence} AND (address, conversation) IN (
  SELECT p.address, p.conversation FROM tidings_push_notice p WHERE p.address IN (${deadAddresses}) LIMIT ?3)
RETURNING 1`;
export const deleteDeadAddresses = `
DELETE FROM tidings_push_address WHERE ${fence} AND key IN (${deadAddresses}) AND ${isEmpty()}`;

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

/** ?1 older than this. Whether there is any. */
export const selectOldLog = `SELECT 1 AS old FROM tidings_push_log l WHERE l.time < ?1 LIMIT 1`;

/** Fenced. ?2 older than this, ?3 how many at most; answers how many. */
export const pruneLog = `
DELETE FROM tidings_push_log WHERE ${fence} AND key IN (SELECT l.key FROM tidings_push_log l WHERE l.time < ?2 ORDER BY l.time LIMIT ?3)
RETURNING 1`;

// Explaining. ?1 tenant, ?2 user.

/**
 * ?3 message id, ?4 how many. A message id that was for a user: the newest of the places where it stands, one for each sender. In their
 * order by `n` all of the user's messages would be walked through.
 */
export const selectExplained = `
SELECT m.n, m.conversation, m.seq, m.time, s.id AS sender, me.read
FROM tidings_user u CROSS JOIN tidings_message m INDEXED BY tidings_message_id ON m.id = ?3 AND m.recipient = u.key CROSS JOIN tidings_user s ON s.key = m.sender
CROSS JOIN tidings_member me ON me.conversation = m.conversation AND me.user = u.key
WHERE u.tenant = ?1 AND u.id = ?2 ORDER BY m.n DESC LIMIT ?4`;

/** ?3 how many. The addresses of the user, the last refreshed first; there are no more than a user may have. */
export const selectExplainedAddresses = `
SELECT a.device, a.key AS address, a.provider, a.since, a.decided, ${acked} AS acked
FROM tidings_user u CROSS JOIN tidings_push_address a ON a.user = u.key
WHERE u.tenant = ?1 AND u.id = ?2 ORDER BY a.refreshed DESC, a.key DESC LIMIT ?3`;

/** ?3 how many. Devices of the user without any address, the one that has acked the newest first. */
export const selectExplainedDevices = `
SELECT d.device, NULL AS address, NULL AS provider, NULL AS since, NULL AS decided, d.acked
FROM tidings_user u CROSS JOIN tidings_device d ON d.user = u.key
WHERE u.tenant = ?1 AND u.id = ?2 AND NOT EXISTS (
  SELECT 1 FROM tidings_push_address a WHERE a.user = d.user AND a.device = d.device
)
ORDER BY d.acked DESC, d.device DESC LIMIT ?3`;

/** ?3 conversation key, ?4 place in it, ?5 rows looked at, ?6 how many. What was decided of a message. */
export const selectExplainedLog = `
SELECT x.* FROM tidings_user u CROSS JOIN (
  SELECT l.conversation, l.first, l.seq, l.address, l.user, l.device, l.provider, l.time, l.decision, l.reason, l.until, l.attempts,
    l.answer, l.cleared, l.key
  FROM tidings_push_log l WHERE l.conversation = ?3 AND l.seq >= ?4 ORDER BY l.seq LIMIT ?5
) x ON x.user = u.key AND x.first <= ?4
WHERE u.tenant = ?1 AND u.id = ?2 ORDER BY x.time DESC, x.key DESC LIMIT ?6`;
