/** The statements of invitations. The first arguments are those of the groups' statements: ?1 tenant, ?2 the actor, ?3 whether it is the host, ?4 the group's key. */

import { memberSql } from "./group-member-sql.ts";

const { actor, admin, mayAct, enter, entered, insertedColumns } = memberSql;

/** Whether invitation `i` can be used at a time: its maker may still invite, and it has uses left. */
const isUsable = (i: string, now: string): string => `${i}.expires > ${now} AND ${i}.uses > 0 AND ${isKept(i)}`;

/** Whether the maker of invitation `i` may still invite. */
const isKept = (i: string): string => `(${i}.by_host = 1 OR EXISTS (
  SELECT 1 FROM tidings_group_member a WHERE a.conversation = ${i}.conversation AND a.user = ${i}.creator AND a.status = 0 AND a.role >= ${admin}))`;

/** ?5 now: those of the group that have expired. */
export const deleteExpiredInvites = `
DELETE FROM tidings_group_invite WHERE conversation = ?4 AND expires <= ?5`;

/** ?5 id, ?6 hash, ?7 expires, ?8 uses, ?9 how many a group may have. */
export const insertInvite = `
INSERT INTO tidings_group_invite (conversation, id, hash, creator, by_host, expires, uses)
SELECT c.key, ?5, ?6, ${actor}, ?3, ?7, ?8 FROM tidings_conversation c
WHERE c.key = ?4 AND c.tenant = ?1 AND ${mayAct(admin)}
  AND (SELECT count(*) FROM tidings_group_invite i WHERE i.conversation = c.key) < ?9
RETURNING id`;

/** ?5 now, ?6 the id after which to go on, ?7 limit. */
export const selectInvites = `
SELECT i.id, i.expires, i.uses, u.id AS user FROM tidings_conversation c CROSS JOIN tidings_group_invite i ON i.conversation = c.key AND i.id > ?6
CROSS JOIN tidings_user u ON u.key = i.creator
WHERE c.key = ?4 AND c.tenant = ?1 AND ${mayAct(admin)} AND ${isUsable("i", "?5")} ORDER BY i.id LIMIT ?7`;

/** ?5 id. */
export const deleteInvite = `
DELETE FROM tidings_group_invite WHERE conversation = ?4 AND id = ?5 AND ${mayAct(admin)}
  AND EXISTS (SELECT 1 FROM tidings_conversation c WHERE c.key = ?4 AND c.tenant = ?1)`;

/** ?1 tenant, ?2 hash, ?3 now: the group of an invitation, and whether it can be used; one that is used up still names its group, for the retries of its users. */
export const selectInvited = `
SELECT i.conversation, i.uses > 0 AS is_usable FROM tidings_group_invite i INDEXED BY tidings_group_invite_hash CROSS JOIN tidings_conversation c ON c.key = i.conversation
WHERE i.hash = ?2 AND c.tenant = ?1 AND i.expires > ?3 AND ${isKept("i")}`;

/** ?5 the user as a JSON array, ?6 how many members it may have, ?7 how many groups somebody may have, ?8 hash, ?9 now. Not of a removed user. */
export const joinByInvite = `
INSERT INTO tidings_group_member (${insertedColumns}) ${enter} AND j.value = ?2 AND (o.status IS NULL OR o.status = 1)
  AND EXISTS (SELECT 1 FROM tidings_group_invite i WHERE i.hash = ?8 AND i.conversation = c.key AND ${isUsable("i", "?9")}) ${entered}`;

/** ?1 the group's key, ?2 hash. After joinByInvite: takes a use, if it was used. */
export const useInvite = `
UPDATE tidings_group_invite SET uses = uses - 1 WHERE hash = ?2 AND EXISTS (
  SELECT 1 FROM tidings_head head CROSS JOIN tidings_group_member h INDEXED BY tidings_group_member_n ON h.n > head.n AND h.conversation = ?1)`;
