import { exactly, ownMessages } from "../own-messages.ts";
import { acked, fence, field } from "./sql-parts.ts";

/** The statements behind `unacked-store.ts`: which users have something new in the log, and which notices become due. */

/** ?1 after, ?2 up to. The recipients of messages of others, each with the first of these messages. */
export const selectRecipients = `
SELECT u.tenant, u.id AS user, x.n FROM (
  SELECT m.recipient, min(m.n) AS n FROM tidings_message m NOT INDEXED WHERE m.n > ?1 AND m.n <= ?2 AND m.sender <> m.recipient GROUP BY m.recipient
) x CROSS JOIN tidings_user u ON u.key = x.recipient`;

/** ?1 after, ?2 up to. The users with a read mark that has moved, each with the conversation. */
export const selectReaders = `
SELECT u.tenant, u.id AS user, p.conversation, p.n FROM tidings_member p CROSS JOIN tidings_user u ON u.key = p.user
WHERE p.n > ?1 AND p.n <= ?2 AND p.n > 0 AND p.read > 0`;

/** ?1 after, ?2 up to. The blocks: each user with the one they have blocked. */
export const selectBlockers = `
SELECT u.tenant, u.id AS user, o.id AS other, r.n FROM tidings_relation r
CROSS JOIN tidings_user u ON u.key = r.user CROSS JOIN tidings_user o ON o.key = r.other
WHERE r.n > ?1 AND r.n <= ?2 AND r.blocked`;

/** Fenced. ?2 rows: [tenant, user, provider, the `n` before their first message]; ?3 now. Only for users without an address of that provider. */
export const insertUserAddresses = `
INSERT INTO tidings_push_address (user, tenant, device, provider, token, hash, since, decided, refreshed)
SELECT u.key, u.tenant, '', ${field(2)}, '', 'user ' || u.key, ${field(3)}, ${field(3)}, ?3
FROM json_each(?2) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
WHERE ${fence} AND NOT EXISTS (SELECT 1 FROM tidings_push_address a WHERE a.user = u.key AND a.provider = ${field(2)})
ON CONFLICT DO NOTHING`;

/** ?1 rows: [tenant, user, provider]. Those rows of users without an address of that provider. */
export const selectUnaddressed = `
SELECT j.key AS i FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
WHERE NOT EXISTS (SELECT 1 FROM tidings_push_address a WHERE a.user = u.key AND a.provider = ${field(2)})`;

/**
 * ?1 rows: [tenant, user]; ?2 messages counted at most. Their addresses, each with its first undecided message that its device has not
 * acked, and the number of such messages. Where only what the user sent was found so far, there may be one behind it: the first one is said to be
 * there.
 */
export const selectUndecided = `
WITH RECURSIVE address AS MATERIALIZED (
  SELECT j.key AS i, a.key, a.provider, a.user, a.device, max(a.decided, ${acked}) AS since
  FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
  CROSS JOIN tidings_push_address a ON a.user = u.key
), start(i, user, after, until) AS MATERIALIZED (
  SELECT a.key, a.user, a.since, max(a.since, head.n) FROM address a CROSS JOIN tidings_head head
), ${ownMessages("?2")}, ${exactly("?2")}, first AS MATERIALIZED (
  SELECT o.i, min(o.n) AS n, count(*) AS count FROM own o CROSS JOIN start s ON s.i = o.i WHERE o.sender <> s.user GROUP BY o.i
)
SELECT a.i, a.key, a.provider, a.device, coalesce(f.n, CASE WHEN r.up_to < r.until THEN r.up_to END) AS n, min(?2, coalesce(f.count, 0)) AS count
FROM address a CROSS JOIN reach r ON r.i = a.key LEFT JOIN first f ON f.i = a.key`;

/** ?2 rows: [address, up to]; ?3 about how many messages at most. The range of messages of each address that is decided on now (`reach`). */
const undecidedRanges = `start(i, user, after, until) AS MATERIALIZED (
  SELECT x.key, x.user, x.since, max(x.since, x.wanted) FROM (
    SELECT a.key, a.user, max(a.decided, ${acked}) AS since, min(${field(1)}, head.n) AS wanted
    FROM json_each(?2) j CROSS JOIN tidings_head head CROSS JOIN tidings_push_address a ON a.key = ${field(0)}
  ) x
), ${ownMessages("(?3 + 1)")}, ${exactly("(?3 + 1)")}`;

