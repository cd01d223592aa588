import { isBlockedBetween } from "./relationship-cache.ts";
import type { Ask, PresenceState, Subject, Viewer } from "./watch.ts";
import type { Policy } from "../access/policy.ts";
import type { Clock } from "../internal/clock.ts";
import type { Identity, Relationship } from "../model.ts";
import type { Store } from "../store/store.ts";

export type PresenceSightOptions = {
  readonly store: Pick<Store, "lastSeen">;
  readonly policy: Pick<Policy, "canSee">;
  readonly clock: Pick<Clock, "elapsed">;
  readonly isHere: (identity: Identity) => boolean;
  /** When this process saw a user go, in milliseconds since the Unix epoch; 0: it does not know. */
  readonly leftAt: (identity: Identity) => number;
  readonly subjectOf: (viewer: Viewer, user: string) => Subject | undefined;
};

/** A time of the store holds for this long while the user does not move, in milliseconds. */
const seenHoldsMs = 5_000;

/** What viewers may see of users, and their states. */
export function createPresenceSight(options: PresenceSightOptions) {
  const { store, policy, clock, isHere, leftAt, subjectOf } = options;

  function visibility(viewer: Viewer, user: string, relationship: Relationship | undefined): boolean | "ask" {
    if (user === viewer.session.user) return true;
    if (!relationship || isBlockedBetween(relationship)) return false;
    return policy.canSee ? "ask" : relationship.hasConversation || relationship.isContact;
  }

  return {
    /** The viewer's own presence always, none across a block, else as the host says; "ask": the host is to be asked. */
    visibility,
    async mayHostShow({ session }: Viewer, user: string): Promise<boolean> {
      return (await policy.canSee?.(session, { tenant: session.tenant, user })) === true;
    },
    /** A user's state now; null: the store is to be asked when the user was last seen. */
    stateOf(viewer: Viewer, user: string): PresenceState | null {
      const subject = subjectOf(viewer, user);
      if (!subject) return "offline";
      if (isHere(subject.identity)) return "online";
      if (subject.seen === null) return null;
      return Math.max(subject.seen.time, leftAt(subject.identity)) || "offline";
    },
    /** Reads when the absent users were last seen, once for all who ask. Rejects with `unavailable`. */
    async readSeen(asks: readonly Ask[], found: readonly (readonly Relationship[])[]): Promise<void> {
      const now = clock.elapsed();
      /** By tenant, each with the number of its moves at this time. */
      const wanted = new Map<string, Map<Subject, number>>();
      for (const [i, { watch, users }] of asks.entries())
        for (const [j, user] of users.entries()) {
          const subject = subjectOf(watch.viewer, user);
          if (!subject || isHere(subject.identity)) continue;
          if (subject.seen && now - subject.seen.readAt < seenHoldsMs) continue;
          if (visibility(watch.viewer, user, found[i]?.[j]) === false) continue;
          const { tenant } = subject.identity;
          wanted.set(tenant, (wanted.get(tenant) ?? new Map<Subject, number>()).set(subject, subject.moves));
        }
      for (const [tenant, subjects] of wanted) {
        const users = Array.from(subjects.keys(), ({ identity }) => identity.user);
        const times = await store.lastSeen(tenant, users);
        for (const [subject, moves] of subjects)
          if (subject.moves === moves) subject.seen = { time: times.get(subject.identity.user) ?? 0, readAt: now };
      }
    },
  };
}
