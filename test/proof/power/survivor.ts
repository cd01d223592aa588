import type { Chance } from "../sim/chance.ts";
import { type Content, createContent } from "./content.ts";
import type { Loss } from "./loss.ts";

/** An unsynced change of a file; `at`: its number among all changes. */
export type PendingChange =
  | { readonly at: number; readonly type: "write"; readonly offset: number; readonly data: Buffer }
  | { readonly at: number; readonly type: "truncate"; readonly size: number };

export type SurvivorOptions = {
  readonly durable: Content;
  readonly pending: readonly PendingChange[];
  readonly loss: Loss;
  /** Under a prefix loss: the number of the change that is torn; those after it are gone. */
  readonly cut: number;
  readonly chance: Chance;
};

const sectorBytes = 512;

/** The content of a file after the power loss: the synced bytes, and those pending changes that the loss lets through. */
export function surviveFile({ durable, pending, loss, cut, chance }: SurvivorOptions): Buffer {
  const content = durable.copy();
  const isAny = loss.kind === "writes" || loss.kind === "sectors";
  // A truncation frees blocks only once it is on disk: without it, nothing written later in their place is there.
  const truncations = pending.filter(({ type }) => type === "truncate").length;
  let truncationsLeft = isAny ? chance.between(0, truncations) : truncations;
  let barrier = Number.POSITIVE_INFINITY;
  let synced = content.size();
  let extent = synced;
  if (loss.kind === "none") return content.bytes();
  for (const change of pending) {
    if (loss.kind === "prefix" && change.at > cut) break;
    if (change.type === "truncate") {
      if (truncationsLeft === 0) barrier = Math.min(barrier, change.size);
      if (barrier < Number.POSITIVE_INFINITY) continue;
      truncationsLeft--;
      content.truncate(change.size);
      synced = change.size;
      extent = change.size;
      continue;
    }
    const { offset, data } = change;
    if (offset + data.length > barrier) continue;
    extent = Math.max(extent, offset + data.length);
    if (loss.kind === "all" || (loss.kind === "prefix" && change.at < cut)) content.write(offset, data);
    else if (loss.kind === "prefix") content.write(offset, data.subarray(0, tear(offset, data.length, chance)));
    else if (loss.kind === "writes") {
      if (chance.hits(loss.share)) content.write(offset, data);
    } else writeSectors(content, { offset, data, share: loss.share, chance });
  }
  if (isAny) resize(content, { synced, extent, chance });
  return content.bytes();
}

/** How many bytes of a torn write are there: mostly whole sectors. */
function tear(offset: number, bytes: number, chance: Chance): number {
  const any = chance.between(0, bytes);
  if (chance.hits(0.3)) return any;
  const sectorEnd = Math.floor((offset + any) / sectorBytes) * sectorBytes;
  return Math.max(0, sectorEnd - offset);
}

function writeSectors(
  content: Content,
  { offset, data, share, chance }: { offset: number; data: Buffer; share: number; chance: Chance },
): void {
  for (let start = 0; start < data.length;) {
    const end = Math.min(data.length, start + sectorBytes - ((offset + start) % sectorBytes));
    const isThere = chance.hits(share);
    const bytes = isThere && chance.hits(0.01) ? chance.between(0, end - start) : end - start;
    if (isThere) content.write(offset + start, data.subarray(start, start + bytes));
    start = end;
  }
}

/**
 * The size is separate metadata: it may be ahead of the data (zeros, or even the blocks' earlier bytes), or behind it.
 */
function resize(
  content: Content,
  { synced, extent, chance }: { synced: number; extent: number; chance: Chance },
): void {
  const drawn = chance.unit();
  if (drawn < 0.2) content.truncate(chance.between(synced, extent));
  else if (drawn < 0.3) content.truncate(synced);
  else if (drawn < 0.6) content.truncate(Math.max(extent, content.size()));
  else if (drawn < 0.7 && content.size() < extent) {
    const start = content.size();
    content.write(start, noise(extent - start, chance));
  }
}

function noise(bytes: number, chance: Chance): Buffer {
  const block = Buffer.from(Array.from({ length: 64 }, () => chance.between(0, 255)));
  return createContent(Buffer.alloc(bytes, block)).bytes();
}
