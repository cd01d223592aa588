import { afterAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { hashOf } from "../../../src/store/migration/migration.ts";
import { readFolder } from "../../../src/store/migration/read-folder.ts";
import { temporaryFolder } from "./folder.ts";

const root = temporaryFolder();
afterAll(() => root.remove());

let round = 0;
function folderWith(files: Record<string, string>): string {
  const folder = join(root.path, String(round++));
  mkdirSync(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

test("M19 pairs are read in order, and files other than .sql are left alone", () => {
  const folder = folderWith({
    "000010_b.up.sql": "\uFEFFSELECT 10",
    "000010_b.down.sql": "",
    "000002_a_c.up.sql": "SELECT 2",
    "000002_a_c.down.sql": "SELECT -2",
    "README.md": "x",
  });
  expect(readFolder(folder)).toEqual([
    { version: 2, name: "a_c", up: "SELECT 2", down: "SELECT -2" },
    { version: 10, name: "b", up: "SELECT 10", down: "" },
  ]);
  expect(readFolder(folderWith({}))).toEqual([]);
});

test("M19 half a pair, a wrong name and a number used twice are refused", () => {
  expect(() => readFolder(folderWith({ "000001_a.up.sql": "" }))).toThrow("000001_a.down.sql is missing");
  expect(() => readFolder(folderWith({ "000001_a.down.sql": "" }))).toThrow("000001_a.up.sql is missing");
  expect(() => readFolder(folderWith({ "first.sql": "" }))).toThrow("got first.sql");
  const twice = { "000001_a.up.sql": "", "000001_a.down.sql": "", "000001_b.up.sql": "", "000001_b.down.sql": "" };
  expect(() => readFolder(folderWith(twice))).toThrow("have the same version");
  expect(() => readFolder(join(root.path, "nowhere"))).toThrow(expect.objectContaining({ code: "config_invalid" }));
});

test("M7 the hash is what sha256sum says of the file", async () => {
  const empty = { version: 1, name: "a", up: "", down: "x" };
  expect(await hashOf(empty)).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  const up = "CREATE TABLE größe (a);\n";
  expect(await hashOf({ ...empty, up })).toBe(new Bun.CryptoHasher("sha256").update(up).digest("hex"));
});
