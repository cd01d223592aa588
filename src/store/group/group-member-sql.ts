/**
 * The statements that change groups and their members. Each runs behind others in one transaction: what it changes gets change numbers above the head, by which the
 * next ones find it, and the head moves last. The event is head + 1, the group's state head + 2, the memberships what follows.
 */

const userNamed = (id: string): string => `(SELECT z.key FROM tidings_user z WHERE z.tenant = ?1 AND z.id = ${id})`;

/** The first arguments of all: ?1 tenant, ?2 the actor, ?3 whether it is the host, ?4 the group's key. */
const actor = userNamed("?2");

/** Whether the actor is a member of the group with at least a role, or the host. */
const mayAct = (role: number): string => `(?3 = 1 OR EXISTS (
  SELECT 1 FROM tidings_group_member a WHERE a.conversation = ?4 AND a.user = ${actor} AND a.status = 0 AND a.role >= ${role}))`;
const admin = 1;
const owner = 2;

const isOfTenant = `c.key = ?4 AND c.tenant = ?1`;

const hasBlockedActor = (user: string): string =>
  `EXISTS (SELECT 1 FROM tidings_relation r WHERE r.user = ${user} AND r.other = ${actor} AND r.blocked)`;

/** The membership that a statement has changed, as `membershipOf` reads it. */
const returning = `RETURNING n, conversation, status, role, since, until, joined, joined_n, until_n, read,
  (SELECT u.id FROM tidings_user u WHERE u.key = user) AS user, (SELECT u.tenant FROM tidings_user u WHERE u.key = user) AS tenant,
  ${["version", "name", "data", "visibility", "history"]
    .map(
      (column) =>
        `(SELECT k.${column} FROM tidings_group k WHERE k.conversation = tidings_group_member.conversation) AS ${column}`,
    )
    .join(", ")}`;

const insertedColumns = `conversation, user, status, role, since, until, joined, joined_n, until_n, read, n`;

const hasAllGroups = (user: string, most: string): string => `(SELECT count(*) FROM (
  SELECT 1 FROM tidings_group_member h INDEXED BY tidings_group_member_user WHERE h.user = ${user} LIMIT ${most}
)) >= ${most}`;

/** ?5 the id of its creation, ?6 the greatest number of groups of a user, ?7 its members with the creator, as a JSON array. */
export const insertGroupConversation = `
INSERT INTO tidings_conversation (key, tenant, kind)
SELECT ?4, ?1, 'group' WHERE NOT EXISTS (SELECT 1 FROM tidings_group k WHERE k.creator = ${actor} AND k.id = ?5)
  AND NOT EXISTS (SELECT 1 FROM json_each(?7) j CROSS JOIN tidings_user u ON u.tenant = ?1 AND u.id = j.value WHERE ${hasAllGroups("u.key", "?6")})`;

/** ?5 the id of its creation, ?6 name, ?7 data, ?8 visibility, ?9 history. After insertGroupConversation, which has made it. */
export const insertGroup = `
INSERT INTO tidings_group (conversation, creator, id, n, version, name, data, visibility, history, size)
SELECT c.key, ${actor}, ?5, head.n + 2, 1, ?6, ?7, ?8, ?9, 0 FROM tidings_conversation c CROSS JOIN tidings_head head
WHERE ${isOfTenant} AND c.seq = 0
RETURNING n, conversation, version, name, data, visibility, history, ?1 AS tenant`;

/** ?5 its members with the creator, as a JSON array. Users with a block against the creator stay out. */
export const insertFirstMembers = `
INSERT INTO tidings_group_member (${insertedColumns})
SELECT ?4, u.key, 0, CASE u.key WHEN ${actor} THEN ${owner} ELSE 0 END, 0, NULL, 0, head.n, NULL, 0, head.n + 2 + row_number() OVER (ORDER BY j.key)
FROM tidings_head head CROSS JOIN tidings_group k ON k.conversation = ?4 AND k.n > head.n
CROSS JOIN json_each(?5) j CROSS JOIN tidings_user u ON u.tenant = ?1 AND u.id = j.value
WHERE NOT ${hasBlockedActor("u.key")}
${returning}`;

