/**
 * The statements that store sends. Rows of a batch come in as one JSON array (`json_each`), so that a commit takes a constant number of
 * statements whatever it carries. CROSS JOIN fixes the order of the loops: the batch drives, everything else is a look-up by key.
 */

import { field } from "../sql.ts";

/** rows: [tenant, user] */
export const insertUsers = `
INSERT INTO tidings_user (tenant, id)
SELECT ${field(0)}, ${field(1)} FROM json_each(?1) j WHERE true
ON CONFLICT DO NOTHING`;

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

type Numbers = Readonly<Record<"n" | "seq" | "prev", string>>;

/**
 * rows: [tenant, from, to or null, conversation key or null, id, text, mentions as JSON or null]; ?2: their time in milliseconds since the Unix epoch
 *
 * Left out are sends with an id that exists already, with a conversation that is not the sender's, into a group where the sender is not, or to a user who blocks the
 * sender. The others get the next change numbers, and the next seqs of their conversation, in the order of the batch. Each knows the newest message of the other before this commit.
 */
const insertSends = ({ n, seq, prev }: Numbers): string => `
INSERT INTO tidings_message (n, conversation, seq, id, sender, recipient, text, time, other_seq, prev, mentions)
SELECT x.n, x.conversation, x.seq, x.id, x.sender, x.recipient, x.text, ?2, x.other_seq,
  ${prev}, CASE WHEN x.recipient IS NULL THEN x.mentions END
FROM (SELECT head.n + ${n} AS n, c.key AS conversation, c.n AS last,
  c.seq + ${seq} AS seq,
  s.id, a.key AS sender, c.low + c.high - a.key AS recipient, s.text, s.mentions, CASE a.key WHEN c.low THEN c.high_seq ELSE c.low_seq END AS other_seq
FROM (
  SELECT j.key AS i, ${field(0)} AS tenant, ${field(1)} AS sender, ${field(2)} AS recipient, ${field(3)} AS conversation,
    ${field(4)} AS id, ${field(5)} AS text, ${field(6)} AS mentions
  FROM json_each(?1) j
) s
CROSS JOIN tidings_head head
CROSS JOIN tidings_user a ON a.tenant = s.tenant AND a.id = s.sender
CROSS JOIN tidings_conversation c ON c.key = coalesce(s.conversation, (
  SELECT p.key FROM tidings_user b CROSS JOIN tidings_conversation p ON p.low = min(a.key, b.key) AND p.high = max(a.key, b.key)
  WHERE b.tenant = s.tenant AND b.id = s.recipient
)) AND (a.key IN (c.low, c.high) OR (c.low IS NULL AND EXISTS (
  SELECT 1 FROM tidings_group_member g WHERE g.conversation = c.key AND g.user = a.key AND g.status = 0
)))
WHERE NOT EXISTS (SELECT 1 FROM tidings_message m WHERE m.id = s.id AND m.sender = a.key)
  AND NOT EXISTS (SELECT 1 FROM tidings_relation r WHERE r.user = c.low + c.high - a.key AND r.other = a.key AND r.blocked)
) x
RETURNING n, conversation, seq, id, (SELECT u.id FROM tidings_user u WHERE u.key = recipient) AS recipient`;

/** The sends of a commit. */
export const insertMessages = insertSends({
  n: "row_number() OVER (ORDER BY s.i)",
  seq: "row_number() OVER (PARTITION BY c.key ORDER BY s.i)",
  prev: "coalesce(lag(x.n) OVER (PARTITION BY x.conversation ORDER BY x.n), x.last)",
});

/** A send that is alone in its commit: the windows take as long as the rest of it. */
export const insertMessage = insertSends({ n: "1", seq: "1", prev: "x.last" });

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
  FROM tidings_message m NOT INDEXED WHERE m.n > (SELECT n FROM tidings_head head) AND m.recipient <> m.sender
  WINDOW earlier AS (PARTITION BY m.conversation ORDER BY m.n ROWS UNBOUNDED PRECEDING)
) x
WHERE message.n = x.n AND x.other_seq > x.known`;

/** Writes the newest seqs into the conversations; runs before the head moves. With oneself, all messages are one's own: those of `high` stay at 0. */
export const advanceConversations = `
UPDATE tidings_conversation AS conversation SET seq = x.seq, n = x.n, low_seq = max(conversation.low_seq, x.low_seq),
  high_seq = max(conversation.high_seq, x.high_seq)
FROM (
  SELECT m.conversation, max(m.seq) AS seq, max(m.n) AS n,
    max(CASE WHEN m.sender = c.low THEN m.seq ELSE 0 END) AS low_seq,
    max(CASE WHEN m.sender = c.high AND c.low < c.high THEN m.seq ELSE 0 END) AS high_seq
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

/** rows: [tenant, from, to or null, conversation key or null, id]. The message with each id, and the conversation of the send. */
export const selectSends = `
SELECT s.i, m.n, m.conversation, m.seq, m.time, m.text, m.mentions, m.hash, (SELECT u.id FROM tidings_user u WHERE u.key = m.recipient) AS recipient,
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
