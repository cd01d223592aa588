/** The statement that stores mentions, so that unread mentions are counted without the messages. */

/** Behind the sends of a commit, before the head moves: a row for each mentioned member, and one row for a mention of all. */
export const insertMentions = `
INSERT INTO tidings_mention (conversation, user, seq, sender)
SELECT m.conversation, u.key, m.seq, m.sender FROM tidings_head head CROSS JOIN tidings_message m NOT INDEXED ON m.n > head.n AND m.mentions IS NOT NULL
CROSS JOIN tidings_conversation c ON c.key = m.conversation CROSS JOIN json_each(m.mentions) j CROSS JOIN tidings_user u ON u.tenant = c.tenant AND u.id = j.value
CROSS JOIN tidings_group_member g ON g.conversation = m.conversation AND g.user = u.key AND g.status = 0
WHERE json_type(m.mentions) = 'array'
UNION ALL
SELECT m.conversation, 0, m.seq, m.sender FROM tidings_head head CROSS JOIN tidings_message m NOT INDEXED ON m.n > head.n AND m.mentions IS NOT NULL
WHERE json_type(m.mentions) = 'text'
ON CONFLICT DO NOTHING`;