/** A new membership from here on, of a member who is not here. */
const enter = `
SELECT c.key, u.key, 0, 0, CASE k.history WHEN 'all' THEN 0 ELSE c.seq END, NULL, c.seq, head.n, NULL, coalesce(o.read, 0), head.n + 2 + row_number() OVER (ORDER BY j.key)
FROM tidings_conversation c CROSS JOIN tidings_group k ON k.conversation = c.key CROSS JOIN tidings_head head
CROSS JOIN json_each(?5) j CROSS JOIN tidings_user u ON u.tenant = ?1 AND u.id = j.value
LEFT JOIN tidings_group_member o ON o.conversation = c.key AND o.user = u.key
WHERE ${isOfTenant} AND k.size + json_array_length(?5) <= ?6 AND (o.user IS NULL OR o.status <> 0)
  AND (o.user IS NOT NULL OR NOT ${hasAllGroups("u.key", "?7")})`;

const entered = `
ON CONFLICT (conversation, user) DO UPDATE SET status = 0, role = 0, since = excluded.since, until = NULL,
  joined = excluded.joined, joined_n = excluded.joined_n, until_n = NULL, n = excluded.n
${returning}`;

/** For the statements of invitations. */
export const memberSql = { actor, admin, mayAct, enter, entered, insertedColumns } as const;

/** ?5 users as a JSON array, ?6 how many members it may have, ?7 how many groups a user may have. Users with a block against the actor stay out. */
export const addMembers = `
INSERT INTO tidings_group_member (${insertedColumns}) ${enter} AND ${mayAct(admin)} AND NOT ${hasBlockedActor("u.key")} ${entered}`;

/** As addMembers, with the actor as the only user; an open group, and no removed member. */
export const joinGroup = `
INSERT INTO tidings_group_member (${insertedColumns}) ${enter} AND j.value = ?2 AND k.visibility = 'open' AND (o.status IS NULL OR o.status = 1) ${entered}`;

const isLastOwner = `(role = ${owner} AND NOT EXISTS (
  SELECT 1 FROM tidings_group_member o INDEXED BY tidings_group_member_owner
  WHERE o.conversation = ?4 AND o.status = 0 AND o.role = ${owner} AND o.user <> tidings_group_member.user))`;

const isHere = (user: string): string => `conversation = ?4 AND user = ${userNamed(user)} AND status = 0
  AND EXISTS (SELECT 1 FROM tidings_conversation c WHERE ${isOfTenant})`;

const ending = (
  status: number,
): string => `status = ${status}, until = (SELECT c.seq + 1 FROM tidings_conversation c WHERE c.key = ?4),
  until_n = (SELECT head.n + 1 FROM tidings_head head), n = (SELECT head.n + 3 FROM tidings_head head)`;

/** ?5 the user: by the host, or an admin whose role is above theirs. */
export const removeMember = `
UPDATE tidings_group_member SET ${ending(2)} WHERE ${isHere("?5")} AND (?3 = 1 OR EXISTS (
  SELECT 1 FROM tidings_group_member a WHERE a.conversation = ?4 AND a.user = ${actor} AND a.status = 0 AND a.role >= ${admin} AND a.role > tidings_group_member.role))
${returning}`;

/** The last owner does not leave others behind. */
export const leaveGroup = `
UPDATE tidings_group_member SET ${ending(1)} WHERE ${isHere("?2")}
  AND NOT (${isLastOwner} AND (SELECT k.size FROM tidings_group k WHERE k.conversation = ?4) > 1)
${returning}`;

/** ?5 the user, ?6 the role. */
export const setRole = `
UPDATE tidings_group_member SET role = ?6, n = (SELECT head.n + 3 FROM tidings_head head)
WHERE ${isHere("?5")} AND role <> ?6 AND ${mayAct(owner)} AND (?3 = 1 OR NOT ${isLastOwner})
${returning}`;

/** ?5 to ?8 name, data, visibility and history, or null: as it is; ?9 the version that it must have, or null. */
export const updateGroup = `
UPDATE tidings_group SET name = coalesce(?5, name), data = coalesce(?6, data), visibility = coalesce(?7, visibility), history = coalesce(?8, history),
  version = version + 1, n = (SELECT head.n + 2 FROM tidings_head head)
WHERE conversation = ?4 AND EXISTS (SELECT 1 FROM tidings_conversation c WHERE ${isOfTenant})
  AND ${mayAct(admin)} AND ((?7 IS NULL AND ?8 IS NULL) OR ${mayAct(owner)}) AND (?9 IS NULL OR version = ?9)
  AND (name, data, visibility, history) IS NOT (coalesce(?5, name), coalesce(?6, data), coalesce(?7, visibility), coalesce(?8, history))
RETURNING n, conversation, version, name, data, visibility, history, ?1 AS tenant`;

