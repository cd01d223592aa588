import { expect, test } from "bun:test";
import { connectionsWithin, openFilesIn, openFilesMax } from "../../src/standalone/open-files.ts";

test("R7 connections stay below the limit of open files, with room for the files", () => {
  expect(connectionsWithin(null, 50_000)).toBe(50_000);
  expect(connectionsWithin(1_000_000, 50_000)).toBe(50_000);
  expect(connectionsWithin(55_556, 50_000)).toBe(50_000);
  expect(connectionsWithin(55_555, 50_000)).toBe(49_999);
  expect(connectionsWithin(20_000, 50_000)).toBe(18_000);
  expect(connectionsWithin(300, 50_000)).toBe(236);
  expect(connectionsWithin(30, 50_000)).toBe(1);
});

test("R7 the soft limit is what counts", () => {
  const head = "Limit                     Soft Limit           Hard Limit           Units\n";
  expect(openFilesIn(`${head}Max open files            1024                 524288               files\n`)).toBe(1_024);
  expect(openFilesIn(`${head}Max open files            unlimited            unlimited            files\n`)).toBeNull();
  expect(openFilesIn("")).toBeNull();
  const known = openFilesMax();
  if (process.platform === "linux") expect(known).toBeGreaterThan(0);
});
