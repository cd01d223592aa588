import { type Identity, identityKey } from "../model.ts";
import { defaultDevice } from "../protocol/identifier.ts";

/** Of so many users it is said; then it is known, and the log must not fill with it. */
const usersToldMax = 1_000;

/**
 * Two installations that name no device share one ack, and each misses what the other has acked. The protocol cannot tell them from two
 * tabs of one, but whoever runs the server can: it is said once of each user whose default device has two connections at a time.
 */
export function createDefaultDeviceWatch(report: (identity: Identity) => void) {
  const told = new Set<string>();
  /** A connection of a device opens beside these of its user. */
  return (identity: Identity, device: string, others: readonly { readonly device: string }[]): void => {
    if (device !== defaultDevice || !others.some((other) => other.device === defaultDevice)) return;
    const key = identityKey(identity);
    if (told.has(key) || told.size >= usersToldMax) return;
    told.add(key);
    report(identity);
  };
}
