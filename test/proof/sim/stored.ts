import type { Truth } from "./database.ts";

/** What the devices of a user (`tenant/user`) ever stored of others: message ids; and up to which place of each conversation of the history of now. */
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

/** The database has gone back to this: what it no longer has counts for nothing, and what it has again was stored once. */
export function restoreStored(world: object, truth: Truth): void {
  for (const [owner, mine] of worlds.get(world) ?? []) {
    mine.upTo.clear();
    for (const { conversation, seq, id } of truth.historyOf(owner))
      if (mine.ids.has(id)) raise(mine, conversation, seq);
  }
  // A backup of later than the one that was put back before has marks for which somebody had stored something once.
  for (const [place, { delivered }] of truth.marks) {
    const [conversation = "", owner = ""] = place.split(" ");
    raise(storedBy(world, owner), conversation, delivered);
  }
}
