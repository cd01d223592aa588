import type { Feed } from "../feed/feed.ts";
import { type Clock, nextTurn } from "../internal/clock.ts";
import { createLru } from "../internal/lru.ts";
import { applyConsequences } from "../log/log-kinds.ts";
import { type Identity, identityKey, type Relationship } from "../model.ts";
import type { Store } from "../store/store.ts";

/** Pairs that this process remembers. */
const pairsMax = 100_000;
/** Questions to the store in one turn of the event loop. */
const questionsAtOnce = 64;

/** Whether one of the two has blocked the other: then presence, typing and receipts go neither way. */
export const isBlockedBetween = ({ hasBlocked, isBlocked }: Relationship): boolean => hasBlocked || isBlocked;

/** The same relationship, from the other user's side. */
const mirrored = ({ hasBlocked, isBlocked, ...rest }: Relationship): Relationship => ({
  ...rest,
  hasBlocked: isBlocked,
  isBlocked: hasBlocked,
});

export type RelationshipCacheOptions = {
  readonly store: Pick<Store, "relationships">;
  readonly feed: Pick<Feed, "onEntries">;
  readonly clock: Pick<Clock, "defer">;
  /** The relationship of these two may have changed. */
  readonly onChange: (tenant: string, one: string, other: string) => void;
};

/** Asks for the relationships between one user and each of the others. */
export type RelationshipsAsked = { readonly identity: Identity; readonly others: readonly string[] };

/**
 * Relationships between users, remembered until the log says that they changed: on any node, for every node follows the log.
 * Volatile frames find blocks here; for log entries, the statement that reads them does.
 */
export type RelationshipCache = {
  /** The relationships of one user, in the order of the others. Rejects with `unavailable`. */
  of(identity: Identity, others: readonly string[]): Promise<readonly Relationship[]>;
  /**
   * One list for each that is asked, in the order of its others. All that concern one user are one question to the store: a relationship is the
   * same from both sides. Rejects with `unavailable`.
   */
  ofMany(asked: readonly RelationshipsAsked[]): Promise<readonly (readonly Relationship[])[]>;
};

/** One question to the store: of one user and many others. */
type Question = {
  readonly identity: Identity;
  readonly others: string[];
  /** One for each of the others. */
  readonly takers: ((relationship: Relationship) => void)[];
};

/** A pair that is not remembered: the `j`th other of the `i`th that is asked. */
type Unknown = { readonly i: number; readonly j: number; readonly identity: Identity; readonly other: Identity };

export function createRelationshipCache(options: RelationshipCacheOptions): RelationshipCache {
  const { store, feed, clock, onChange } = options;
  const known = createLru<string, Relationship>(pairsMax);
  /** The number of changes: an answer that was under way during one may be old, and is not remembered. */
  let changes = 0;
  const keyOf = (identity: Identity, other: string): string => `${identityKey(identity)} ${other}`;

  function forget(tenant: string, one: string, other: string): void {
    changes++;
    known.delete(keyOf({ tenant, user: one }, other));
    known.delete(keyOf({ tenant, user: other }, one));
    onChange(tenant, one, other);
  }

  const consequences = { forgetRelationship: forget };
  feed.onEntries((entries) => {
    for (const entry of entries) applyConsequences(entry, consequences);
  });

  function recall(identity: Identity, other: Identity): Relationship | undefined {
    const own = known.get(keyOf(identity, other.user));
    if (own) return own;
    const theirs = known.get(keyOf(other, identity.user));
    return theirs && mirrored(theirs);
  }

  async function ask({ identity, others, takers }: Question): Promise<void> {
    const before = changes;
    const relationships = await store.relationships(identity, others);
    for (const [i, relationship] of relationships.entries()) {
      takers[i]?.(relationship);
      if (changes === before) known.set(keyOf(identity, others[i] ?? ""), relationship);
    }
  }

  async function ofMany(asked: readonly RelationshipsAsked[]): Promise<readonly (readonly Relationship[])[]> {
    const found: (Relationship | undefined)[][] = asked.map(() => []);
    const unknown: Unknown[] = [];
    for (const [i, { identity, others }] of asked.entries())
      for (const [j, user] of others.entries()) {
        const other = { tenant: identity.tenant, user };
        const relationship = recall(identity, other);
        if (found[i]) found[i][j] = relationship;
        if (!relationship) unknown.push({ i, j, identity, other });
      }
    const questions = questionsOf(unknown, ({ i, j }, relationship) => {
      if (found[i]) found[i][j] = relationship;
    });
    for (let i = 0; i < questions.length; i += questionsAtOnce) {
      if (i > 0) await nextTurn(clock);
      await Promise.all(questions.slice(i, i + questionsAtOnce).map(ask));
    }
    return found.map((relationships) => relationships.flatMap((relationship) => relationship ?? []));
  }

  return { ofMany, of: async (identity, others) => (await ofMany([{ identity, others }]))[0] ?? [] };
}

/** As few questions as possible: each pair is asked of the one of its two users who is in more pairs. */
function questionsOf(
  unknown: readonly Unknown[],
  take: (pair: Unknown, relationship: Relationship) => void,
): readonly Question[] {
  /** The number of pairs of each user. */
  const parts = new Map<string, number>();
  for (const { identity, other } of unknown)
    for (const key of [identityKey(identity), identityKey(other)]) parts.set(key, (parts.get(key) ?? 0) + 1);
  const questions = new Map<string, Question>();
  for (const pair of unknown) {
    const { identity, other } = pair;
    const isTurned = (parts.get(identityKey(other)) ?? 0) > (parts.get(identityKey(identity)) ?? 0);
    const [one, another] = isTurned ? [other, identity] : [identity, other];
    const key = identityKey(one);
    const question = questions.get(key) ?? { identity: one, others: [], takers: [] };
    questions.set(key, question);
    question.others.push(another.user);
    question.takers.push((relationship) => take(pair, isTurned ? mirrored(relationship) : relationship));
  }
  return [...questions.values()];
}
