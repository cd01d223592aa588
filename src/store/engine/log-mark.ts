import { closeSync, openSync, readSync } from "node:fs";
import type Database from "libsql";
import { ChatError } from "../../error.ts";
import { hex } from "../../internal/sha256.ts";
import type { Connection } from "./connection.ts";
import { driver } from "./driver.ts";
import { reasonOf } from "./failure.ts";
import { owning } from "./own-handles.ts";

/**
 * SQLite plays the log beside a database (`chat.db-wal`) into whatever file has that name now. A backup that was copied over the file of a
 * process that died gets pages of two histories, and is damaged for ever. So each log begins with a mark, a row of one table: the mark's own
 * random name, and the name of the mark before it. When a log begins, the file beside it holds the mark before; once the log was
 * written into the file, it holds one of the log's own. A file with any other mark is not the one that the log belongs to.
 *
 * All marks have one length, so that SQLite writes a new one over the old one and leaves no old one behind on the page.
 */
const markTable = "tidings_file";
const prefix = "tidings-file 1 ";
const noName = "0".repeat(16);
const markPattern = /^(tidings-file 1 ([0-9a-f]{16}) ([0-9a-f]{16}) (\d{10})) ([0-9a-f]{8})$/;
const markBytes = prefix.length + 2 * (noName.length + 1) + 10 + 9;

/** The content of a mark: its name, the name of the mark before it, and the version of the schema when it was made. */
type Mark = { readonly name: string; readonly before: string; readonly schema: number };

export type LogContent = {
  /** Whether SQLite would play any of it into the file. */
  readonly isEmpty: boolean;
  readonly marks: readonly Mark[];
  /** Each version of the schema that the file may have had since the log began. */
  readonly schemas: ReadonlySet<number>;
};

function parseMark(text: unknown): Mark | undefined {
  const [, body, name, before, schema, sum] = markPattern.exec(String(text)) ?? [];
  if (body === undefined || name === undefined || before === undefined || sumOf(body) !== sum) return undefined;
  return { name, before, schema: Number(schema) };
}

function textOfMark({ name, before, schema }: Mark): string {
  const body = `${prefix}${name} ${before} ${String(schema).padStart(10, "0")}`;
  return `${body} ${sumOf(body)}`;
}

/** FNV-1a: a mark of which a power loss left a half is none. */
function sumOf(text: string): string {
  let sum = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) sum = Math.imul(sum ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return sum.toString(16).padStart(8, "0");
}

/** Writes the next mark, as a part of the transaction that is open on this connection. Answers whether it is the file's first one. */
export function writeMark(connection: Connection): boolean {
  const one = (sql: string): unknown => Object.values(connection.run({ sql })[0] ?? {})[0];
  const schema = Number(one("PRAGMA schema_version"));
  connection.exec(`CREATE TABLE IF NOT EXISTS ${markTable} (key INTEGER PRIMARY KEY, mark TEXT NOT NULL)`);
  const before = nameOfMark(connection);
  connection.run({
    sql: `INSERT INTO ${markTable} VALUES (1, ?) ON CONFLICT (key) DO UPDATE SET mark = excluded.mark`,
    args: [textOfMark({ name: newName(), before, schema })],
  });
  return before === noName;
}

const nameOfMark = (connection: Connection): string => {
  const [row] = connection.run({ sql: `SELECT mark FROM ${markTable} WHERE key = 1` });
  return parseMark(row?.["mark"])?.name ?? noName;
};

/** Whether the file itself has the newest mark that this connection sees: then it is what the connection's log was written into. */
export function hasNewestMark(connection: Connection, file: string): boolean {
  const [found] = connection.run({ sql: `SELECT 1 FROM sqlite_master WHERE name = '${markTable}'` });
  return markOfFile(file)?.name === (found ? nameOfMark(connection) : noName);
}

/** Gives a copy a mark that no log can know, because a copy may have its pages in another order. */
export function markCopy(database: Database.Database): void {
  const isThere = database.prepare(`SELECT 1 FROM sqlite_master WHERE name = '${markTable}'`).all().length > 0;
  const mark = textOfMark({ name: newName(), before: noName, schema: 0 });
  if (isThere) database.exec(`UPDATE ${markTable} SET mark = '${mark}'`);
}

const newName = (): string => hex(crypto.getRandomValues(new Uint8Array(8)));

/**
 * Refuses a log that belongs to another file, before SQLite looks at either: to open them would play it in. Reads no more than the log and a
 * few pages. Only a log without a mark (an older Tidings, or another program, was killed while it wrote) takes a look at the whole file.
 *
 * No connection of this process may be open on the file: closing the descriptors that are opened here drops its locks.
 *
 * @throws ChatError `database_unfit`.
 */
export function requireOwnLog(file: string): void {
  const log = readLog(`${file}-wal`);
  if (log.isEmpty) return;
  const names = new Set(log.marks.flatMap(({ name, before }) => [name, before]));
  const found = markOfFile(file);
  // A file without a mark is one of an older Tidings, or one with pages that a power loss has left half written.
  if (names.size > 0 && found !== undefined && found.name !== noName) {
    if (!names.has(found.name)) throw foreignLog(file);
    // A VACUUM keeps the mark, but moves the pages.
    if (log.schemas.has(found.schema)) return;
  }
  // Where the marks cannot decide, the pages do.
  const fault = owning(file, () => faultOfPages(file));
  if (fault !== null) throw foreignLog(file, fault);
}

