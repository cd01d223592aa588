import type { Truth } from "./database.ts";

/**
 * The messages of others that a user's (`tenant/user`) devices ever stored: their ids, and the highest seq of each conversation in the current
 * history.
 */
type Stored = { readonly ids: Set<string>; readonly upTo: Map<string, number> };

const worlds = new WeakMap<object, Map<string, Stored>>();

function storedBy(world: object, owner: string): Stored {
  const owners = worlds.get(world) ?? new Map<string, Stored>();
  worlds.set(world, owners);
  const mine = owners.get(owner) ?? { ids: new Set(), upTo: new Map() };
  owners.set(owner, mine);
  return mine;
}

function raise({ upTo }: Stored, conversation: string, seq: number): void {
  upTo.set(conversation, Math.max(upTo.get(conversation) ?? 0, seq));
}

export function noteStored(world: object, owner: string, { conversation, seq, id, from }: StoredRow): void {
  if (from === owner) return;
  const mine = storedBy(world, owner);
  mine.ids.add(id);
  raise(mine, conversation, seq);
}

type StoredRow = { readonly conversation: string; readonly seq: number; readonly id: string; readonly from: string };

export const storedUpTo = (world: object, owner: string, conversation: string): number =>
  storedBy(world, owner).upTo.get(conversation) ?? 0;

/** The database was restored: messages that it no longer has do not count, and those that it has again were stored once. */
export function restoreStored(world: object, truth: Truth): void {
  for (const [owner, mine] of worlds.get(world) ?? []) {
    mine.upTo.clear();
    for (const { conversation, seq, id } of truth.historyOf(owner))
      if (mine.ids.has(id)) raise(mine, conversation, seq);
  }
  // A backup that is newer than the previously restored one has marks for messages that a device once stored.
  for (const [place, { delivered }] of truth.marks) {
    const [conversation = "", owner = ""] = place.split(" ");
    raise(storedBy(world, owner), conversation, delivered);
  }
}
