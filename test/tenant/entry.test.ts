import { expect, test } from "bun:test";
import { ChatError } from "../../src/error.ts";
import { createLog } from "../../src/internal/logger.ts";
import type { Database } from "../../src/tenant/database.ts";
import { createEntry } from "../../src/tenant/entry.ts";
import { fakeClock } from "../support/fake-clock.ts";

function start(open?: () => Promise<Database>) {
  const clock = fakeClock(0, async () => {});
  const state = { isEmpty: true, quietMs: 0 };
  const database = { isEmpty: () => state.isEmpty, quietMs: () => state.quietMs } as unknown as Database;
  const entry = createEntry({
    ...{ url: "file:a.db", attempt: 2, clock, random: { integer: () => 0 }, log: createLog(["tidings"]) },
    open: open ?? (async () => database),
  });
  return { clock, state, database, entry };
}

test("K11 a database is held from its opening until it is released", async () => {
  const { clock, database, entry } = start();
  expect([entry.state.type, entry.attempt]).toEqual(["opening", 2]);
  expect(await entry.hold()).toBe(database);
  await clock.advance(1_000);
  expect([entry.state.type, entry.isIdleFor(0), entry.isQuietFor(0)]).toEqual(["open", false, false]);
  entry.release();
  expect([entry.isIdleFor(0), entry.isIdleFor(1), entry.usedAt()]).toEqual([true, false, 1_000]);
  await clock.advance(500);
  expect([entry.isIdleFor(500), entry.isIdleFor(501)]).toEqual([true, false]);
});

test("K11 one that cannot be opened refuses everyone, without the text of the database", async () => {
  const { entry } = start(async () => {
    throw new ChatError("database_unfit", "secret path");
  });
  const refused: unknown = await entry.hold().catch((error: unknown) => error);
  expect(refused).toMatchObject({ code: "unavailable", message: "The tenant's database cannot be opened now" });
  expect([entry.state.type, entry.isIdleFor(0), entry.isQuietFor(0)]).toEqual(["failed", false, false]);
  expect(entry.state).toMatchObject({ isFinal: true });
});

test("K11 an admitted socket keeps it in use until it comes, ten seconds at most", async () => {
  const { clock, entry } = start();
  await entry.settled;
  entry.awaitSocket();
  await clock.advance(9_999);
  expect(entry.isIdleFor(0)).toBe(false);
  await clock.advance(1);
  expect(entry.isIdleFor(0)).toBe(true);
  entry.awaitSocket();
  entry.awaitSocket();
  entry.socketCame();
  expect(entry.isIdleFor(0)).toBe(false);
  entry.socketCame();
  expect(entry.isIdleFor(0)).toBe(true);
});

test("R24 one with connections is not idle, but quiet if its clients have done nothing", async () => {
  const { clock, state, entry } = start();
  await entry.settled;
  state.isEmpty = false;
  await clock.advance(10_000);
  state.quietMs = 4_000;
  expect([entry.isIdleFor(0), entry.isQuietFor(4_000), entry.isQuietFor(4_001), entry.quietSince()]).toEqual([
    false,
    true,
    false,
    6_000,
  ]);
  // A use counts as well, and its opening.
  state.quietMs = 20_000;
  expect(entry.isQuietFor(10_000)).toBe(true);
  entry.touch();
  expect([entry.isQuietFor(1), entry.quietSince()]).toEqual([false, 10_000]);
});
