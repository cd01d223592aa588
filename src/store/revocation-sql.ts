/** The statements behind ended sessions. */

/** ?1 older than this */
export const sweepRevocations = `DELETE FROM revocation WHERE time < ?1`;

export const advanceHead = `UPDATE head SET n = n + 1`;

/** ?1 tenant, ?2 user, ?3 device or null, ?4 reason, ?5 now. After advanceHead: the place is its own. */
export const insertRevocation = `
INSERT INTO revocation (n, user, device, reason, time)
SELECT head.n, u.key, ?3, ?4, ?5 FROM head CROSS JOIN user u ON u.tenant = ?1 AND u.id = ?2
RETURNING n, device, reason, (SELECT u.tenant FROM user u WHERE u.key = user) AS tenant,
  (SELECT u.id FROM user u WHERE u.key = user) AS user`;

/** ?1 after, ?2 limit: the whole log, every tenant. */
export const selectRevocations = `
SELECT r.n, r.device, r.reason, u.tenant, u.id AS user FROM revocation r CROSS JOIN user u ON u.key = r.user
WHERE r.n > ?1 ORDER BY r.n LIMIT ?2`;
