import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, realpathSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { createPrivate, pathOfFileUrl, resolveDatabaseFile } from "../../../src/store/engine/database-file.ts";

let folder = "";
beforeAll(() => void (folder = realpathSync(mkdtempSync(join(tmpdir(), "tidings-")))));
afterAll(() => rmSync(folder, { recursive: true }));

test("E17 a URL of a file names a path, relative or absolute, with escapes", () => {
  for (const [url, path] of [
    ["file:chat.db", "chat.db"],
    ["FILE:./x/chat.db", "./x/chat.db"],
    ["file:/abs/chat.db", "/abs/chat.db"],
    ["file:///abs/chat.db", "/abs/chat.db"],
    ["file://localhost/abs/chat.db", "/abs/chat.db"],
    ["file:my%20chat.db", "my chat.db"],
  ] as const)
    expect([url, pathOfFileUrl(url)]).toEqual([url, path]);
  for (const wrong of [
    "file:",
    "file://host/chat.db",
    "file:chat.db?mode=ro",
    "file:chat.db#x",
    "file:%",
    "chat.db",
    "file:////x",
  ])
    expect(() => pathOfFileUrl(wrong)).toThrow("A database file is written file:chat.db");
});

test("E12 all names of one file have one true path, and a missing file is created", () => {
  const file = join(folder, "chat.db");
  expect(resolveDatabaseFile(file)).toBe(file);
  expect(statSync(file).size).toBe(0);
  symlinkSync(file, join(folder, "link.db"));
  symlinkSync(folder, join(folder, "same"));
  for (const name of ["link.db", "same/chat.db", "./chat.db"])
    expect(resolveDatabaseFile(join(folder, name))).toBe(file);
  expect(resolveDatabaseFile(relative(process.cwd(), file))).toBe(file);
});

test("E17 a name that is no file that stays is refused, with its reason", () => {
  mkdirSync(join(folder, "sub"));
  for (const [path, text] of [
    [":memory:", "must be a file that stays"],
    ["file:x?:memory:", "must be a file that stays"],
    ["  ", "must be a file that stays"],
    ["a\0b", "must be a file that stays"],
    [join(folder, "sub"), "is not a file"],
    [join(folder, "none/chat.db"), "does not exist, create it first"],
    [join(folder, "chat.db/x"), "cannot be opened"],
  ] as const)
    expect(() => resolveDatabaseFile(path)).toThrow(text);
});

test("E20 a new file is its owner's alone, and one that is there keeps its mode and its content", () => {
  const [made, kept] = [join(folder, "new.db"), join(folder, "kept.db")];
  createPrivate(made);
  expect(statSync(made).mode & 0o777).toBe(0o600);
  writeFileSync(kept, "content");
  chmodSync(kept, 0o644);
  createPrivate(kept);
  expect([statSync(kept).mode & 0o777, statSync(kept).size]).toEqual([0o644, 7]);
  expect(() => createPrivate(join(folder, "none/new.db"))).toThrow("ENOENT");
});
