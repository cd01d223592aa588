import { type Identity, identityKey } from "../model.ts";
import { defaultDevice } from "../protocol/identifier.ts";

/** The number of users that are reported; more would only fill the log. */
const reportedUsersMax = 1_000;

/**
 * Two installations that name no device share one ack, and each misses what the other has acked. The protocol cannot distinguish them from
 * two tabs of one, but the operator can: a user with two connections of the default device at a time is reported once.
 */
export function createDefaultDeviceWatch(report: (identity: Identity) => void) {
  const reported = new Set<string>();
  /** A connection of a device opens beside these of its user. */
  return (identity: Identity, device: string, others: readonly { readonly device: string }[]): void => {
    if (device !== defaultDevice || !others.some((other) => other.device === defaultDevice)) return;
    const key = identityKey(identity);
    if (reported.has(key) || reported.size >= reportedUsersMax) return;
    reported.add(key);
    report(identity);
  };
}