const isChanged = `(EXISTS (SELECT 1 FROM tidings_group_member h INDEXED BY tidings_group_member_n WHERE h.n > head.n AND h.conversation = ?4)
  OR EXISTS (SELECT 1 FROM tidings_group k WHERE k.conversation = ?4 AND k.n > head.n))`;

/**
 * The event, where something was changed. ?5 its message's id, ?6 now, ?7 the event as JSON; ?8 whether it names those who were changed.
 */
export const insertEvent = `
INSERT INTO tidings_message (n, conversation, seq, id, sender, recipient, text, time, other_seq, prev, event)
SELECT head.n + 1, c.key, c.seq + 1, ?5, ${actor}, NULL, '', ?6, 0, c.n, CASE ?8 WHEN 0 THEN ?7 ELSE json_set(?7, '$.users', json((
  SELECT json_group_array(x.id) FROM (
    SELECT u.id FROM tidings_group_member h INDEXED BY tidings_group_member_n CROSS JOIN tidings_user u ON u.key = h.user
    WHERE h.n > head.n AND h.conversation = ?4 ORDER BY h.n
  ) x))) END
FROM tidings_conversation c CROSS JOIN tidings_head head WHERE ${isOfTenant} AND ${isChanged}
RETURNING n, conversation, seq, id, ?2 AS sender, NULL AS recipient, text, time, event, ?1 AS tenant`;

/** ?1 the group's key. Members who came, less those who went. */
export const countMembers = `
UPDATE tidings_group SET size = size + (
  SELECT coalesce(sum(CASE WHEN h.status <> 0 THEN -1 WHEN h.joined_n = head.n THEN 1 ELSE 0 END), 0)
  FROM tidings_head head CROSS JOIN tidings_group_member h INDEXED BY tidings_group_member_n ON h.n > head.n AND h.conversation = ?1
) WHERE conversation = ?1`;

export const advanceHeadToGroups = `
UPDATE tidings_head SET n = max(n, coalesce((SELECT max(n) FROM tidings_message), 0), coalesce((SELECT max(n) FROM tidings_group), 0),
  coalesce((SELECT max(n) FROM tidings_group_member), 0))`;

/** ?1 level: once there is a group. */
export const raiseLevelForGroups = `UPDATE tidings_head SET level = ?1 WHERE level < ?1 AND EXISTS (SELECT 1 FROM tidings_group k WHERE k.n > 0)`;

/** ?5 the id of a creation: the group that was made with it. */
export const selectBirth = `
SELECT k.conversation FROM tidings_group k WHERE k.creator = ${actor} AND k.id = ?4`;

/** A group as the actor sees it; status and role are null if the actor was never in it. */
export const selectView = `
SELECT k.conversation, k.version, k.name, k.data, k.visibility, k.history, k.size, a.status, a.role
FROM tidings_conversation c CROSS JOIN tidings_group k ON k.conversation = c.key
LEFT JOIN tidings_group_member a ON a.conversation = c.key AND a.user = ${actor} WHERE ${isOfTenant}`;

/** ?5 the name after which to go on, ?6 limit: members in the order in which they were first known. */
export const selectGroupMembers = `
SELECT u.id AS user, g.role, g.delivered, g.read, k.size FROM tidings_conversation c CROSS JOIN tidings_group k ON k.conversation = c.key
CROSS JOIN tidings_group_member g INDEXED BY tidings_group_member_here
  ON g.conversation = c.key AND g.status = 0 AND g.user > coalesce(${userNamed("?5")}, -1)
CROSS JOIN tidings_user u ON u.key = g.user
WHERE ${isOfTenant} ORDER BY g.user LIMIT ?6`;

/** ?1 tenant, ?2 user */
export const selectPresences = `
SELECT g.conversation, g.n, g.joined_n, g.until_n FROM tidings_user u CROSS JOIN tidings_group_member g INDEXED BY tidings_group_member_user ON g.user = u.key
WHERE u.tenant = ?1 AND u.id = ?2`;