/** Whether the file, as it is without its log, still is the one that the log beside it was written for. undefined: there is no log. */
export function isOwnLog(file: string): boolean | undefined {
  const log = readLog(`${file}-wal`);
  if (log.marks.length === 0) return undefined;
  const found = markOfFile(file);
  return found !== undefined && log.marks.some(({ name, before }) => name === found.name || before === found.name);
}

function foreignLog(file: string, fault?: string): ChatError {
  return new ChatError(
    "database_unfit",
    `The log ${file}-wal does not belong to ${file}: another file was put in the place of the one that it was written for` +
      (fault === undefined ? "" : ` (together they are damaged: ${fault})`) +
      '. Nothing was changed. Restore a backup with "tidings restore", which sees to the log too',
  );
}

/** The mark in the file itself, as it is without its log; undefined where that cannot be read. A file that never had one: a mark without name. */
function markOfFile(file: string): { readonly name: string; readonly schema: number } | undefined {
  const path = file.split("/").map(encodeURIComponent).join("/");
  let database: Database.Database | undefined;
  try {
    // Immutable: without the log, without locks, and without a trace.
    database = new (driver())(`file:${path}?immutable=1`, { readonly: true });
    const all = (sql: string): Record<string, unknown>[] => database?.prepare(sql).all() as Record<string, unknown>[];
    const schema = Number(all("PRAGMA schema_version")[0]?.["schema_version"]);
    const isThere = all(`SELECT 1 FROM sqlite_master WHERE name = '${markTable}'`).length > 0;
    if (!isThere) return { name: noName, schema };
    const [row] = all(`SELECT mark FROM ${markTable} WHERE key = 1`);
    const mark = parseMark(row?.["mark"]);
    return mark && { name: mark.name, schema };
  } catch {
    return undefined;
  } finally {
    database?.close();
  }
}

/** The fault that SQLite finds in the file and its log together, or null. Changes neither. */
function faultOfPages(file: string): string | null {
  let database: Database.Database | undefined;
  try {
    database = new (driver())(file, { readonly: true });
    const [row] = database.prepare(`PRAGMA integrity_check(1)`).all() as Record<string, unknown>[];
    const text = String(Object.values(row ?? {})[0]);
    return text === "ok" ? null : text;
  } catch (error) {
    return reasonOf(error);
  } finally {
    database?.close();
  }
}

const headerBytes = 32;
const frameHeaderBytes = 24;
const chunkBytes = 1024 * 1024;

/**
 * Reads a log (https://sqlite.org/fileformat2.html#walformat). Frames count for as long as they carry the salts of its header. Their checksums
 * are SQLite's to check: a frame more than it takes can only add a mark of ours.
 */
export function readLog(path: string): LogContent {
  const marks: Mark[] = [];
  const schemas = new Set<number>();
  const nothing: LogContent = { isEmpty: true, marks, schemas };
  let log: number;
  try {
    log = openSync(path, "r");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return nothing;
    throw new ChatError("database_unfit", `The log ${path} cannot be read: ${String(error)}`, { cause: error });
  }
  try {
    const header = Buffer.alloc(headerBytes);
    if (readSync(log, header, 0, headerBytes, 0) < headerBytes) return nothing;
    if (header.readUInt32BE(0) >>> 1 !== 0x377f0682 >>> 1) return nothing;
    const pageBytes = header.readUInt32BE(8);
    if (pageBytes < 512 || pageBytes > 65_536) return nothing;
    const salts = header.subarray(16, 24);
    const frameBytes = frameHeaderBytes + pageBytes;
    const chunk = Buffer.alloc(Math.max(1, Math.floor(chunkBytes / frameBytes)) * frameBytes);
    let isEmpty = true;
    for (let at = headerBytes; ; at += chunk.length) {
      const bytes = readSync(log, chunk, 0, chunk.length, at);
      for (let start = 0; start + frameBytes <= bytes; start += frameBytes) {
        const frame = chunk.subarray(start, start + frameBytes);
        if (!frame.subarray(8, 16).equals(salts)) return { isEmpty, marks, schemas };
        if (frame.readUInt32BE(4) > 0) isEmpty = false;
        const page = frame.subarray(frameHeaderBytes);
        if (frame.readUInt32BE(0) === 1) schemas.add(page.readUInt32BE(40));
        const mark = markOfPage(page);
        if (mark === undefined) continue;
        marks.push(mark);
        schemas.add(mark.schema);
      }
      if (bytes < chunk.length) return { isEmpty, marks, schemas };
    }
  } finally {
    closeSync(log);
  }
}

/** The mark on a page that holds nothing but one: a leaf of a table with one row, with the key 1. Pages with texts of users look different. */
function markOfPage(page: Buffer): Mark | undefined {
  if (page[0] !== 0x0d || page.readUInt16BE(3) !== 1) return undefined;
  const cell = page.readUInt16BE(8);
  // Before the text: the length of the row, its key, and a header that names two columns.
  if (cell + 2 > page.length || page[cell + 1] !== 1) return undefined;
  const start = page.subarray(cell, cell + 10).indexOf(prefix.slice(0, 2), 0, "latin1");
  return start < 0 ? undefined : parseMark(page.toString("latin1", cell + start, cell + start + markBytes));
}
