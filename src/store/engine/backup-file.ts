import { randomBytes } from "node:crypto";
import {
  chmodSync,
  closeSync,
  constants,
  copyFileSync,
  existsSync,
  fsyncSync,
  linkSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { ChatError } from "../../error.ts";
import { pathOfFileUrl } from "./database-file.ts";
import { createEmbeddedEngine } from "./embedded.ts";
import type { Engine } from "./engine.ts";
import { reasonOf } from "./failure.ts";
import { requireOneName } from "./file-guard.ts";
import { type FileLock, takeFileLock } from "./file-lock.ts";
import { markCopy, requireOwnLog } from "./log-mark.ts";
import { driver } from "./driver.ts";

/** What SQLite keeps beside a database. None of it may be met by another file of that name. */
const sides = ["-wal", "-shm", "-journal"] as const;

/**
 * Writes a copy of the database that a `file:` URL names, as it is at this moment, also while a server has it open: the server's writes go on
 * meanwhile. The copy is one file without a log, is checked, and is on disk when this returns; before that nothing has the name `to`.
 *
 * @throws {ChatError} `config_invalid`: no such database, or `to` exists; `database_unfit`: what there is to copy is damaged.
 */
export function backUpFile(url: string, to: string): { readonly bytes: number } {
  const file = existing(pathOfFileUrl(url), "database");
  if (existsSync(to))
    throw new ChatError("config_invalid", `${to} exists. A backup replaces nothing: give it a new name`);
  const target = join(folderOf(to), basename(to));
  const part = `${target}.${randomBytes(4).toString("hex")}.part`;
  const lock = lockUnlessServed(file);
  try {
    // A server has looked at it when it started.
    if (lock !== undefined) requireOneName(file);
    if (lock !== undefined) requireOwnLog(file);
    closeSync(openSync(part, "wx", 0o600));
    copyInto(file, part);
    sync(part);
    renameSync(part, target);
    sync(dirname(target));
    return { bytes: statSync(target).size };
  } catch (cause) {
    throw unfit(`${file} could not be backed up`, cause);
  } finally {
    for (const side of ["", ...sides]) rmSync(`${part}${side}`, { force: true });
    lock?.release();
  }
}

/** VACUUM INTO reads every page of one snapshot, and writes nothing where it reads. */
function copyInto(file: string, part: string): void {
  const source = new (driver())(file, { readonly: true });
  try {
    source.exec(`VACUUM INTO '${part.replaceAll("'", "''")}'`);
  } finally {
    source.close();
  }
  const copy = new (driver())(part);
  try {
    markCopy(copy);
    const [row] = copy.prepare("PRAGMA integrity_check(1)").all() as Record<string, unknown>[];
    requireOk(row?.["integrity_check"]);
  } finally {
    copy.close();
  }
}

export type Restored<T> = {
  readonly result: T;
  /** Under which name the database that was there is kept; undefined: there was none. */
  readonly kept: string | undefined;
};

/**
 * Puts a copy of a backup in the place of the database that a `file:` URL names. `prepare` is run on the copy, which is checked first. The
 * database that is there, its log included, stays as it is until the copy is complete and on disk, and is kept under another name then.
 * A crash at any moment leaves the one or the other, or what no server starts on.
 *
 * @throws {ChatError} `config_invalid`: no such backup; `database_locked`: a server has the one or the other open; `database_unfit`: the
 * backup is damaged; what `prepare` throws.
 */
export async function restoreFile<T>(
  from: string,
  { url, prepare }: { readonly url: string; readonly prepare: (engine: Engine) => Promise<T> },
): Promise<Restored<T>> {
  const backup = existing(from, "backup");
  const path = pathOfFileUrl(url);
  const file = existsSync(path) ? realpathSync(path) : join(folderOf(path), basename(path));
  if (backup === file) throw new ChatError("config_invalid", `${from} is the database itself`);
  if (existsSync(`${backup}.lock`)) takeFileLock(backup).release();
  const lock = takeFileLock(file);
  const copy = `${file}.restoring`;
  // A run that was killed may have left some of it, and the lock says that it is over.
  const clear = (): void => {
    for (const side of ["", ".lock", ...sides]) rmSync(`${copy}${side}`, { force: true });
  };
  try {
    clear();
    copyFileSync(backup, copy, constants.COPYFILE_EXCL | constants.COPYFILE_FICLONE);
    if (existsSync(`${backup}-wal`)) copyFileSync(`${backup}-wal`, `${copy}-wal`, constants.COPYFILE_FICLONE);
    chmodSync(copy, existsSync(file) ? statSync(file).mode & 0o777 : 0o600);
    const engine = createEmbeddedEngine({ path: copy });
    let result: T;
    try {
      await requireWhole(engine);
      result = await prepare(engine);
    } finally {
      await engine.close();
    }
    sync(copy);
    return { result, kept: putInPlace(copy, file) };
  } catch (cause) {
    throw unfit(`${from} could not be restored, and ${file} is as it was`, cause);
  } finally {
    clear();
    lock.release();
  }
}

/** Answers under which name the database that was there is kept. */
function putInPlace(copy: string, file: string): string | undefined {
  const isReplaced = existsSync(file);
  const name = `${file}.replaced-${new Date().toISOString().replaceAll(/[-:]|\.\d+/g, "")}`;
  let kept = name;
  for (let i = 2; existsSync(kept); i++) kept = `${name}-${i}`;
  // From the second name on no server starts, so that none begins with a file without its log.
  if (isReplaced) keep(file, kept);
  // The log of the one is not for the other, and belongs to the one that is kept. The index of a log is made anew.
  for (const side of ["-wal", "-journal"])
    if (existsSync(`${file}${side}`)) renameSync(`${file}${side}`, `${kept}${side}`);
  rmSync(`${file}-shm`, { force: true });
  sync(dirname(file));
  renameSync(copy, file);
  sync(dirname(file));
  return isReplaced ? kept : undefined;
}

function keep(file: string, kept: string): void {
  try {
    linkSync(file, kept);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") throw error;
    // A file system without hard links.
    renameSync(file, kept);
  }
}

/**
 * Reads all of a database, and refuses one that is damaged.
 *
 * @throws {ChatError} `database_unfit`.
 */
export async function requireWhole(engine: Engine): Promise<void> {
  const [[row] = []] = await engine.read([{ sql: "PRAGMA integrity_check(1)" }]);
  requireOk(row?.["integrity_check"]);
}

function requireOk(answer: unknown): void {
  if (answer !== "ok") throw new ChatError("database_unfit", `The database is damaged: ${String(answer)}`);
}

function existing(path: string, what: string): string {
  if (existsSync(path) && statSync(path).isFile()) return realpathSync(path);
  throw new ChatError("config_invalid", `There is no such ${what}, got ${path}`);
}

function folderOf(path: string): string {
  const folder = dirname(resolve(path));
  if (existsSync(folder)) return realpathSync(folder);
  throw new ChatError("config_invalid", `There is no such folder, got ${folder}`);
}

/** The lock of the file; undefined where a server has it. */
function lockUnlessServed(file: string): FileLock | undefined {
  try {
    return takeFileLock(file);
  } catch (error) {
    if (error instanceof ChatError && error.code === "database_locked") return undefined;
    throw error;
  }
}

/** Also a folder: the name of a file is on disk once its folder is. */
function sync(path: string): void {
  const descriptor = openSync(path, "r");
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function unfit(text: string, cause: unknown): ChatError {
  if (cause instanceof ChatError && cause.code !== "unavailable") return cause;
  return new ChatError("database_unfit", `${text}: ${reasonOf(cause)}`, { cause });
}
