/** The statements behind the push worker's lease: one row, `?1` the holder. */

export const selectWorker = `SELECT holder, beat, n FROM tidings_push_worker`;
/** ?1 the new holder, ?2 the previous one, ?3 its beat as it was seen */
export const takeWorker = `
UPDATE tidings_push_worker SET holder = ?1, beat = beat + 1 WHERE holder = ?2 AND beat = ?3 RETURNING n`;
/** ?2 the position up to which everything was looked at */
export const beatWorker = `
UPDATE tidings_push_worker SET beat = beat + 1, n = max(n, ?2) WHERE holder = ?1 RETURNING beat`;
export const leaveWorker = `UPDATE tidings_push_worker SET holder = '', beat = beat + 1 WHERE holder = ?1`;
