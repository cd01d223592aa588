/** The statements that read the log, for one user and for all, and the messages and conversations in it. */

import { messageAt } from "../message-walk.ts";
import { groupsSince, groupsWalked, isInGroups } from "../group/own-groups.ts";
import { conversationsSince, isDirectOf, newestMessage, type Walked, walkMessages } from "../own-messages.ts";
import { newestReceipt, receiptsOfConversations, receiptsSince } from "../own-receipts.ts";
import { isHiddenBetween } from "./people-sql.ts";

const userKey = `(SELECT key FROM tidings_user WHERE tenant = ?1 AND id = ?2)`;

/**
 * The first messages of a read of the log: at most `rows`, and no more once their texts reach `bytes` together, but always the first one. Only
 * lengths are read here, which SQLite knows without the texts.
 */
const firstOf = ({ from, rows, bytes }: { from: string; rows: string; bytes: string }): string => `(
  SELECT y.n, y.bytes FROM (
    SELECT x.n, x.bytes, sum(x.bytes) OVER (ORDER BY x.n ROWS UNBOUNDED PRECEDING) - x.bytes AS before FROM (
      SELECT l.n, octet_length(l.text) AS bytes FROM ${from} ORDER BY l.n LIMIT ${rows}
    ) x
  ) y WHERE y.before < ${bytes}
)`;

/** In so many conversations `selectNews` looks whether there is anything. */
export const newsLooked = 64;

/**
 * ?1 tenant, ?2 user, ?3 after. In how many of the user's conversations there may be messages, and receipts, and how new the newest of the first 64 are. By this
 * the statements are chosen that read them: a server prepares each of them for each call, and those take longer than this.
 */
export const selectNews = `
SELECT ${conversationsSince({ user: "u.key", n: "?3" })} AS conversations,
  ${newestMessage({ user: "u.key", n: "?3" }, newsLooked)} AS message,
  ${receiptsSince({ user: "u.key", n: "?3" })} AS marked, ${newestReceipt({ user: "u.key", n: "?3" }, newsLooked)} AS receipt,
  ${isInGroups("u.key")} AS is_in_groups, ${groupsSince({ user: "u.key", n: "?3" })} AS groups
FROM tidings_user u WHERE u.tenant = ?1 AND u.id = ?2`;

const asMessages = (first: string): string => `
SELECT m.n, m.conversation, m.seq, m.id, m.text, m.time, m.event, m.mentions, s.id AS sender, r.id AS recipient, z.bytes FROM ${first} z
CROSS JOIN tidings_message m ON m.n = z.n CROSS JOIN tidings_user s ON s.key = m.sender LEFT JOIN tidings_user r ON r.key = m.recipient`;

/** ?1 tenant, ?2 user, ?3 after, ?4 limit, ?5 up to, ?6 bytes of text. The user's messages, by all rows of the log. */
const messagesInRows = (isOwn: Walked["isOwn"]): string =>
  asMessages(
    firstOf({
      from: `tidings_user u CROSS JOIN tidings_message l NOT INDEXED
      WHERE u.tenant = ?1 AND u.id = ?2 AND l.n > ?3 AND l.n <= ?5 AND ${isOwn("u.key", "l")}`,
      rows: "?4",
      bytes: "?6",
    }),
  );

/**
 * The same by their conversations, of which ?7 may have something. Where not all of the log was looked at, one more row without a conversation says in `n` up to where
 * it was.
 */
const messagesInConversations = (walked?: Walked): string => `
WITH RECURSIVE way(i, user, after, until, conversations, scanned) AS MATERIALIZED (
  SELECT 0, u.key, ?3, ?5, ?7, NULL FROM tidings_user u WHERE u.tenant = ?1 AND u.id = ?2
), ${walkMessages("?4", walked)}
${asMessages(
  firstOf({
    from: "(SELECT n FROM found ORDER BY n LIMIT ?4) o CROSS JOIN tidings_message l ON l.n = o.n",
    rows: "?4",
    bytes: "?6",
  }),
)}
UNION ALL SELECT up_to, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0 FROM bound WHERE up_to < until`;

