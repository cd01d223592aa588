import type { Clock } from "../internal/clock.ts";
import { type Identity, identityKey, type Revocation } from "../model.ts";

type Ended = { readonly device: string | undefined; readonly reason: string; readonly seenAt: number };

export type RevocationsOptions = {
  readonly clock: Pick<Clock, "elapsed">;
  /** How long a revocation is remembered, in milliseconds; no upgrade takes longer. */
  readonly keptMs: number;
};

/**
 * The sessions that were ended a short while ago. An upgrade that the host admitted before a revocation may open its socket after it: that socket is
 * closed like those that were open.
 */
export function createRevocations({ clock, keptMs }: RevocationsOptions) {
  const byUser = new Map<string, Ended[]>();
  const isKept = ({ seenAt }: Ended): boolean => clock.elapsed() - seenAt < keptMs;

  return {
    note(tenant: string, { user, device, reason }: Revocation): void {
      const key = identityKey({ tenant, user });
      const kept = (byUser.get(key) ?? []).filter((each) => isKept(each) && each.device !== device);
      byUser.set(key, [...kept, { device, reason, seenAt: clock.elapsed() }]);
    },
    /** The reason for which the socket of an upgrade that was admitted at this moment of the clock must not open; null: it may. */
    reasonAgainst(
      identity: Identity,
      { device, admittedAt }: { readonly device: string; readonly admittedAt: number },
    ): string | null {
      if (clock.elapsed() - admittedAt >= keptMs) return "the upgrade took too long";
      const ended = byUser
        .get(identityKey(identity))
        ?.find((each) => each.seenAt >= admittedAt && (each.device === undefined || each.device === device));
      return ended?.reason ?? null;
    },
    /** Forgets the old ones. */
    beat(): void {
      for (const [key, list] of byUser) {
        const kept = list.filter(isKept);
        if (kept.length === 0) byUser.delete(key);
        else if (kept.length < list.length) byUser.set(key, kept);
      }
    },
  };
}
