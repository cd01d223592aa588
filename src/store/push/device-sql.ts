import { field, raiseLevel } from "../sql.ts";
import { deleteNoticesOf, isEmpty } from "./sql-parts.ts";

/** The statements behind `device-store.ts`: addresses of devices, mutes and quiet hours. ?1 tenant, ?2 user in each. */

// Addresses. ?3 device, ?4 provider, ?5 hash, where they are used.

const userKey = `(SELECT u.key FROM tidings_user u WHERE u.tenant = ?1 AND u.id = ?2)`;

/** A new device starts after the newest ack of its user. ?4 whether it is notified, null: unchanged; ?5 now */
export const insertDevice = `
INSERT INTO tidings_device (user, device, acked, notify, seen)
SELECT u.key, ?3, coalesce((SELECT max(acked) FROM tidings_device WHERE user = u.key), 0), coalesce(?4, 1), ?5
FROM tidings_user u WHERE u.tenant = ?1 AND u.id = ?2
ON CONFLICT (user, device) DO UPDATE SET notify = coalesce(?4, notify), seen = max(seen, excluded.seen)`;

/** The addresses that a registration replaces: the token's other ones, and the user's own without a device. ?6 1: only those of the tenant, 0: of all tenants. */
const movedAddresses = `
SELECT a.key FROM tidings_push_address a WHERE a.hash = ?5 AND a.provider = ?4 AND (?6 = 0 OR a.tenant = ?1)
  AND NOT (a.user = ${userKey} AND a.device = ?3)
UNION ALL SELECT a.key FROM tidings_push_address a WHERE a.user = ${userKey} AND a.device = '' AND a.provider = ?4`;
export const deleteMovedNotices = deleteNoticesOf(movedAddresses, { most: "?7" });
export const deleteMovedAddresses = `DELETE FROM tidings_push_address WHERE key IN (${movedAddresses}) AND ${isEmpty()}`;

/** ?6 token, ?7 now, ?8 expires or null. Not before its other addresses in the tenant are deleted. */
export const upsertAddress = `
INSERT INTO tidings_push_address (user, tenant, device, provider, token, hash, since, decided, refreshed, expires)
SELECT u.key, u.tenant, ?3, ?4, ?6, ?5, head.n, head.n, ?7, ?8 FROM tidings_head head CROSS JOIN tidings_user u ON u.tenant = ?1 AND u.id = ?2
WHERE NOT EXISTS (
  SELECT 1 FROM tidings_push_address x
  WHERE x.hash = ?5 AND x.provider = ?4 AND x.tenant = u.tenant AND NOT (x.user = u.key AND x.device = ?3))
ON CONFLICT (user, device, provider) DO UPDATE
  SET token = excluded.token, hash = excluded.hash, refreshed = excluded.refreshed, expires = excluded.expires`;

/** ?3 how many a user may have. The addresses beyond it, those that were not refreshed for longest; the one without a device, which no client registered, does not count. */
const surplusAddresses = `
SELECT a.key FROM tidings_push_address a WHERE a.user = ${userKey} AND a.device <> '' ORDER BY a.refreshed DESC, a.key DESC LIMIT -1 OFFSET ?3`;
export const deleteSurplusNotices = deleteNoticesOf(surplusAddresses, { most: "?4" });
export const deleteSurplusAddresses = `DELETE FROM tidings_push_address WHERE key IN (${surplusAddresses}) AND ${isEmpty()}`;

const deviceAddresses = `SELECT a.key FROM tidings_push_address a WHERE a.user = ${userKey} AND a.device = ?3`;
export const deleteDeviceNotices = deleteNoticesOf(deviceAddresses, { most: "?4" });
export const deleteDeviceAddresses = `DELETE FROM tidings_push_address WHERE key IN (${deviceAddresses}) AND ${isEmpty()}`;

/** After its addresses: one of very many notices goes with a later commit, and so does its device. */
export const deleteDevice = `
DELETE FROM tidings_device WHERE user = ${userKey} AND device = ?3
  AND NOT EXISTS (SELECT 1 FROM tidings_push_address a WHERE a.user = tidings_device.user AND a.device = tidings_device.device)`;