/** What the user sent to one other, and received from one. */
export const selectMessagesInRows = messagesInRows(isDirectOf);
export const selectMessagesInConversations = messagesInConversations();

/** What was sent in the user's groups while they were there. */
export const selectGroupMessagesInRows = messagesInRows(groupsWalked.isOwn);
export const selectGroupMessagesInGroups = messagesInConversations(groupsWalked);

const asReceipts = (rows: string): string => `
SELECT p.n, p.conversation, p.delivered, p.read, w.id AS user FROM tidings_user u CROSS JOIN ${rows} CROSS JOIN tidings_user w ON w.key = p.user
WHERE u.tenant = ?1 AND u.id = ?2 AND p.n <= ?5 AND (p.user = u.key OR NOT ${isHiddenBetween({ one: "p.user", other: "u.key", n: "p.n" })})
ORDER BY p.n LIMIT ?4`;

/** ?1 tenant, ?2 user, ?3 after, ?4 limit, ?5 up to. The user's own receipts and those of their peers, by all receipts in the log. */
export const selectReceiptsInRows = asReceipts(
  `tidings_member p INDEXED BY tidings_member_n ON p.n > ?3 AND p.n > 0 AND u.key IN (p.user, p.peer)`,
);

/** The same by their conversations. */
export const selectReceiptsInConversations = asReceipts(receiptsOfConversations({ user: "u.key", n: "?3" }));

/** ?1 after, ?2 limit, ?3 bytes of text: the whole log, every tenant. */
export const selectMessages = `
SELECT m.n, m.conversation, m.seq, m.id, m.text, m.time, m.event, m.mentions, s.tenant, s.id AS sender, r.id AS recipient, z.bytes
FROM ${firstOf({ from: "tidings_message l WHERE l.n > ?1", rows: "?2", bytes: "?3" })} z CROSS JOIN tidings_message m ON m.n = z.n
CROSS JOIN tidings_user s ON s.key = m.sender LEFT JOIN tidings_user r ON r.key = m.recipient ORDER BY z.n`;

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
export const selectMessageAt = `SELECT id FROM tidings_message WHERE n = ${messageAt({ conversation: "?1", seq: "?2" })}`;

/** ?1 tenant, ?2 and ?3 users. As for selectMembers, an empty row is no conversation yet. */
export const selectDirect = `
SELECT c.key FROM tidings_user a CROSS JOIN tidings_user b
CROSS JOIN tidings_conversation c ON c.low = min(a.key, b.key) AND c.high = max(a.key, b.key)
WHERE a.tenant = ?1 AND a.id = ?2 AND b.tenant = ?1 AND b.id = ?3 AND c.seq > 0`;

/** ?1 a message's n, ?2 its text as it was read, ?3 the new one, ?4 the hash of its send, which is kept where none is kept yet. See `changeText`. */
export const changeText = `
UPDATE tidings_message SET text = ?3, hash = coalesce(hash, ?4) WHERE n = ?1 AND text = ?2 RETURNING n`;

/** The setting of a row `t` of tidings_mute. */
const settingColumns = `t.n, t.conversation, t.version, coalesce(t.until, -1) AS muted_until`;

/** ?1 tenant, ?2 user, ?3 after, ?4 limit */
export const selectOwnSettings = `
SELECT ${settingColumns} FROM tidings_mute t WHERE t.user = ${userKey} AND t.n > ?3 AND t.n > 0 ORDER BY t.n LIMIT ?4`;

/** ?1 after, ?2 limit: the whole log, every tenant. */
export const selectSettings = `
SELECT ${settingColumns}, u.tenant, u.id AS user FROM tidings_mute t CROSS JOIN tidings_user u ON u.key = t.user
WHERE t.n > ?1 AND t.n > 0 ORDER BY t.n LIMIT ?2`;
