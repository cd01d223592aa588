/** The parts that several statements of this folder share. A batch comes in as one JSON array; a statement loops over its rows as `j`. */
export { field } from "../sql.ts";

/** Only the current push worker writes: `?1` is the writer's name, in each statement that is marked "Fenced". */
export const fence = `(SELECT holder FROM tidings_push_worker) = ?1`;

/**
 * Whether an address has no notices left. It is deleted after its notices, which may be too many for one commit: the database may give its key
 * to the next address.
 */
export const isEmpty = (): string =>
  `NOT EXISTS (SELECT 1 FROM tidings_push_notice p WHERE p.address = tidings_push_address.key)`;

/** The `n` up to which the device of an address `a` has acked; for an address without a device, the newest ack of any device of its user. */
export const acked = `CASE a.device
  WHEN '' THEN coalesce((SELECT max(d.acked) FROM tidings_device d WHERE d.user = a.user), 0)
  ELSE coalesce((SELECT d.acked FROM tidings_device d WHERE d.user = a.user AND d.device = a.device), 0)
END`;

type NoticeDeletion = { readonly most: string; readonly isFenced?: boolean };

/** Deletes the notices of some addresses, at most `most` of them, and answers a row for each. An address has as many as its user has conversations. */
export const deleteNoticesOf = (addresses: string, { most, isFenced = false }: NoticeDeletion): string => `
DELETE FROM tidings_push_notice WHERE ${isFenced ? `${fence} AND ` : ""}(address, conversation) IN (
  SELECT p.address, p.conversation FROM tidings_push_notice p WHERE p.address IN (${addresses}) LIMIT ${most})
RETURNING 1`;
