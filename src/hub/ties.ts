import type { Feed } from "../feed/feed.ts";
import { createLru } from "../internal/lru.ts";
import { type Identity, identityKey, type Tie } from "../model.ts";
import type { Store } from "../store/store.ts";

/** Pairs that this process remembers. */
const tiesCachedMax = 100_000;

/** Whether one of the two has blocked the other: then presence, typing and receipts go neither way. */
export const isBlockedBetween = ({ hasBlocked, isBlocked }: Tie): boolean => hasBlocked || isBlocked;

export type TiesOptions = {
  readonly store: Pick<Store, "ties">;
  readonly feed: Pick<Feed, "onEntries">;
  /** What stands between these two may have changed. */
  readonly onChange: (tenant: string, one: string, other: string) => void;
};

/**
 * What stands between people, remembered until the log says that it changed: on any node, for every node follows the log.
 * The one place that volatile frames ask about blocks; what is durable asks in the statement that reads it.
 */
export function createTies({ store, feed, onChange }: TiesOptions) {
  const known = createLru<string, Tie>(tiesCachedMax);
  /** How often something changed: an answer that was on its way meanwhile may be old, and is not remembered. */
  let changes = 0;
  const nameOf = (identity: Identity, other: string): string => `${identityKey(identity)} ${other}`;

  function forget(tenant: string, one: string, other: string): void {
    changes++;
    known.delete(nameOf({ tenant, user: one }, other));
    known.delete(nameOf({ tenant, user: other }, one));
    onChange(tenant, one, other);
  }

  feed.onEntries((entries) => {
    for (const { tenant, users, change } of entries) {
      if (change.kind === "relation") forget(tenant, users[0] ?? "", change.user);
      // The first message makes the conversation.
      else if (change.kind === "message" && change.seq === 1) forget(tenant, change.from, change.to);
    }
  });

  return {
    /** One tie for each of the others, in their order. Rejects with `unavailable`. */
    async of(identity: Identity, others: readonly string[]): Promise<readonly Tie[]> {
      const remembered = others.flatMap((other) => known.get(nameOf(identity, other)) ?? []);
      if (remembered.length === others.length) return remembered;
      const before = changes;
      const ties = await store.ties(identity, others);
      if (changes === before) ties.forEach((tie, i) => known.set(nameOf(identity, others[i] ?? ""), tie));
      return ties;
    },
  };
}

export type Ties = ReturnType<typeof createTies>;