/** ?1 seen, ?2 user's key, ?3 device: behind this one; ?4 not seen since, ?5 limit. The devices of all users, from the one that was not seen for longest. */
export const selectUnseenDevices = `
SELECT d.seen, d.user, d.device FROM tidings_device d WHERE d.seen > 0 AND d.seen >= ?1 AND d.seen < ?4
  AND (d.seen > ?1 OR (d.user, d.device) > (?2, ?3)) ORDER BY d.seen, d.user, d.device LIMIT ?5`;

/**
 * ?1 rows: [user's key, device]; ?2 not seen since. Those without a push address, and of each user never the one that has acked the most: a new device
 * starts there.
 */
export const deleteUnseenDevices = `
DELETE FROM tidings_device WHERE (user, device) IN (SELECT ${field(0)}, ${field(1)} FROM json_each(?1) j) AND seen < ?2
  AND NOT EXISTS (SELECT 1 FROM tidings_push_address a WHERE a.user = tidings_device.user AND a.device = tidings_device.device)
  AND EXISTS (
    SELECT 1 FROM tidings_device o WHERE o.user = tidings_device.user AND o.acked >= tidings_device.acked
      AND (o.acked, o.device) > (tidings_device.acked, tidings_device.device))`;

// Preferences.

/** ?3 conversation key: the conversation of the user with another one, or the group in which they are. */
const ownConversation = `
SELECT p.user, p.conversation FROM tidings_member p CROSS JOIN tidings_conversation c ON c.key = p.conversation AND c.seq > 0
WHERE p.conversation = ?3 AND p.user = ${userKey}
UNION ALL SELECT g.user, g.conversation FROM tidings_group_member g WHERE g.conversation = ?3 AND g.user = ${userKey} AND g.status = 0`;

/**
 * ?3 conversation key, ?4 until, null: forever, 0: not any more. Only a conversation of the user; what changes nothing makes no entry, and to end
 * a mute that was never made no row.
 */
export const upsertMute = `
INSERT INTO tidings_mute (user, conversation, until, n, version)
SELECT p.user, p.conversation, ?4, head.n + 1, 1
FROM (${ownConversation}) p CROSS JOIN tidings_head head
WHERE (?4 IS NOT 0 OR EXISTS (SELECT 1 FROM tidings_mute m WHERE m.user = p.user AND m.conversation = p.conversation))
ON CONFLICT (user, conversation) DO UPDATE SET until = excluded.until, n = excluded.n, version = tidings_mute.version + 1
WHERE tidings_mute.until IS NOT excluded.until
RETURNING n, conversation, version, coalesce(until, -1) AS muted_until,
  (SELECT u.tenant FROM tidings_user u WHERE u.key = user) AS tenant, (SELECT u.id FROM tidings_user u WHERE u.key = user) AS user`;

/** After upsertMute. */
export const advanceHeadToSettings = `
UPDATE tidings_head SET n = max(n, coalesce((SELECT max(n) FROM tidings_mute WHERE n > 0), 0))`;

/** After upsertMute. ?1 the level of settings. */
export const raiseLevelForSettings = `${raiseLevel} AND EXISTS (SELECT 1 FROM tidings_mute m WHERE m.n > 0)`;

/** ?3 conversation key: whether it is one of the user. */
export const selectIsMember = ownConversation;

/** ?3 conversation key, ?4 now */
export const selectMute = `
SELECT m.until FROM tidings_mute m WHERE m.user = ${userKey} AND m.conversation = ?3 AND (m.until IS NULL OR m.until > ?4)`;

/** ?3 hours as JSON */
export const upsertQuietHours = `
INSERT INTO tidings_quiet_hours (user, hours) SELECT u.key, ?3 FROM tidings_user u WHERE u.tenant = ?1 AND u.id = ?2
ON CONFLICT (user) DO UPDATE SET hours = excluded.hours`;
export const deleteQuietHours = `DELETE FROM tidings_quiet_hours WHERE user = ${userKey}`;
export const selectQuietHours = `SELECT q.hours FROM tidings_quiet_hours q WHERE q.user = ${userKey}`;
