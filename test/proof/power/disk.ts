import type { Chance } from "../sim/chance.ts";
import { type Content, createContent } from "./content.ts";
import type { Loss } from "./loss.ts";
import { type PendingChange, surviveFile } from "./survivor.ts";
import type { TraceRecord } from "./trace.ts";

type File = { durable: Content; readonly current: Content; pending: PendingChange[] };
/** The files that a name meant: on the disk, and since the last fsync of the folder, in turn. */
type Name = {
  durable: File | null;
  current: File | null;
  pending: { readonly at: number; readonly file: File | null }[];
};

export type Disk = ReturnType<typeof createDisk>;

/**
 * The files of one folder, replayed from a trace: as processes see them, and as a disk may have them after a power loss.
 *
 * It assumes only the guarantees of POSIX: an fsync of a file makes its bytes and its size durable, an fsync of the folder
 * its names; bytes of a sector without a write stay. Nothing else is ordered, not even the names of one folder.
 */
export function createDisk() {
  const names = new Map<string, Name>();
  const files = new Map<number, File>();
  let changes = 0;

  function nameOf(path: string): Name {
    const known = names.get(path);
    if (known) return known;
    const made: Name = { durable: null, current: null, pending: [] };
    names.set(path, made);
    return made;
  }

  function link(path: string, file: File | null): void {
    const name = nameOf(path);
    name.current = file;
    name.pending.push({ at: changes, file });
  }

  function open(path: string, inode: number, isNew: boolean): void {
    const current = nameOf(path).current;
    // The server's runtime creates the empty database file by its own system calls, which no library sees.
    if (!isNew && current !== null && files.get(inode) === current) return;
    if (!isNew && current !== null) throw new Error(`${path} is another file than the trace knows`);
    const file: File = { durable: createContent(), current: createContent(), pending: [] };
    // The inode of a deleted file may be used again.
    files.set(inode, file);
    link(path, file);
  }

  function fileOf(inode: number): File {
    const file = files.get(inode);
    if (!file) throw new Error(`The trace changes a file ${inode} that it never opened`);
    return file;
  }

  return {
    apply(record: TraceRecord): void {
      if (record.type !== "event") changes++;
      switch (record.type) {
        case "open":
          open(record.path, record.inode, record.isNew);
          break;
        case "write": {
          const { inode, offset, data } = record;
          const file = fileOf(inode);
          file.current.write(offset, data);
          file.pending.push({ at: changes, type: "write", offset, data });
          break;
        }
        case "truncate": {
          const file = fileOf(record.inode);
          file.current.truncate(record.size);
          file.pending.push({ at: changes, type: "truncate", size: record.size });
          break;
        }
        case "sync": {
          const file = fileOf(record.inode);
          for (const change of file.pending) {
            if (change.type === "write") file.durable.write(change.offset, change.data);
            else file.durable.truncate(change.size);
          }
          file.pending = [];
          break;
        }
        case "unlink":
          link(record.path, null);
          break;
        case "rename": {
          const file = nameOf(record.path).current;
          link(record.path, null);
          link(record.to, file);
          break;
        }
        case "sync folder":
          for (const name of names.values()) Object.assign(name, { durable: name.current, pending: [] });
          break;
        case "event":
          break;
      }
    },

    /** The files as processes see them, by path. */
    current(): ReadonlyMap<string, Buffer> {
      const found = new Map<string, Buffer>();
      for (const [path, { current }] of names) if (current) found.set(path, current.current.bytes());
      return found;
    },

    /** The files after a power loss now. */
    survive(loss: Loss, chance: Chance): ReadonlyMap<string, Buffer> {
      const pending = [...names.values()].flatMap((name) => [
        ...name.pending,
        ...[name.durable, ...name.pending.map(({ file }) => file)].flatMap((file) => file?.pending ?? []),
      ]);
      const cuts = pending.map(({ at }) => at);
      const cut = cuts.length === 0 ? changes : chance.pick(cuts);
      const survived = new Map<string, Buffer>();
      for (const [path, name] of names) {
        const file = surviveName(name, { loss, cut, chance });
        if (file) survived.set(path, surviveFile({ ...file, loss, cut, chance }));
      }
      return survived;
    },
  };
}

function surviveName(name: Name, { loss, cut, chance }: { loss: Loss; cut: number; chance: Chance }): File | null {
  switch (loss.kind) {
    case "all":
      return name.current;
    case "none":
      return name.durable;
    case "prefix":
      return [{ at: 0, file: name.durable }, ...name.pending].findLast(({ at }) => at <= cut)?.file ?? null;
    case "writes":
    case "sectors":
      return chance.pick([name.durable, ...name.pending.map(({ file }) => file)]);
  }
}
