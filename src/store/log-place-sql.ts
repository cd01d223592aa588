/** The statements behind positions in the log. `?1` is the name of the position in each of them. */

export const selectLogPlace = `SELECT holder, beat, n FROM tidings_log_place WHERE name = ?1`;

/** ?2 where it begins: 'start' is before the first message, anything else behind the last one. */
export const insertLogPlace = `
INSERT INTO tidings_log_place (name, holder, beat, n)
SELECT ?1, '', 0, CASE ?2 WHEN 'start' THEN 0 ELSE head.n END FROM tidings_head head WHERE true
ON CONFLICT DO NOTHING`;

/** ?2 the new holder, ?3 the one before, ?4 its beat as it was seen */
export const takeLogPlace = `
UPDATE tidings_log_place SET holder = ?2, beat = beat + 1 WHERE name = ?1 AND holder = ?3 AND beat = ?4 RETURNING n`;

/** ?2 holder, ?3 handled up to here */
export const beatLogPlace = `
UPDATE tidings_log_place SET beat = beat + 1, n = max(n, ?3) WHERE name = ?1 AND holder = ?2 RETURNING beat`;

/** ?2 holder */
export const leaveLogPlace = `UPDATE tidings_log_place SET holder = '', beat = beat + 1 WHERE name = ?1 AND holder = ?2`;
