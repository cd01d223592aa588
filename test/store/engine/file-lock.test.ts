import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { takeFileLock } from "../../../src/store/engine/file-lock.ts";

const folder = mkdtempSync(join(tmpdir(), "tidings-"));
afterAll(() => rmSync(folder, { recursive: true }));

const codeOf = (take: () => unknown): string => {
  try {
    take();
    return "taken";
  } catch (error) {
    return error instanceof Error && "code" in error ? `${String(error.code)}: ${error.message}` : String(error);
  }
};

test("E12 a lock is held until its release, also against this process, and its file is its owner's alone", () => {
  const file = join(folder, "a.db");
  const lock = takeFileLock(file);
  expect([lock.isHeld(), statSync(`${file}.lock`).mode & 0o777]).toEqual([true, 0o600]);
  expect(codeOf(() => takeFileLock(file))).toStartWith(
    `database_locked: ${file} is in use: this process has it open already`,
  );
  // Another file has another lock.
  takeFileLock(join(folder, "b.db")).release();
  lock.release();
  const again = takeFileLock(file);
  expect(again.isHeld()).toBe(true);
  again.release();
});

test("D24 a lock of which the file was deleted is taken anew, unless another one was faster", () => {
  const file = join(folder, "c.db");
  const lock = takeFileLock(file);
  rmSync(`${file}.lock`);
  expect([lock.isHeld(), lock.isHeld()]).toEqual([true, true]);
  rmSync(`${file}.lock`);
  const faster = takeFileLock(file);
  expect(lock.isHeld()).toBe(false);
  faster.release();
  expect(lock.isHeld()).toBe(true);
  lock.release();
});

test("E15 a lock file that is no lock makes the database unfit", () => {
  const file = join(folder, "d.db");
  writeFileSync(`${file}.lock`, "This is no database, and is longer than the header of one. ".repeat(4));
  expect(codeOf(() => takeFileLock(file))).toStartWith("database_unfit: The lock file");
});
