/** The statements that read the log entries of groups: what all members know, and each membership. */

import { covers } from "./own-groups.ts";

/** If no more groups than this changed since a position, each is looked up among the user's; else each of the user's groups is looked at. */
const changedStatesMax = 300;

const stateColumns = `k.version, k.name, k.data, k.visibility, k.history`;

const membershipColumns = `g.n, g.conversation, u.id AS user, u.tenant, g.status, g.role, g.since, g.until, g.joined, g.joined_n, g.until_n, g.read, ${stateColumns}`;

/** ?1 after, ?2 limit: the whole log, every tenant. */
export const selectMemberships = `
SELECT ${membershipColumns} FROM tidings_group_member g INDEXED BY tidings_group_member_n CROSS JOIN tidings_user u ON u.key = g.user
CROSS JOIN tidings_group k ON k.conversation = g.conversation WHERE g.n > ?1 ORDER BY g.n LIMIT ?2`;

/** ?1 tenant, ?2 user, ?3 after, ?4 limit */
export const selectOwnMemberships = `
SELECT ${membershipColumns} FROM tidings_user u CROSS JOIN tidings_group_member g INDEXED BY tidings_group_member_user ON g.user = u.key AND g.n > ?3
CROSS JOIN tidings_group k ON k.conversation = g.conversation WHERE u.tenant = ?1 AND u.id = ?2 ORDER BY g.n LIMIT ?4`;

const groupColumns = `k.n, k.conversation, ${stateColumns}`;

/** ?1 after, ?2 limit: the whole log, every tenant. */
export const selectGroups = `
SELECT ${groupColumns}, c.tenant FROM tidings_group k INDEXED BY tidings_group_n CROSS JOIN tidings_conversation c ON c.key = k.conversation
WHERE k.n > ?1 ORDER BY k.n LIMIT ?2`;

const isFew = `(SELECT count(*) FROM (
  SELECT 1 FROM tidings_group f INDEXED BY tidings_group_n WHERE f.n > ?3 LIMIT ${changedStatesMax + 1}
)) <= ${changedStatesMax}`;

/** ?1 tenant, ?2 user, ?3 after, ?4 limit: from the changed groups, or from the user's own. */
export const selectOwnGroups = `
SELECT * FROM (
  SELECT ${groupColumns} FROM tidings_user u CROSS JOIN tidings_group k INDEXED BY tidings_group_n ON k.n > ?3
  CROSS JOIN tidings_group_member g ON g.conversation = k.conversation AND g.user = u.key
  WHERE ${isFew} AND u.tenant = ?1 AND u.id = ?2 AND ${covers("g", "k.n")}
  UNION ALL
  SELECT ${groupColumns} FROM tidings_user u CROSS JOIN tidings_group_member g INDEXED BY tidings_group_member_user ON g.user = u.key
  CROSS JOIN tidings_group k ON k.conversation = g.conversation
  WHERE NOT ${isFew} AND u.tenant = ?1 AND u.id = ?2 AND k.n > ?3 AND ${covers("g", "k.n")}
) ORDER BY n LIMIT ?4`;
