import type { Conversation } from "../api.ts";

/** The conversations of the list in their order, with their sums. One change costs the same work in a long list as in a short one, but for the copy of the snapshot. */
export interface ListOrder {
  /** Puts a conversation at its rank; null removes it. */
  put(id: string, entry: Entry | null): void;
  clear(): void;
  /** The greatest rank first: the same array until something of it has changed. */
  conversations(): readonly Conversation[];
  sums(): Sums;
}

export type Entry = { readonly rank: number; readonly shown: Conversation };

/** `inexact`: how many conversations have a number of unread messages that may be wrong. */
export type Sums = { readonly messages: number; readonly conversations: number; readonly inexact: number };

export function createListOrder(): ListOrder {
  const byId = new Map<string, Entry>();
  /** By rank, the greatest first. */
  const entries: Entry[] = [];
  let snapshot: readonly Conversation[] | null = null;
  let sums: Sums = { messages: 0, conversations: 0, inexact: 0 };

  function indexOf(rank: number): number {
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((entries[middle]?.rank ?? 0) > rank) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  function count({ shown }: Entry, sign: 1 | -1): void {
    sums = {
      messages: sums.messages + sign * shown.unread,
      conversations: sums.conversations + sign * (shown.unread > 0 ? 1 : 0),
      inexact: sums.inexact + sign * (shown.isExact ? 0 : 1),
    };
  }

  return {
    put(id, entry) {
      const before = byId.get(id) ?? null;
      if (before?.shown === entry?.shown && before?.rank === entry?.rank) return;
      snapshot = null;
      if (before !== null) {
        count(before, -1);
        entries.splice(entries.indexOf(before, indexOf(before.rank)), 1);
      }
      if (entry === null) return void byId.delete(id);
      count(entry, 1);
      entries.splice(indexOf(entry.rank), 0, entry);
      byId.set(id, entry);
    },
    clear() {
      snapshot = null;
      byId.clear();
      entries.length = 0;
      sums = { messages: 0, conversations: 0, inexact: 0 };
    },
    conversations: () => (snapshot ??= entries.map((entry) => entry.shown)),
    sums: () => sums,
  };
}
