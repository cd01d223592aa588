import { expect, test } from "bun:test";
import { ChatError, type ErrorCode } from "../../src/error.ts";
import { createLog } from "../../src/internal/logger.ts";
import type { Database } from "../../src/tenant/database.ts";
import { tryToOpen } from "../../src/tenant/attempt.ts";
import { fakeClock } from "../support/fake-clock.ts";

async function attempt(error: unknown, attempt = 0) {
  const lines: string[] = [];
  const note = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  const log = { ...createLog(["tidings"]), error: note("error"), warn: note("warn") };
  const open = async (): Promise<Database> => {
    throw error;
  };
  const outcome = await tryToOpen({
    open,
    attempt,
    clock: fakeClock(1_000),
    random: { integer: () => 2 ** 52 - 1 },
    log,
  });
  if (outcome.type === "open") throw new Error("it did not fail");
  return { ...outcome, lines };
}
const coded = (code: string, cause?: unknown) => Object.assign(new Error(code, { cause }), { code });

test("K13 a database that opens is open", async () => {
  const database = {} as Database;
  const options = { attempt: 0, clock: fakeClock(), random: { integer: () => 0 }, log: createLog(["tidings"]) };
  expect(await tryToOpen({ ...options, open: async () => database })).toEqual({ type: "open", database });
});

test("K13 where an operator must change something the failure is final, and said once", async () => {
  for (const code of ["config_invalid", "migration_refused", "database_unfit"] as ErrorCode[]) {
    const { error, isFinal, lines } = await attempt(new ChatError(code, "no"), 3);
    expect([error.code, isFinal, lines]).toEqual([code, true, ["error the database cannot be opened"]]);
  }
});

test("K13 other failures are tried again: another process has the file, a server is away, a shortage passes", async () => {
  const shortage = (code: string) =>
    new ChatError("database_unfit", "no", { cause: new Error("x", { cause: coded(code) }) });
  for (const error of [
    new ChatError("database_locked", "no"),
    new Error("connection refused"),
    "a text",
    ...["EMFILE", "ENOSPC", "SQLITE_FULL", "SQLITE_IOERR_WRITE", "SQLITE_BUSY"].map(shortage),
  ])
    expect(await attempt(error)).toMatchObject({
      type: "failed",
      isFinal: false,
      lines: ["warn the database cannot be opened yet; it is tried again"],
    });
  for (const code of ["ENOENT", "SQLITE_CORRUPT", "XEMFILE"])
    expect((await attempt(shortage(code))).isFinal).toBe(true);
  // An error that is its own cause must not keep the loop busy.
  const circle = new ChatError("config_invalid", "no", { cause: undefined });
  circle.cause = circle;
  expect((await attempt(circle)).isFinal).toBe(true);
  expect((await attempt("a text")).error).toMatchObject({
    code: "unavailable",
    message: "The database cannot be opened: a text",
  });
});

test("K13 the pause grows to two seconds, and a long outage is logged a few times", async () => {
  const pauses: number[] = [];
  let logged = 0;
  for (let i = 0; i < 20; i++) {
    const { until, lines } = await attempt(new Error("x"), i);
    pauses.push(until - 1_000);
    logged += lines.length;
  }
  expect(pauses.every((ms, i) => i === 0 || ms >= (pauses[i - 1] ?? 0))).toBe(true);
  expect([Math.min(...pauses) >= 250, Math.round(Math.max(...pauses)), logged]).toEqual([true, 2_000, 6]);
});
