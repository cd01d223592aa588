import type { Truth } from "./database.ts";

/** Up to which message of others any device of a user (`tenant/user`) ever stored a conversation, in the history of now. */
const worlds = new WeakMap<object, Map<string, Map<string, number>>>();

function storedBy(world: object, owner: string): Map<string, number> {
  const owners = worlds.get(world) ?? new Map<string, Map<string, number>>();
  worlds.set(world, owners);
  const mine = owners.get(owner) ?? new Map<string, number>();
  owners.set(owner, mine);
  return mine;
}

export function noteStored(world: object, owner: string, { conversation, seq, from }: StoredRow): void {
  if (from === owner) return;
  const mine = storedBy(world, owner);
  mine.set(conversation, Math.max(mine.get(conversation) ?? 0, seq));
}

type StoredRow = { readonly conversation: string; readonly seq: number; readonly from: string };

export const storedUpTo = (world: object, owner: string, conversation: string): number =>
  storedBy(world, owner).get(conversation) ?? 0;

/** The database has gone back to this: what it no longer has counts for nothing. */
export function restoreStored(world: object, truth: Truth): void {
  for (const [owner, mine] of worlds.get(world) ?? []) {
    const before = new Map(mine);
    mine.clear();
    for (const row of truth.historyOf(owner))
      if (row.seq <= (before.get(row.conversation) ?? 0)) noteStored(world, owner, row);
  }
  // A backup of later than the one that was put back before has marks for which somebody had stored something once.
  for (const [place, { delivered }] of truth.marks) {
    const [conversation = "", owner = ""] = place.split(" ");
    noteStored(world, owner, { conversation, seq: delivered, from: "" });
  }
}
