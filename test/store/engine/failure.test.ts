import { expect, test } from "bun:test";
import { ChatError } from "../../../src/error.ts";
import { closedFailure, failure, isDamage, reasonOf } from "../../../src/store/engine/failure.ts";

const coded = (code: unknown, cause?: unknown) => Object.assign(new Error(String(code), { cause }), { code });

test("E5 every failed call is unavailable, with the driver's own error as its cause", () => {
  const cause = new Error("disk I/O error");
  expect(failure(cause)).toMatchObject({
    code: "unavailable",
    message: "The database did not complete the call: disk I/O error",
    cause,
  });
  expect(failure("text")).toMatchObject({ code: "unavailable", cause: "text" });
  const closed = closedFailure();
  expect(failure(closed)).toBe(closed);
  expect(failure(new ChatError("conflict", "x"))).toMatchObject({ code: "unavailable", cause: { code: "conflict" } });
  expect([reasonOf(cause), reasonOf(7)]).toEqual(["disk I/O error", "7"]);
});

test("D26 a damaged file is recognised, however deep its error is", () => {
  for (const code of ["SQLITE_CORRUPT", "SQLITE_CORRUPT_INDEX", "SQLITE_NOTADB"])
    expect([code, isDamage(coded(code)), isDamage(failure(coded("X", coded(code))))]).toEqual([code, true, true]);
  for (const error of [
    coded("SQLITE_BUSY"),
    coded("XSQLITE_CORRUPT"),
    new Error("SQLITE_CORRUPT"),
    "SQLITE_CORRUPT",
    undefined,
  ])
    expect(isDamage(error)).toBe(false);
});
