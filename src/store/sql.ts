/** The statements about the head of the log and its history, and those that several folders share. */

/** Column `i` of the batch's rows. */
export const field = (i: number): string => `j.value ->> ${i}`;

/** ?1 tenant, ?2 user: one alone, outside of a commit's batch. */
export const insertUser = `INSERT INTO tidings_user (tenant, id) VALUES (?1, ?2) ON CONFLICT DO NOTHING`;

export const selectHead = `SELECT n, epoch, level FROM tidings_head head`;

/**
 * ?1 a level. What writes an entry of a higher level than the log has yet runs this in the same transaction: nodes of an older release then stop,
 * before they read the entry or write behind it.
 */
export const raiseLevel = `UPDATE tidings_head SET level = ?1 WHERE level < ?1`;

/** What hides the numbers in cursors. */
export const selectSecret = `SELECT secret FROM tidings_head head`;

/**
 * ?1 the name of a history, ?2 a change number that it had, ?3 a level. Makes the transaction fail unless the database still has that history, and
 * its log nothing above that level (n may not be null).
 */
export const requireHistory = `
INSERT INTO tidings_head (one, n, epoch)
SELECT 1, NULL, '' WHERE NOT EXISTS (SELECT 1 FROM tidings_head head WHERE head.epoch = ?1 AND head.n >= ?2 AND head.level <= ?3)`;

/** One row where the first migration has been applied. */
export const selectHasHead = `SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'tidings_head'`;

/** ?1 the new name of this history, ?2 the old one and ?3 a change number that the database has not got; or null: whatever it has. */
export const updateEpoch = `UPDATE tidings_head SET epoch = ?1 WHERE ?2 IS NULL OR (epoch = ?2 AND n < ?3)`;

/** ?1 the new name, if it is in force: the worker of the ended history sends no more notifications, and no ticket of it is valid. */
export const forgetWorker = `
UPDATE tidings_push_worker SET holder = '', beat = 0 WHERE EXISTS (SELECT 1 FROM tidings_head head WHERE head.epoch = ?1)`;
export const forgetTickets = `DELETE FROM tidings_ticket WHERE EXISTS (SELECT 1 FROM tidings_head head WHERE head.epoch = ?1)`;
