import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { addressOfListed, readDatabaseList } from "../../src/cli/database-list.ts";

let folder = "";
beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "tidings-"))));
afterAll(() => rmSync(folder, { recursive: true }));

function read(text: string) {
  const file = join(folder, "list.txt");
  writeFileSync(file, text);
  return readDatabaseList(file);
}

test("M20 a list has a URL and perhaps a token on each line; comments and empty lines count for nothing", () => {
  expect(
    read(
      "\uFEFF# all of them\r\nfile:a.db\n\n  libsql://b.example \t s3cret # its token\nhttps://c.example/#x $TOKEN\n",
    ),
  ).toEqual([
    { url: "file:a.db", token: undefined },
    { url: "libsql://b.example", token: "s3cret" },
    { url: "https://c.example/#x", token: "$TOKEN" },
  ]);
});

test("M20 a list that cannot be read, or has a wrong line, is refused by its number and without its text", () => {
  expect(() => readDatabaseList(join(folder, "none.txt"))).toThrow("cannot be read");
  expect(() => read("# nothing\n\n")).toThrow("names no database");
  for (const line of ["s3cret", "file:a.db s3cret more", "1file:a.db"]) {
    let text = "";
    try {
      read(`file:ok.db\n${line}\n`);
    } catch (error) {
      text = Bun.inspect(error);
    }
    expect(text).toContain("Line 2 of");
    expect(text).not.toContain("s3cret");
  }
});

test("M20 a token is the text, the value of its variable, or none", () => {
  process.env["TIDINGS_TEST_TOKEN"] = "from-env";
  const url = "libsql://b.example";
  const tokenOf = (token: string | undefined) => addressOfListed({ url, token });
  expect(tokenOf("plain")).toEqual({ database: url, "auth-token": "plain" });
  expect(tokenOf("$TIDINGS_TEST_TOKEN")).toEqual({ database: url, "auth-token": "from-env" });
  // Never the token of another database, which the environment may have.
  expect(tokenOf(undefined)).toEqual({ database: url, "auth-token": "" });
  delete process.env["TIDINGS_TEST_TOKEN"];
  expect(() => tokenOf("$TIDINGS_TEST_TOKEN")).toThrow("The variable TIDINGS_TEST_TOKEN is not set");
});
