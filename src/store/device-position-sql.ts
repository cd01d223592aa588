/** The statements behind the positions of devices. As in `send-sql.ts`, the batch drives every loop. */

import { isEmpty } from "./push/sql-parts.ts";
import { field } from "./sql.ts";

/** The newest ack of any device of a user. */
export const newestAck = (): string => `coalesce((SELECT max(acked) FROM tidings_device WHERE user = u.key), 0)`;

/**
 * rows: [tenant, user, device, its own cursor's change number or null, the level at which it syncs]; ?2 now
 *
 * A new device starts after what any device of its user has acked. A device that was forgotten brings its cursor, and starts there: it
 * must still get everything after it.
 */
export const insertDevices = `
INSERT INTO tidings_device (user, device, acked, seen, level)
SELECT u.key, ${field(2)}, coalesce(min(${field(3)}, ${newestAck()}), ${newestAck()}), ?2, ${field(4)}
FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
WHERE true
ON CONFLICT DO NOTHING`;

/**
 * rows: [tenant, user], one of each; ?2: how many devices a user may have, ?3 now, ?4 how many new ones a commit may have
 *
 * The devices beyond that number, those that were not seen for longest; never one that is seen now, even if the clock was wrong before. Only as
 * many are looked at as there can be: where there are more, from before there was a limit, some are deleted each time.
 */
const surplusDevices = `
SELECT x.user, x.device FROM (
  SELECT d.user, d.device, row_number() OVER (PARTITION BY d.user ORDER BY d.seen = ?3 DESC, d.seen DESC, d.acked DESC) AS place
  FROM json_each(?1) j CROSS JOIN tidings_user u ON u.tenant = ${field(0)} AND u.id = ${field(1)}
  CROSS JOIN tidings_device d ON d.user = u.key AND d.device < coalesce(
    (SELECT e.device FROM tidings_device e WHERE e.user = u.key ORDER BY e.device LIMIT 1 OFFSET ?2 + ?4), x'')
) x WHERE x.place > ?2`;
const surplusAddresses = `
SELECT a.key FROM (${surplusDevices}) x CROSS JOIN tidings_push_address a ON a.user = x.user AND a.device = x.device`;
/** ?5 how many notices at a time: one address has as many as its user has conversations. */
export const deleteForgottenNotices = `
DELETE FROM tidings_push_notice WHERE (address, conversation) IN (
  SELECT p.address, p.conversation FROM tidings_push_notice p WHERE p.address IN (${surplusAddresses}) LIMIT ?5)`;
/** An address goes after its notices, so that its key cannot be used again over some that are left. */
export const deleteForgottenAddresses = `DELETE FROM tidings_push_address WHERE key IN (${surplusAddresses}) AND ${isEmpty()}`;
/** And a device after its addresses: one of very many notices goes with a later commit. */
export const deleteForgottenDevices = `
DELETE FROM tidings_device WHERE (user, device) IN (${surplusDevices})
  AND NOT EXISTS (SELECT 1 FROM tidings_push_address a WHERE a.user = tidings_device.user AND a.device = tidings_device.device)`;

/** ?1 tenant, ?2 user, ?3 device */
export const selectDevice = `
SELECT d.acked, coalesce(d.synced, d.acked) AS synced, d.seen, d.level AS synced_level,
  (SELECT max(acked) FROM tidings_device WHERE user = u.key) AS newest, head.n, head.epoch, head.level
FROM tidings_head head CROSS JOIN tidings_user u ON u.tenant = ?1 AND u.id = ?2 CROSS JOIN tidings_device d ON d.user = u.key AND d.device = ?3`;
