import type { Feed } from "../feed/feed.ts";
import type { Clock } from "../internal/clock.ts";
import { createLru } from "../internal/lru.ts";
import { applyConsequences } from "../log/log-kinds.ts";
import { type Identity, identityKey, type Relationship } from "../model.ts";
import type { Store } from "../store/store.ts";
import { nextTurn } from "./turns.ts";

/** Pairs that this process remembers. */
const tiesCachedMax = 100_000;
/** Questions to the store in one turn of the event loop. */
const questionsAtOnce = 64;

/** Whether one of the two has blocked the other: then presence, typing and receipts go neither way. */
export const isBlockedBetween = ({ hasBlocked, isBlocked }: Relationship): boolean => hasBlocked || isBlocked;

/** The same, as the other one says it. */
const seenFromThere = ({ hasBlocked, isBlocked, ...rest }: Relationship): Relationship => ({
  ...rest,
  hasBlocked: isBlocked,
  isBlocked: hasBlocked,
});

export type RelationshipCacheOptions = {
  readonly store: Pick<Store, "ties">;
  readonly feed: Pick<Feed, "onEntries">;
  readonly clock: Pick<Clock, "defer">;
  /** What stands between these two may have changed. */
  readonly onChange: (tenant: string, one: string, other: string) => void;
};

/** What stands between a user and each of these. */
export type TiesAsked = { readonly identity: Identity; readonly others: readonly string[] };

/** One question to the store: of one user and many others. */
type Question = {
  readonly identity: Identity;
  readonly others: string[];
  /** Where the answers go. */
  readonly takers: ((tie: Relationship) => void)[];
};

/**
 * What stands between people, remembered until the log says that it changed: on any node, for every node follows the log.
 * The one place that volatile frames ask about blocks; what is durable asks in the statement that reads it.
 */
export function createRelationshipCache({ store, feed, clock, onChange }: RelationshipCacheOptions) {
  const known = createLru<string, Relationship>(tiesCachedMax);
  /** How often something changed: an answer that was on its way meanwhile may be old, and is not remembered. */
  let changes = 0;
  const nameOf = (identity: Identity, other: string): string => `${identityKey(identity)} ${other}`;

  function forget(tenant: string, one: string, other: string): void {
    changes++;
    known.delete(nameOf({ tenant, user: one }, other));
    known.delete(nameOf({ tenant, user: other }, one));
    onChange(tenant, one, other);
  }

  const consequences = { forgetRelationship: forget };
  feed.onEntries((entries) => {
    for (const entry of entries) applyConsequences(entry, consequences);
  });

  async function put({ identity, others, takers }: Question): Promise<void> {
    const before = changes;
    const ties = await store.ties(identity, others);
    for (const [i, tie] of ties.entries()) {
      takers[i]?.(tie);
      if (changes === before) known.set(nameOf(identity, others[i] ?? ""), tie);
    }
  }

  /**
   * One list of ties for each that is asked, in the order of its others. Those who ask about one and the same person are one question: what
   * stands between two is the same from both ends. Rejects with `unavailable`.
   */
  async function ofMany(asked: readonly TiesAsked[]): Promise<readonly (readonly Relationship[])[]> {
    const found: (Relationship | undefined)[][] = asked.map(() => []);
    const unknown: { readonly i: number; readonly j: number; readonly identity: Identity; readonly other: Identity }[] =
      [];
    /** How many of the unknown each person takes part in. */
    const parts = new Map<string, number>();
    const count = (person: Identity): void => {
      const key = identityKey(person);
      parts.set(key, (parts.get(key) ?? 0) + 1);
    };
    for (const [i, { identity, others }] of asked.entries())
      for (const [j, user] of others.entries()) {
        const other = { tenant: identity.tenant, user };
        const tie = known.get(nameOf(identity, user)) ?? mirrored(known.get(nameOf(other, identity.user)));
        if (found[i]) found[i][j] = tie;
        if (tie) continue;
        unknown.push({ i, j, identity, other });
        count(identity);
        count(other);
      }
    const questions = new Map<string, Question>();
    for (const { i, j, identity, other } of unknown) {
      const isTurned = (parts.get(identityKey(other)) ?? 0) > (parts.get(identityKey(identity)) ?? 0);
      const [one, another] = isTurned ? [other, identity] : [identity, other];
      const key = identityKey(one);
      const question = questions.get(key) ?? { identity: one, others: [], takers: [] };
      questions.set(key, question);
      question.others.push(another.user);
      question.takers.push((tie) => {
        if (found[i]) found[i][j] = isTurned ? seenFromThere(tie) : tie;
      });
    }
    const left = [...questions.values()];
    for (let i = 0; i < left.length; i += questionsAtOnce) {
      if (i > 0) await nextTurn(clock);
      await Promise.all(left.slice(i, i + questionsAtOnce).map(put));
    }
    return found.map((ties) => ties.flatMap((tie) => tie ?? []));
  }

  const mirrored = (tie: Relationship | undefined): Relationship | undefined => tie && seenFromThere(tie);

  return {
    ofMany,

    /** One tie for each of the others, in their order. Rejects with `unavailable`. */
    of: async (identity: Identity, others: readonly string[]): Promise<readonly Relationship[]> =>
      (await ofMany([{ identity, others }]))[0] ?? [],
  };
}

export type RelationshipCache = ReturnType<typeof createRelationshipCache>;
