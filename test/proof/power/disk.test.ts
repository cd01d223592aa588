import { describe, expect, test } from "bun:test";
import { createChance } from "../sim/chance.ts";
import { createDisk } from "./disk.ts";
import { drawLoss } from "./loss.ts";
import type { TraceRecord } from "./trace.ts";

const open = (path: string, inode = 2): TraceRecord => ({ type: "open", path, inode, isNew: true });
const write = (offset: number, text: string, inode = 2): TraceRecord => ({
  ...{ type: "write", inode, offset, data: Buffer.from(text) },
});
const sync = (inode = 2): TraceRecord => ({ type: "sync", inode });
const syncFolder: TraceRecord = { type: "sync folder" };
const synced = [open("/a"), write(0, "old"), sync(), syncFolder];

/** Every content that `/a` may have after a power loss; undefined: it may be gone. */
function possible(records: readonly TraceRecord[]): ReadonlySet<string | undefined> {
  const disk = createDisk();
  for (const record of records) disk.apply(record);
  const chance = createChance(1);
  return new Set(Array.from({ length: 400 }, () => disk.survive(drawLoss(chance), chance).get("/a")?.toString()));
}

describe("the disk that loses power", () => {
  test("D2 synced bytes survive any loss", () => {
    expect(possible(synced)).toEqual(new Set(["old"]));
  });

  test("D2 unsynced bytes may be there, missing or torn", () => {
    const found = possible([...synced, write(0, "new"), write(3, "er")]);
    for (const text of ["old", "new", "newer", "older", "old\0\0", "nld"]) expect(found).toContain(text);
  });

  test("D2 each sector may be there or not, in any order", () => {
    const found = possible([...synced, write(0, "A".repeat(512)), write(512, "B".repeat(512))]);
    expect(found).toContain(`old${"\0".repeat(509)}${"B".repeat(512)}`);
    expect(found).toContain("A".repeat(512));
  });

  test("D2 an unsynced name may be missing, and a removed one may be back", () => {
    expect(possible([open("/a"), write(0, "old"), sync()])).toEqual(new Set([undefined, "old"]));
    const removed: readonly TraceRecord[] = [...synced, { type: "unlink", path: "/a" }];
    expect(possible(removed)).toEqual(new Set([undefined, "old"]));
    expect(possible([...removed, syncFolder])).toEqual(new Set([undefined]));
    const replaced = [...removed, open("/a", 3), write(0, "new", 3), sync(3)];
    expect(possible(replaced)).toEqual(new Set([undefined, "old", "new"]));
    expect(possible([...replaced, syncFolder])).toEqual(new Set(["new"]));
  });

  test("D2 bytes written in place of truncated ones are not there without the truncation", () => {
    const found = possible([...synced, { type: "truncate", inode: 2, size: 0 }, write(0, "x")]);
    for (const text of ["old", "", "x", "\0"]) expect(found).toContain(text);
    expect(found).not.toContain("xld");
  });
});
