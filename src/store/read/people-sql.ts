/** The statements behind contacts, blocks and last-seen times. As in `send-sql.ts`, the batch drives every loop. */

import { field } from "../sql.ts";

/**
 * rows: [tenant, user, other, whether a contact or null, whether blocked or null]; null: as it is. One of a pair in a batch.
 * ?2: how many rows a user may have
 *
 * What changes nothing is left out; what changes something gets the next change number. Of a user who would have too many rows nothing is
 * taken at all: a batch has one call of each user.
 */
export const upsertRelations = `
WITH said AS MATERIALIZED (
  SELECT j.key AS i, a.key AS user, b.key AS other, r.n AS n, r.hidden,
    coalesce(${field(3)}, r.contact, 0) AS contact, coalesce(r.contact, 0) AS was_contact,
    coalesce(${field(4)}, r.blocked, 0) AS blocked, coalesce(r.blocked, 0) AS was_blocked
  FROM json_each(?1) j
  CROSS JOIN tidings_user a ON a.tenant = ${field(0)} AND a.id = ${field(1)}
  CROSS JOIN tidings_user b ON b.tenant = ${field(0)} AND b.id = ${field(2)}
  LEFT JOIN tidings_relation r ON r.user = a.key AND r.other = b.key
), refused AS MATERIALIZED (
  SELECT made.user FROM said made WHERE made.n IS NULL AND (made.contact OR made.blocked) GROUP BY made.user
  HAVING count(*) + (SELECT count(*) FROM (SELECT 1 FROM tidings_relation r WHERE r.user = made.user LIMIT ?2)) > ?2
)
INSERT INTO tidings_relation (user, other, contact, blocked, n, hidden)
SELECT x.user, x.other, x.contact, x.blocked, head.n + row_number() OVER (ORDER BY x.i), CASE
  WHEN x.was_blocked AND x.blocked THEN x.hidden
  WHEN x.was_blocked THEN coalesce(x.hidden, 0)
  WHEN x.blocked THEN coalesce(
    (SELECT coalesce(q.hidden, 0) FROM tidings_relation q WHERE q.user = x.other AND q.other = x.user AND q.blocked),
    head.n + row_number() OVER (ORDER BY x.i))
END
FROM said x CROSS JOIN tidings_head head
WHERE (x.contact <> x.was_contact OR x.blocked <> x.was_blocked) AND x.user NOT IN (SELECT user FROM refused)
ON CONFLICT (user, other) DO UPDATE
  SET contact = excluded.contact, blocked = excluded.blocked, n = excluded.n, hidden = excluded.hidden
RETURNING n, contact, blocked, (SELECT u.tenant FROM tidings_user u WHERE u.key = user) AS tenant,
  (SELECT u.id FROM tidings_user u WHERE u.key = user) AS user, (SELECT u.id FROM tidings_user u WHERE u.key = other) AS other`;

/** rows: as for upsertRelations, after it. Those which should make a row and have none: it was refused, with all that its user said. */
export const selectRefusedRelations = `
SELECT j.key AS i FROM json_each(?1) j CROSS JOIN tidings_user a ON a.tenant = ${field(0)} AND a.id = ${field(1)}
CROSS JOIN tidings_user b ON b.tenant = ${field(0)} AND b.id = ${field(2)}
WHERE (${field(3)} OR ${field(4)}) AND NOT EXISTS (SELECT 1 FROM tidings_relation r WHERE r.user = a.key AND r.other = b.key)`;

/** Whether one of two users, as their keys, has a relation `rb` to the other that is `so`. */
const isBetween = (one: string, other: string, so: string): string => `(
  EXISTS (SELECT 1 FROM tidings_relation rb WHERE rb.user = ${one} AND rb.other = ${other} AND ${so})
  OR EXISTS (SELECT 1 FROM tidings_relation rb WHERE rb.user = ${other} AND rb.other = ${one} AND ${so}))`;

/** Whether one of two users, as their keys, has blocked the other: receipts, presence and typing go neither way then. */
export const isBlockedBetween = (one: string, other: string): string => isBetween(one, other, "rb.blocked");

/** Whether marks, which last moved at `n`, moved during a block between two users. Receipts from before the block are not hidden. */
export const isHiddenBetween = ({ one, other, n }: Readonly<Record<"one" | "other" | "n", string>>): string =>
  isBetween(one, other, `rb.blocked AND ${n} > coalesce(rb.hidden, 0)`);

/**
 * After a block has ended; runs after upsertRelations, before the head moves: for pairs of users where one has just ended a block and neither
 * blocks the other any more.
 *
 * Marks that moved during the block were hidden: they change again, so that no cursor is past them. Marks that moved before it were never
 * hidden, so blocking and unblocking repeatedly reveals nothing.
 */
export const revealMarks = `
INSERT INTO tidings_member (conversation, user, peer, delivered, read, n)
SELECT p.conversation, p.user, p.peer, p.delivered, p.read,
  max(head.n, (SELECT max(l.n) FROM tidings_relation l)) + row_number() OVER ()
FROM (
  SELECT min(r.user, r.other) AS low, max(r.user, r.other) AS high, min(r.hidden) AS since
  FROM tidings_head head CROSS JOIN tidings_relation r ON r.n > head.n
  WHERE NOT r.blocked AND r.hidden IS NOT NULL AND NOT ${isBlockedBetween("r.user", "r.other")}
  GROUP BY min(r.user, r.other), max(r.user, r.other)
) x
CROSS JOIN tidings_conversation c ON c.low = x.low AND c.high = x.high
CROSS JOIN tidings_member p ON p.conversation = c.key AND p.n > x.since
CROSS JOIN tidings_head head
WHERE true
ON CONFLICT (conversation, user) DO UPDATE SET n = excluded.n
RETURNING n, conversation, delivered, read,
  (SELECT u.tenant FROM tidings_user u WHERE u.key = user) AS tenant,
  (SELECT u.id FROM tidings_user u WHERE u.key = user) AS user,
  (SELECT u.id FROM tidings_user u WHERE u.key = peer) AS peer`;

