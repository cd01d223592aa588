import { expect, test } from "bun:test";
import { ChatError } from "../../src/error.ts";
import { createLog } from "../../src/internal/logger.ts";
import type { Database } from "../../src/tenant/database.ts";
import { createSingle } from "../../src/tenant/single.ts";
import { fakeClock } from "../support/fake-clock.ts";

/** `tries`: what each try to open the database does; the last one goes on for ever. */
function start(tries: readonly ("opens" | "fails" | "is refused" | "hangs")[], startMs = 0) {
  const clock = fakeClock(0);
  const state = { tries: 0, closedAfterMs: -1, uses: [] as string[] };
  const database = {
    trouble: () => null,
    counts: () => ({ applied: 1, read: 2 }),
    sizes: () => ({ sockets: 3 }),
    close: async (ms: number) => void (state.closedAfterMs = ms),
    store: { useTicket: async (hash: string) => (state.uses.push(hash), { tenant: "t", user: "alice" }) },
  } as unknown as Database;
  const databases = createSingle({
    ...{ clock, startMs, random: { integer: () => 2 ** 52 - 1 }, log: createLog(["tidings"]) },
    async open() {
      const now = tries[Math.min(state.tries++, tries.length - 1)];
      if (now === "hangs") return await new Promise(() => {});
      if (now === "opens") return database;
      throw now === "fails" ? new Error("the file is taken") : new ChatError("migration_refused", "edited");
    },
  });
  const codeOf = async (work: () => unknown): Promise<unknown> => {
    try {
      await work();
      return "done";
    } catch (error) {
      return error instanceof ChatError ? `${error.code}: ${error.message}` : error;
    }
  };
  return { clock, state, database, databases, codeOf };
}

test("K13 a database that opens serves all tenants", async () => {
  const { state, database, databases, codeOf } = start(["opens"]);
  expect([databases.trouble(), databases.counts(), databases.sizes()]).toEqual([
    "starting",
    { applied: 0, read: 0 },
    null,
  ]);
  // A request waits for the try under way; a socket does not.
  expect(await codeOf(() => databases.admit("t"))).toBe("unavailable: The database is not open yet");
  expect((await databases.lease("any")).database).toBe(database);
  expect([await codeOf(databases.ready), await databases.isOpen(), databases.trouble(), databases.counts()]).toEqual([
    "done",
    true,
    null,
    { applied: 1, read: 2 },
  ]);
  expect([
    databases.ticketOf("secret", "t"),
    await databases.useTicket("x"),
    (await databases.useTicket("s".repeat(43)))?.user,
  ]).toEqual(["secret", null, "alice"]);
  expect(state.uses).toHaveLength(1);
});

test("K13 one that cannot be opened yet is tried again until it is open, and refuses requests meanwhile", async () => {
  const { clock, state, databases, codeOf } = start(["fails", "fails", "opens"]);
  expect(await codeOf(databases.ready)).toBe("unavailable: The database cannot be opened: the file is taken");
  expect(await codeOf(() => databases.lease("t"))).toContain("unavailable: The database cannot be opened yet");
  expect([databases.trouble(), await databases.isOpen()]).toEqual(["starting", false]);
  await clock.advance(5_000);
  expect([state.tries, await databases.isOpen()]).toEqual([3, true]);
});

test("K13 where an operator must change something it is not tried again, and the reason is shown", async () => {
  const { clock, state, databases, codeOf } = start(["is refused", "opens"]);
  expect(await codeOf(databases.ready)).toBe("migration_refused: edited");
  await clock.advance(60_000);
  expect([state.tries, await codeOf(() => databases.connect("t"))]).toEqual([1, "migration_refused: edited"]);
});

test("K13 a start may wait for later tries, for a bounded time", async () => {
  const { clock, databases, codeOf } = start(["fails", "opens"], 3_000);
  const ready = codeOf(databases.ready);
  await clock.advance(0);
  await clock.advance(2_000);
  expect(await ready).toBe("done");
  const late = start(["hangs"], 3_000);
  const waiting = late.codeOf(late.databases.ready);
  await late.clock.advance(3_000);
  expect(await waiting).toBe("unavailable: The database was not open within 3000 ms");
});

test("K4 R5 a shutdown ends the tries and the waits, and closes a database that opens too late in the background", async () => {
  const { clock, state, databases, codeOf } = start(["fails", "opens"], 60_000);
  await clock.advance(0);
  const ready = codeOf(databases.ready);
  await databases.close(1_000);
  await clock.advance(60_000);
  expect([await ready, state.tries]).toEqual(["unavailable: The chat is shutting down", 1]);
  const open = start(["opens"]);
  await open.databases.lease("t");
  await open.databases.close(1_000);
  expect(open.state.closedAfterMs).toBe(1_000);
  const hung = start(["hangs"]);
  const closing = hung.databases.close(1_000);
  await hung.clock.advance(1_000);
  await closing;
  expect(hung.state.closedAfterMs).toBe(-1);
});
