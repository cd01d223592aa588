import type { Conversation } from "../api.ts";

/** The conversations of the list in their order. One change costs the same work in a long list as in a short one, but for the copy of the snapshot. */
export interface ListOrder {
  /** Puts a conversation at its rank; null removes it. */
  put(id: string, entry: Entry | null): void;
  clear(): void;
  /** The greatest rank first: the same array until something of it has changed. */
  conversations(): readonly Conversation[];
}

export type Entry = { readonly rank: number; readonly shown: Conversation };

export function createListOrder(): ListOrder {
  const byId = new Map<string, Entry>();
  /** By rank, the greatest first. */
  const entries: Entry[] = [];
  let snapshot: readonly Conversation[] | null = null;

  function indexOf(rank: number): number {
    let [low, high] = [0, entries.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((entries[middle]?.rank ?? 0) > rank) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  return {
    put(id, entry) {
      const before = byId.get(id) ?? null;
      if (before?.shown === entry?.shown && before?.rank === entry?.rank) return;
      snapshot = null;
      if (before !== null) entries.splice(entries.indexOf(before, indexOf(before.rank)), 1);
      if (entry === null) return void byId.delete(id);
      entries.splice(indexOf(entry.rank), 0, entry);
      byId.set(id, entry);
    },
    clear() {
      snapshot = null;
      byId.clear();
      entries.length = 0;
    },
    conversations: () => (snapshot ??= entries.map((entry) => entry.shown)),
  };
}
