/** The statements that read a user's groups for the list of conversations. A user has a bounded number of groups: all of them are looked at, and those of the page counted. */

import { messagesBetween } from "../message-walk.ts";

/** The last place that member `x` may read. */
const lastPlace = `min(x.seq, coalesce(x.until, x.seq))`;
/** What is above this may be unread. */
const firstUnread = `max(x.read, x.since)`;

/** `found`: rows of memberships `g` with their conversations `c` of user `u`. */
const listed = (found: string): string => `
WITH RECURSIVE page AS MATERIALIZED (
  SELECT g.conversation, g.user, g.status, g.role, g.since, g.until, g.joined, g.read, c.seq, c.n AS last, coalesce(g.until_n, c.n) AS activity
  FROM tidings_user u CROSS JOIN ${found}
), counted AS MATERIALIZED (
  SELECT x.*, ${lastPlace} AS bottom, max(0, ${lastPlace} - ${firstUnread}) AS above, octet_length(l.text) AS bytes,
    coalesce(sum(max(0, ${lastPlace} - ${firstUnread})) OVER (ORDER BY x.activity DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS spent,
    coalesce(sum(octet_length(l.text)) OVER (ORDER BY x.activity DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS before
  FROM page x CROSS JOIN tidings_message l ON l.n = x.activity
)
SELECT x.activity, x.bytes, x.spent, min(x.above, ?5) AS own_spent, x.status, x.role, x.since, x.until, x.read, k.size,
  k.version AS state_version, k.name, k.data, k.visibility, k.history, coalesce(t.version, 0) AS version,
  CASE WHEN t.user IS NULL THEN 0 ELSE coalesce(t.until, -1) END AS muted_until,
  m.n, m.conversation, m.seq, m.id, m.text, m.time, m.event, m.mentions, s.id AS sender, NULL AS recipient,
  CASE WHEN x.spent < ?7 THEN (
    SELECT count(*) FROM (${messagesBetween({
      ...{ conversation: "x.conversation", to: "x.bottom", last: "x.last" },
      from: `max(${firstUnread}, x.bottom - ?5)`,
    })}) w CROSS JOIN tidings_message e ON e.n = w.n WHERE w.sender <> x.user AND e.event IS NULL
  ) ELSE 0 END AS unread,
  (SELECT count(*) FROM (
    SELECT 1 FROM tidings_mention q WHERE q.conversation = x.conversation AND q.user IN (x.user, 0) AND q.sender <> x.user
      AND q.seq > ${firstUnread} AND q.seq <= x.bottom LIMIT ?5
  )) AS mentions_unread
FROM counted x CROSS JOIN tidings_group k ON k.conversation = x.conversation CROSS JOIN tidings_message m ON m.n = x.activity
CROSS JOIN tidings_user s ON s.key = m.sender LEFT JOIN tidings_mute t ON t.user = x.user AND t.conversation = x.conversation
WHERE x.before < ?6 ORDER BY x.activity DESC`;

/**
 * ?1 tenant, ?2 user, ?3 below this change number, ?4 limit, ?5 how many messages are counted of one of them at most, ?6 bytes of the last messages' texts, ?7 how many
 * messages are counted of all, before the last one. `activity`: the newest message that the user may read.
 */
export const selectGroupList = listed(
  `tidings_group_member g INDEXED BY tidings_group_member_user ON g.user = u.key CROSS JOIN tidings_conversation c ON c.key = g.conversation
  WHERE u.tenant = ?1 AND u.id = ?2 AND coalesce(g.until_n, c.n) < ?3 ORDER BY coalesce(g.until_n, c.n) DESC LIMIT ?4`,
);

/** As selectGroupList, of one of them: ?8 its key; ?3 and ?4 are not used. */
export const selectListedGroup = listed(
  `tidings_group_member g ON g.user = u.key AND g.conversation = ?8 CROSS JOIN tidings_conversation c ON c.key = g.conversation
  WHERE u.tenant = ?1 AND u.id = ?2`,
);
