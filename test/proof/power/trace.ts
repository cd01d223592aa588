import { closeSync, openSync, readFileSync, writeSync } from "node:fs";
import type { Event } from "../checker/checker.ts";

/** One record of a trace: a change that a process made to the files (shim.c), or an event of a client. */
export type TraceRecord =
  | { readonly type: "open"; readonly path: string; readonly inode: number; readonly isNew: boolean }
  | { readonly type: "write"; readonly inode: number; readonly offset: number; readonly data: Buffer }
  | { readonly type: "truncate"; readonly inode: number; readonly size: number }
  | { readonly type: "sync"; readonly inode: number }
  | { readonly type: "unlink"; readonly path: string }
  | { readonly type: "rename"; readonly path: string; readonly to: string }
  | { readonly type: "sync folder" }
  | { readonly type: "event"; readonly event: Event };

/** As in shim.c. */
const headerBytes = 32;
const kinds = { open: 1, write: 2, truncate: 3, sync: 4, unlink: 5, rename: 6, syncFolder: 7, event: 8 } as const;

/** Adds a client's events to the trace. One write each, so that records of several processes stay whole and in order. */
export function openTrace(file: string) {
  const descriptor = openSync(file, "a");
  return {
    note(event: Event): void {
      const data = Buffer.from(JSON.stringify(event));
      const record = Buffer.alloc(headerBytes + data.length);
      record.writeUInt32LE(record.length, 0);
      record.writeUInt32LE(kinds.event, 4);
      data.copy(record, headerBytes);
      if (writeSync(descriptor, record) !== record.length) throw new Error("A record of the trace was cut");
    },
    close: (): void => closeSync(descriptor),
  };
}

export function readTrace(file: string): readonly TraceRecord[] {
  const bytes = readFileSync(file);
  const records: TraceRecord[] = [];
  for (let at = 0; at < bytes.length;) {
    const length = bytes.readUInt32LE(at);
    if (length < headerBytes || at + length > bytes.length) throw new Error(`The trace is broken at ${at}`);
    records.push(parseRecord(bytes.subarray(at, at + length)));
    at += length;
  }
  return records;
}

function parseRecord(bytes: Buffer): TraceRecord {
  const inode = Number(bytes.readBigUInt64LE(8));
  const offset = Number(bytes.readBigUInt64LE(16));
  const dataStart = headerBytes + bytes.readUInt32LE(24);
  const path = bytes.toString("utf8", headerBytes, dataStart);
  const data = bytes.subarray(dataStart);
  const kind = bytes.readUInt32LE(4);
  switch (kind) {
    case kinds.open:
      return { type: "open", path, inode, isNew: bytes.readUInt32LE(28) === 1 };
    case kinds.write:
      return { type: "write", inode, offset, data };
    case kinds.truncate:
      return { type: "truncate", inode, size: offset };
    case kinds.sync:
      return { type: "sync", inode };
    case kinds.unlink:
      return { type: "unlink", path };
    case kinds.rename:
      return { type: "rename", path, to: data.toString() };
    case kinds.syncFolder:
      return { type: "sync folder" };
    case kinds.event:
      return { type: "event", event: JSON.parse(data.toString()) as Event };
    default:
      throw new Error(`The trace has a record of kind ${kind}`);
  }
}