/**
 * Fenced. As undecidedRanges. Messages that the user has read already make no notice.
 *
 * A notice that is due at once has its log position as due time. It depends on no clock, so a clock that is set, or another node's, cannot delay
 * it. Such notices come in the order of the log, before those that waited for a time.
 */
export const insertNotices = `
WITH RECURSIVE ${undecidedRanges}
INSERT INTO tidings_push_notice AS push_notice (address, conversation, provider, n, seq, first, due)
SELECT a.key, o.conversation, a.provider, max(o.n), max(o.seq), min(o.seq), min(o.n)
FROM own o CROSS JOIN tidings_push_address a ON a.key = o.i AND a.user <> o.sender
CROSS JOIN tidings_member me ON me.conversation = o.conversation AND me.user = a.user AND me.read < o.seq
WHERE ${fence}
GROUP BY a.key, o.conversation
ON CONFLICT (address, conversation) DO UPDATE SET n = excluded.n, seq = excluded.seq,
  first = CASE WHEN due IS NULL OR first > seq THEN excluded.first ELSE first END, due = coalesce(due, excluded.due)
WHERE excluded.n > push_notice.n`;

/** Fenced. As undecidedRanges; after insertNotices. */
export const advanceDecided = `
WITH RECURSIVE ${undecidedRanges}
UPDATE tidings_push_address AS push_address SET decided = max(decided, (SELECT r.up_to FROM reach r WHERE r.i = push_address.key))
WHERE key IN (SELECT r.i FROM reach r) AND ${fence}`;

/** Shown notices of messages that were read. One that waits for the end of quiet hours is due now; one for which the provider has named a time stays until then. */
const readNotices = `
SELECT p.address, p.conversation FROM json_each(?2) j
CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
CROSS JOIN tidings_push_address a ON a.user = u.key
CROSS JOIN tidings_push_notice p ON p.address = a.key AND p.conversation = ${field(2)} AND p.shown > 0
CROSS JOIN tidings_member me ON me.conversation = p.conversation AND me.user = u.key AND me.read >= p.shown
WHERE p.due IS NULL OR (p.due > ?3 AND p.attempts = 0 AND me.read >= p.seq)`;

/** ?2 rows: [tenant, user, conversation key]; ?3 now. The number of shown notifications of messages that were read since. */
export const countReadNotices = `SELECT count(*) AS count FROM (${readNotices}) WHERE ?1 IS NOT NULL`;

/** Fenced. ?2 as countReadNotices. Due at once. */
export const wakeReadNotices = `
UPDATE tidings_push_notice AS push_notice SET due = push_notice.n WHERE ${fence} AND (address, conversation) IN (${readNotices})`;

/** Shown notices of blocked senders. One for which the provider has named a time stays until then. */
const blockedNotices = `
SELECT p.address, p.conversation FROM json_each(?2) j
CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
CROSS JOIN tidings_user o ON o.tenant = ${field(0)} AND o.id = ${field(2)}
CROSS JOIN tidings_relation r ON r.user = u.key AND r.other = o.key AND r.blocked
CROSS JOIN tidings_conversation c ON c.low = min(u.key, o.key) AND c.high = max(u.key, o.key)
CROSS JOIN tidings_push_address a ON a.user = u.key
CROSS JOIN tidings_push_notice p ON p.address = a.key AND p.conversation = c.key AND p.shown > 0
WHERE p.due IS NULL OR (p.due > ?3 AND p.attempts = 0)`;

/** ?2 rows: [tenant, user, the blocked user]; ?3 now. The number of shown notifications of these senders. */
export const countBlockedNotices = `SELECT count(*) AS count FROM (${blockedNotices}) WHERE ?1 IS NOT NULL`;

/** Fenced. ?2 as countBlockedNotices. Due at once. */
export const wakeBlockedNotices = `
UPDATE tidings_push_notice AS push_notice SET due = push_notice.n WHERE ${fence} AND (address, conversation) IN (${blockedNotices})`;
