import { readdirSync, readFileSync, statSync } from "node:fs";

/** Descriptors of this process that are looked at around each opening: a new one gets the lowest number that is free. */
export const descriptorsAtOpen = 256;
const descriptorFolder = "/proc/self/fd";
/** A process with more open descriptors, of sockets say, is not asked for the list of them. */
const listedMax = 512;

export type Identity = { readonly dev: bigint; readonly ino: bigint };
export type Standing = Identity & { readonly mtimeNs: bigint; readonly size: bigint };

export function look(path: string): Standing | undefined {
  try {
    return statSync(path, { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined;
  }
}

export const isSame = (a: Identity | undefined, b: Identity | undefined): boolean =>
  a !== undefined && b !== undefined && a.ino === b.ino && a.dev === b.dev;

/** A file of /proc/self (Linux); elsewhere it is empty. */
export function readProc(name: string): string {
  try {
    return readFileSync(`/proc/self/${name}`, "latin1");
  } catch {
    return "";
  }
}

/**
 * Everything that our SQLite has open in this process: descriptors of databases, and mapped indexes of logs. Other descriptors of the same file
 * belong to another SQLite, and neither sees the locks of the other. Ours stay long after a connection was closed, until garbage is collected.
 */
const ownDescriptors = new Map<number, Identity>();
const ownMappings = new Set<string>();

export const isDescriptorOf = (descriptor: number, file: Identity | undefined): boolean =>
  isSame(look(`${descriptorFolder}/${descriptor}`), file);

/**
 * The open descriptors of this process; null where there are too many to list, or where the system does not say how many there are. The list of
 * a process with few costs a hundredth of a look at each number.
 */
function listDescriptors(): ReadonlySet<number> | null {
  // Linux before 6.2 says 0.
  const openCount = Number(look(descriptorFolder)?.size ?? 0n);
  if (openCount === 0 || openCount > listedMax) return null;
  try {
    return new Set(readdirSync(descriptorFolder).map(Number));
  } catch {
    // A list needs a descriptor of its own, and there may be none left.
    return null;
  }
}

/** Descriptors of a file in this stretch of numbers that are not ours. */
export function strangersOf(file: Identity | undefined, { from, count }: { from: number; count: number }): number[] {
  const open = listDescriptors();
  // The number of one that was closed may be another's next.
  for (const [descriptor, identity] of ownDescriptors)
    if (open?.has(descriptor) === false || !isDescriptorOf(descriptor, identity)) ownDescriptors.delete(descriptor);
  if (file === undefined) return [];
  const stretch = Array.from({ length: count }, (_, i) => from + i);
  return stretch.filter(
    (descriptor) =>
      open?.has(descriptor) !== false && !ownDescriptors.has(descriptor) && isDescriptorOf(descriptor, file),
  );
}

type Mapping = { readonly range: string; readonly isDeleted: boolean };

/** Where the index of this database's log is mapped: one SQLite maps an index once, for all of its connections. */
function mappingsOf(file: string): Mapping[] {
  // The kernel writes bytes, and a line feed as \012.
  const name = ` ${Buffer.from(`${file}-shm`).toString("latin1").replaceAll("\n", "\\012")}`;
  return readProc("maps")
    .split("\n")
    .flatMap((line) => {
      const isDeleted = line.endsWith(`${name} (deleted)`);
      const [range = "", , offset] = line.split(" ");
      return offset === "00000000" && (isDeleted || line.endsWith(name)) ? [{ range, isDeleted }] : [];
    });
}

/** Whether another SQLite of this process has this database in use. */
export function isSharedHere(file: string): boolean {
  const found = mappingsOf(file);
  return found.some(({ range }) => !ownMappings.has(range));
}

/**
 * Whether our SQLite still holds an index that was deleted: a new connection would share it, and write a log that cannot be read after a
 * crash.
 */
export const holdsDeletedIndex = (file: string): boolean =>
  mappingsOf(file).some(({ range, isDeleted }) => isDeleted && ownMappings.has(range));

/** Whether a connection of ours is still open: one that was closed is, until it is garbage. */
export const holdsIndex = (file: string): boolean => mappingsOf(file).some(({ range }) => ownMappings.has(range));

/** Whether the index that our connections share is the one beside the database, which other processes share too. */
export function hasIndexBeside(file: string): boolean {
  const found = mappingsOf(file);
  return found.length === 0 || found.some(({ range, isDeleted }) => !isDeleted && ownMappings.has(range));
}

/** Runs a task that opens connections to a database by our SQLite, and notes their descriptors and mappings as ours. */
export function owning<T>(file: string, task: () => T): T {
  const identity = look(file);
  const before = new Set(strangersOf(identity, { from: 0, count: descriptorsAtOpen }));
  const mapped = mappingsOf(file);
  forgetUnmapped();
  try {
    return task();
  } finally {
    for (const descriptor of strangersOf(identity, { from: 0, count: descriptorsAtOpen }))
      if (identity !== undefined && !before.has(descriptor)) ownDescriptors.set(descriptor, identity);
    const now = mappingsOf(file);
    const fresh = now.filter(({ range }) => !mapped.some((one) => one.range === range));
    for (const { range } of fresh) ownMappings.add(range);
    const strange = now.filter(({ range }) => !ownMappings.has(range));
    const isOursLive = now.some(({ range, isDeleted }) => !isDeleted && ownMappings.has(range));
    // Ours was mapped before, by a connection of the same SQLite that other code has opened.
    const [only] = strange;
    if (fresh.length === 0 && strange.length === 1 && only && !isOursLive) ownMappings.add(only.range);
  }
}

/** An address may be another's next. */
function forgetUnmapped(): void {
  if (ownMappings.size === 0) return;
  const mapped = new Set(
    readProc("maps")
      .split("\n")
      .filter((line) => line.includes("-shm"))
      .map((line) => line.split(" ", 1)[0]),
  );
  for (const range of ownMappings) if (!mapped.has(range)) ownMappings.delete(range);
}