/** After revealMarks. */
export const advanceHeadToRelations = `
UPDATE tidings_head SET n = max(n, coalesce((SELECT max(n) FROM tidings_relation), 0), coalesce((SELECT max(n) FROM tidings_member WHERE n > 0), 0))`;

/** rows: [tenant, user, milliseconds since the Unix epoch]. Never goes back. */
export const upsertSeen = `
INSERT INTO tidings_seen AS seen (user, time)
SELECT u.key, ${field(2)} FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
WHERE true
ON CONFLICT (user) DO UPDATE SET time = max(seen.time, excluded.time)`;

/** ?1 tenant, ?2 users as a JSON array */
export const selectSeen = `
SELECT u.id, s.time FROM json_each(?2) j CROSS JOIN tidings_user u ON u.tenant = ?1 AND u.id = j.value CROSS JOIN tidings_seen s ON s.user = u.key`;

/** ?1 tenant, ?2 user, ?3 others as a JSON array: the relationship of the user with each of them, where there is any. */
export const selectRelationships = `
SELECT b.id AS other, coalesce(r.blocked, 0) AS has_blocked, coalesce(q.blocked, 0) AS is_blocked,
  coalesce(r.contact, 0) OR coalesce(q.contact, 0) AS is_contact,
  EXISTS (SELECT 1 FROM tidings_conversation c
    WHERE c.low = min(a.key, b.key) AND c.high = max(a.key, b.key) AND c.seq > 0) AS has_conversation
FROM tidings_user a CROSS JOIN json_each(?3) j CROSS JOIN tidings_user b ON b.tenant = ?1 AND b.id = j.value
LEFT JOIN tidings_relation r ON r.user = a.key AND r.other = b.key
LEFT JOIN tidings_relation q ON q.user = b.key AND q.other = a.key
WHERE a.tenant = ?1 AND a.id = ?2`;

/** ?1 tenant, ?2 user, ?3 after this name, ?4 limit. In the order of their names. */
const selectOthers = (column: "contact" | "blocked"): string => `
SELECT o.id FROM tidings_user a CROSS JOIN tidings_relation r ON r.user = a.key AND r.${column} CROSS JOIN tidings_user o ON o.key = r.other
WHERE a.tenant = ?1 AND a.id = ?2 AND o.id > ?3 ORDER BY o.id LIMIT ?4`;
export const selectContacts = selectOthers("contact");
export const selectBlocked = selectOthers("blocked");

/** ?1 tenant, ?2 user, ?3 other */
export const selectContact = `
SELECT 1 FROM tidings_user a CROSS JOIN tidings_user o ON o.tenant = ?1 AND o.id = ?3
CROSS JOIN tidings_relation r ON r.user = a.key AND r.other = o.key AND r.contact WHERE a.tenant = ?1 AND a.id = ?2`;

/**
 * ?1 tenant, ?2 user, ?3 others as a JSON array, ?4: how many rows the user has are counted
 *
 * How many relations the user has, and how many of the others have none yet; relations that were taken back count too.
 */
export const countRelations = `
SELECT (SELECT count(*) FROM (SELECT 1 FROM tidings_relation r WHERE r.user = a.key LIMIT ?4)) AS present, (
  SELECT count(*) FROM json_each(?3) j WHERE NOT EXISTS (
    SELECT 1 FROM tidings_user o CROSS JOIN tidings_relation q ON q.other = o.key AND q.user = a.key WHERE o.tenant = ?1 AND o.id = j.value)
  ) AS missing
FROM tidings_user a WHERE a.tenant = ?1 AND a.id = ?2`;

/** ?1 tenant, ?2 user, ?3 after, ?4 limit */
export const selectOwnRelations = `
SELECT r.n, r.contact, r.blocked, o.id AS other FROM tidings_relation r CROSS JOIN tidings_user o ON o.key = r.other
WHERE r.user = (SELECT key FROM tidings_user WHERE tenant = ?1 AND id = ?2) AND r.n > ?3 ORDER BY r.n LIMIT ?4`;

/** ?1 after, ?2 limit: the whole log, every tenant. */
export const selectRelations = `
SELECT r.n, r.contact, r.blocked, u.tenant, u.id AS user, o.id AS other
FROM tidings_relation r CROSS JOIN tidings_user u ON u.key = r.user CROSS JOIN tidings_user o ON o.key = r.other
WHERE r.n > ?1 ORDER BY r.n LIMIT ?2`;

/**
 * rows: [tenant, from, conversation key or null, to or null], sends that were left out: which of them are into a conversation of the sender's. One between two
 * users is there from the commit of their first send on, also if that was refused.
 */
export const selectOwnConversations = `
SELECT j.key AS i FROM json_each(?1) j CROSS JOIN tidings_user a ON a.tenant = ${field(0)} AND a.id = ${field(1)}
CROSS JOIN tidings_conversation c ON c.key = coalesce(${field(2)}, (
  SELECT p.key FROM tidings_user b CROSS JOIN tidings_conversation p ON p.low = min(a.key, b.key) AND p.high = max(a.key, b.key)
  WHERE b.tenant = ${field(0)} AND b.id = ${field(3)}
)) AND a.key IN (c.low, c.high) AND (c.seq > 0 OR ${field(2)} IS NULL)`;
