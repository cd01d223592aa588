import { createLru } from "../../internal/lru.ts";
import type { Send } from "../store.ts";

/**
 * Pairs of users whose conversation is in the database: a commit was seen to succeed that made it or found it there. Sends between them need not
 * write their users, their conversation and its members again, which are never deleted.
 */
export interface KnownPairs {
  has(pair: string): boolean;
  add(pair: string): void;
  /** The database has not got it after all: it was put back to a time before it. */
  forget(pair: string): void;
}

/** What a send to a user belongs to, whoever of the two sends; null: it names a conversation. */
export type Pair = { readonly name: string; readonly one: string; readonly other: string };

export function pairOf({ tenant, from, to }: Pick<Send, "tenant" | "from" | "to">): Pair | null {
  if (to === undefined) return null;
  const [one, other] = from < to ? [from, to] : [to, from];
  return { name: `${tenant} ${one} ${other}`, one, other };
}

/** A pair takes about 150 bytes of memory. */
const pairsMax = 50_000;

export function createKnownPairs(max = pairsMax): KnownPairs {
  const pairs = createLru<string, true>(max);
  return {
    has: (pair) => pairs.get(pair) === true,
    add: (pair) => pairs.set(pair, true),
    forget: (pair) => pairs.delete(pair),
  };
}
