import { afterAll, expect, test } from "bun:test";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openConnection } from "../../../src/store/engine/connection.ts";
import { hasNewestMark, isOwnLog, readLog, requireOwnLog, writeMark } from "../../../src/store/engine/log-mark.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

/** A database as a killed process leaves it: its file, and its log of which nothing was written into the file yet. */
function leave(marks: number): string {
  const [live, dead] = [join(folder, `${files++}.db`), join(folder, `${files++}.db`)];
  const connection = openConnection(live, { cacheBytes: 65_536, statementsMax: 10 });
  connection.exec("CREATE TABLE item (text TEXT)");
  connection.sync();
  for (let i = 0; i < marks; i++) {
    connection.exec("BEGIN IMMEDIATE");
    expect(writeMark(connection)).toBe(i === 0);
    connection.run({ sql: "INSERT INTO item VALUES (?)", args: [`text ${i}`] });
    connection.exec("COMMIT");
  }
  if (marks > 0) expect(hasNewestMark(connection, live)).toBe(false);
  for (const side of ["", "-wal"]) copyFileSync(`${live}${side}`, `${dead}${side}`);
  connection.sync();
  expect(hasNewestMark(connection, live)).toBe(true);
  // The same file, after its log was written into it.
  copyFileSync(live, `${dead}.written`);
  connection.discard();
  return dead;
}

test("D21 a log has each of its marks in order, with the name of the one before it", () => {
  const { marks, isEmpty, schemas } = readLog(`${leave(3)}-wal`);
  const names = marks.map(({ name }) => name);
  expect([isEmpty, new Set(names).size, marks.map(({ before }) => before)]).toEqual([
    false,
    3,
    ["0".repeat(16), ...names.slice(0, 2)],
  ]);
  expect(schemas.size).toBeGreaterThan(0);
});

test("D21 a log without a frame that SQLite would play is empty, and one that is no log too", () => {
  const file = leave(1);
  const log = readFileSync(`${file}-wal`);
  const isEmpty = (bytes: Uint8Array): boolean => {
    writeFileSync(join(folder, "odd-wal"), bytes);
    return readLog(join(folder, "odd-wal")).isEmpty;
  };
  expect(readLog(join(folder, "none-wal")).isEmpty).toBe(true);
  expect([
    isEmpty(log),
    isEmpty(log.subarray(0, 32)),
    isEmpty(log.subarray(0, 10)),
    isEmpty(Buffer.alloc(9_000, 7)),
  ]).toEqual([false, true, true, true]);
  // Frames of an earlier log, which have other salts.
  const old = Buffer.from(log);
  old[16] = (old[16] ?? 0) ^ 1;
  expect(isEmpty(old)).toBe(true);
});

test("D21 a log belongs to its file, as it was before the log or with the log in it, and to no other", () => {
  const file = leave(2);
  expect(isOwnLog(file)).toBe(true);
  requireOwnLog(file);
  copyFileSync(`${file}.written`, file);
  expect(isOwnLog(file)).toBe(true);
  requireOwnLog(file);
  const other = leave(1);
  copyFileSync(`${other}.written`, file);
  expect(isOwnLog(file)).toBe(false);
  const before = readFileSync(file);
  expect(() => requireOwnLog(file)).toThrow(`The log ${file}-wal does not belong to ${file}`);
  // Nothing was changed, so an operator can still put the right file back.
  expect(readFileSync(file).equals(before)).toBe(true);
  copyFileSync(`${file}.written`, file);
  requireOwnLog(file);
});

test("D21 a database without a log, or with one without a mark, is judged by its pages", () => {
  const file = leave(0);
  expect(isOwnLog(file)).toBeUndefined();
  requireOwnLog(file);
  rmSync(`${file}-wal`);
  requireOwnLog(file);
});

test("D21 a mark of which a power loss left a half is none", () => {
  const file = leave(1);
  const log = readFileSync(`${file}-wal`);
  const at = log.indexOf("tidings-file 1 ");
  for (let i = at + 15; i < at + 20; i++) log[i] = 48;
  writeFileSync(`${file}-wal`, log);
  expect(readLog(`${file}-wal`).marks).toEqual([]);
});
