/** The statements behind ended sessions. */

/** ?1 older than this */
export const sweepRevocations = `DELETE FROM tidings_revocation WHERE time < ?1`;

export const advanceHead = `UPDATE tidings_head SET n = n + 1`;

/** ?1 tenant, ?2 user, ?3 device or null, ?4 reason, ?5 now. After advanceHead: the number is its own. */
export const insertRevocation = `
INSERT INTO tidings_revocation (n, user, device, reason, time)
SELECT head.n, u.key, ?3, ?4, ?5 FROM tidings_head head CROSS JOIN tidings_user u ON u.tenant = ?1 AND u.id = ?2
RETURNING n, device, reason, (SELECT u.tenant FROM tidings_user u WHERE u.key = user) AS tenant,
  (SELECT u.id FROM tidings_user u WHERE u.key = user) AS user`;

/** ?1 tenant, ?2 user: tickets that were bought before are no longer valid, for any device. */
export const deleteTickets = `
DELETE FROM tidings_ticket WHERE user = (SELECT u.key FROM tidings_user u WHERE u.tenant = ?1 AND u.id = ?2)`;

/** ?1 since this time, ?2 limit */
export const selectRecentRevocations = `
SELECT r.n, r.device, r.reason, u.tenant, u.id AS user
FROM tidings_revocation r CROSS JOIN tidings_user u ON u.key = r.user WHERE r.time >= ?1 ORDER BY r.time DESC LIMIT ?2`;

/** ?1 after, ?2 limit: the whole log, every tenant. */
export const selectRevocations = `
SELECT r.n, r.device, r.reason, u.tenant, u.id AS user FROM tidings_revocation r CROSS JOIN tidings_user u ON u.key = r.user
WHERE r.n > ?1 ORDER BY r.n LIMIT ?2`;
