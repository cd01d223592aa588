import { messagesBetween } from "../message-walk.ts";
import { conversationsMax } from "../own-messages.ts";
import { acked, deleteNoticesOf, fence, field, isEmpty } from "./sql-parts.ts";

/** The statements behind `due-store.ts`: reading the due notices, and keeping their verdicts. */

/**
 * The number of messages in a conversation `c` that the owner of an address `a` has not read. Above the smaller of the two users' last seqs
 * all messages are of one sender, and are not looked at; below it the newest `most` rows are counted, and there may be more beyond them.
 */
const unreadOf = (most: string): string => {
  const others = `CASE a.user WHEN c.low THEN c.high_seq ELSE c.low_seq END`;
  const both = `min(c.low_seq, c.high_seq)`;
  return `max(0, ${others} - max(me.read, ${both})) + CASE WHEN ${both} <= me.read THEN 0 ELSE (
    SELECT count(*) FROM (${messagesBetween({ conversation: "c.key", from: `max(me.read, ${both} - ${most})`, to: both, last: "c.n" })}) w
    WHERE w.sender <> a.user
  ) END`;
};

/** A user's newest conversations, as one of its two sides; ?3 how many. */
const ofSide = (side: "low" | "high"): string => `
SELECT * FROM (SELECT c.key, c.n, c.${side === "low" ? "high" : "low"}_seq AS others, min(c.low_seq, c.high_seq) AS both
  FROM (
    SELECT k.key AS place FROM tidings_conversation k INDEXED BY tidings_conversation_${side}_period WHERE k.${side} = u.key AND k.period IS NOT NULL ORDER BY k.period DESC LIMIT max(?3, ${conversationsMax})
  ) CROSS JOIN tidings_conversation c ON c.key = place WHERE c.n > 0 AND c.low < c.high ORDER BY c.n DESC LIMIT ?3)`;

/** ?1 rows: names of providers. Whether a notice is due for one of them, now or later. */
export const selectWaiting = `
SELECT 1 AS waits FROM json_each(?1) j CROSS JOIN tidings_push_notice p ON p.provider = j.value AND p.due IS NOT NULL LIMIT 1`;

/** A range of one index: the notices that wait for a later time, however many, are not read. */
const notices = (range: string): string => `
SELECT * FROM (SELECT * FROM tidings_push_notice WHERE provider = ?1 AND ${range} ORDER BY due LIMIT ?3)`;

/**
 * ?1 provider, ?2 now, ?3 limit, ?4 messages looked at for each `unread`, ?5 later than any valid due time
 *
 * The due notices, with all facts that a decision needs. A due time that is too late is of a clock that was set back since: it is due.
 */
export const selectDue = `
SELECT p.address, p.conversation, p.provider, p.n, p.seq, p.first, p.due, p.attempts, p.shown, a.device, a.token, a.hash, a.refreshed, a.expires,
  u.tenant, u.id AS user, ${acked} AS acked,
  coalesce((SELECT d.notify FROM tidings_device d WHERE d.user = a.user AND d.device = a.device), 1) AS notify,
  me.read, me.n AS marks_n, m.id, m.text, m.time, s.id AS sender,
  (SELECT coalesce(t.until, -1) FROM tidings_mute t WHERE t.user = a.user AND t.conversation = p.conversation AND t.until IS NOT 0) AS muted_until,
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

/** A user's newest groups with something above what they have read; ?3 how many, ?4 now. A user has a bounded number of groups. */
const groupsOf = `
SELECT c.key, c.n, c.seq, c.seq - max(g.read, g.since) AS above
FROM tidings_group_member g INDEXED BY tidings_group_member_user CROSS JOIN tidings_conversation c ON c.key = g.conversation
WHERE g.user = u.key AND g.status = 0 AND c.seq > max(g.read, g.since)
  AND NOT EXISTS (SELECT 1 FROM tidings_mute t WHERE t.user = u.key AND t.conversation = c.key AND coalesce(t.until > ?4, 1))
ORDER BY c.n DESC LIMIT ?3`;

/**
 * ?1 rows: [tenant, user]; ?2 rows looked at for one user, ?3 conversations on each side, ?4 now. The unread messages of each user, within these
 * bounds, without muted conversations and blocked senders.
 *
 * `above` needs no rows (see unreadOf), `below` does: the newest conversations get theirs first, up to `?2` rows. A conversation that gets none, and
 * has nothing above, counts 1: its last message is unread for certain. Of groups, with rows of their own, messages count and events do not.
 */
export const selectBadges = `
SELECT j.key AS i, (
  SELECT coalesce(sum(x.above + CASE WHEN x.below = 0 THEN 0 ELSE max(x.above = 0, (
    SELECT count(*) FROM (${messagesBetween({ conversation: "x.key", from: "x.both - min(x.below, max(0, ?2 - x.spent))", to: "x.both", last: "x.n" })}) w
    WHERE w.sender <> u.key
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
) + (
  SELECT coalesce(sum((
    SELECT count(*) FROM (${messagesBetween({ conversation: "z.key", from: "z.seq - min(z.above, max(0, ?2 - z.spent))", to: "z.seq", last: "z.n" })}) w
    CROSS JOIN tidings_message e ON e.n = w.n WHERE w.sender <> u.key AND e.event IS NULL
  )), 0)
  FROM (
    SELECT y.*, sum(y.above) OVER (ORDER BY y.n DESC ROWS UNBOUNDED PRECEDING) - y.above AS spent FROM (${groupsOf}) y
  ) z
) AS badge
FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}`;

/** Whether a shown notification was read, or its sender blocked. */
const isOver = (shown: string): string => `${shown} > 0 AND EXISTS (
  SELECT 1 FROM tidings_push_address a CROSS JOIN tidings_member me ON me.conversation = push_notice.conversation AND me.user = a.user
  WHERE a.key = push_notice.address AND (me.read >= ${shown}
    OR EXISTS (SELECT 1 FROM tidings_relation r WHERE r.user = a.user AND r.other = me.peer AND r.blocked)))`;

/**
 * Fenced. ?2 rows: [address, conversation, seq, n, whether it is done, due or null, attempts, shown or null]
 *
 * A message that arrived during the request is due at once. So is the removal of a notification that was read, or that is of a sender who was blocked, during it.
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

/** Fenced. ?2 rows: [address, conversation, …]. Deletes those that show nothing and are not due. */
export const deleteDoneNotices = `
DELETE FROM tidings_push_notice WHERE ${fence} AND due IS NULL AND shown = 0
  AND (address, conversation) IN (SELECT ${field(0)}, ${field(1)} FROM json_each(?2) j)`;

/** Fenced. ?2 rows: [address, hash, refreshed]. Dead addresses that were not registered again since. */
const deadAddresses = `
SELECT a.key FROM json_each(?2) j
CROSS JOIN tidings_push_address a ON a.key = ${field(0)} AND a.hash = ${field(1)} AND a.refreshed = ${field(2)}`;
/** ?3 how many at most. */
export const deleteDeadNotices = deleteNoticesOf(deadAddresses, { most: "?3", isFenced: true });
export const deleteDeadAddresses = `
DELETE FROM tidings_push_address WHERE ${fence} AND key IN (${deadAddresses}) AND ${isEmpty()}`;
