import { expect, test } from "bun:test";
import { createLog } from "../../src/internal/logger.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { Database } from "../../src/tenant/database.ts";
import { createEntries } from "../../src/tenant/entries.ts";
import { fakeClock } from "../support/fake-clock.ts";

function start({ most = 2, hangs = false } = {}) {
  const clock = fakeClock(0);
  const state = { isEmpty: true, isWorking: false, quietMs: 0, fails: false, canClose: Promise.resolve() };
  const events: string[] = [];
  const limits = {
    ...defaultLimits,
    databasesMax: most,
    databaseIdleMs: 1_000,
    databaseStayMs: 500,
    shutdownMs: 5_000,
  };
  const entries = createEntries<{ url: string }>({
    ...{
      clock,
      limits,
      random: { integer: () => 0 },
      log: createLog(["tidings"]),
      onClosed: ({ url }) => void events.push(`closed ${url}`),
    },
    async open({ url }) {
      events.push(`open ${url}`);
      if (hangs) await new Promise(() => {});
      if (state.fails) throw new Error("planted");
      return {
        ...{
          isEmpty: () => state.isEmpty,
          isWorking: async () => state.isWorking,
          quietMs: () => state.quietMs,
          released: state.canClose,
        },
        close: async (ms: number) => void events.push(`close ${url} ${ms}`),
      } as unknown as Database;
    },
  });
  const begin = (url: string) => entries.begin({ url }, 0);
  const turn = async (): Promise<void> => {
    for (let i = 0; i < 5; i++) await Bun.sleep(0);
  };
  return { clock, state, events, entries, begin, turn };
}

test("K11 one that was idle for its time is closed, unless it has work, connections or a request", async () => {
  const { clock, state, events, entries, begin, turn } = start();
  const entry = begin("libsql://a");
  await entry.hold();
  await clock.advance(1_000);
  entries.sweep();
  entry.release();
  await clock.advance(999);
  entries.sweep();
  await turn();
  expect([events, entries.taken()]).toEqual([["open libsql://a"], 1]);
  await clock.advance(1);
  state.isWorking = true;
  entries.sweep();
  await turn();
  expect(entry.state.type).toBe("open");
  state.isWorking = false;
  entries.sweep();
  await turn();
  expect([events.slice(1), entries.taken(), entries.get("libsql://a")]).toEqual([
    ["close libsql://a 5000", "closed libsql://a"],
    0,
    undefined,
  ]);
});

test("K11 beyond the bound the one that was unused longest gives way, and its part goes to the new one", async () => {
  const { clock, events, entries, begin, turn } = start();
  for (const name of ["a", "b"]) {
    await begin(`libsql://${name}`).settled;
    await clock.advance(10);
  }
  const third = begin("libsql://c");
  await third.settled;
  await turn();
  expect([third.state.type, entries.taken()]).toEqual(["open", 2]);
  expect(events.slice(2)).toEqual(["close libsql://a 2000", "closed libsql://a", "open libsql://c"]);
});

test("K11 R24 where all are in use, and none is quiet for long enough, the new one is refused", async () => {
  const { clock, state, events, entries, begin } = start({ most: 1 });
  await begin("libsql://a").settled;
  state.isEmpty = false;
  const refused = begin("libsql://b");
  await refused.settled;
  expect([refused.state.type, entries.taken(), events]).toEqual(["failed", 1, ["open libsql://a"]]);
  await clock.advance(500);
  state.quietMs = 500;
  const other = begin("libsql://c");
  await other.settled;
  expect([other.state.type, entries.taken()]).toEqual(["open", 1]);
});

test("K11 one that fails gives its part back, and is forgotten a minute after its next try was allowed", async () => {
  const { clock, state, entries, begin } = start();
  state.fails = true;
  const entry = begin("libsql://a");
  await entry.settled;
  expect([entry.state.type, entries.taken(), entries.get("libsql://a")]).toEqual(["failed", 0, entry]);
  await clock.advance(60_000);
  entries.sweep();
  expect(entries.get("libsql://a")).toBe(entry);
  await clock.advance(2_000);
  entries.sweep();
  expect(entries.get("libsql://a")).toBeUndefined();
});

test("K11 the part of a database that closes is free at its end, once for the one that waits for it", async () => {
  const { clock, state, entries, begin, turn } = start({ most: 1 });
  const { promise, resolve } = Promise.withResolvers<void>();
  state.canClose = promise;
  const first = begin("libsql://a");
  await first.settled;
  state.canClose = Promise.resolve();
  const second = begin("libsql://b");
  await turn();
  expect([first.state.type, second.state.type, entries.taken()]).toEqual(["closing", "opening", 1]);
  resolve();
  await second.settled;
  expect([second.state.type, entries.taken()]).toEqual(["open", 1]);
  await clock.advance(0);
});

test("K11 R1 files are opened one after the other; servers are not waited for", async () => {
  const { events, begin, turn } = start({ most: 9, hangs: true });
  for (const url of ["file:a.db", "file:b.db", "libsql://c", "libsql://d"]) begin(url);
  await turn();
  expect(events.toSorted()).toEqual(["open file:a.db", "open libsql://c", "open libsql://d"]);
});

test("K4 a shutdown closes all of them in its time, and opens no more", async () => {
  const { clock, events, entries, begin, turn } = start();
  const one = begin("libsql://a");
  await one.settled;
  const closing = entries.close(3_000);
  const late = begin("libsql://b");
  await Promise.all([closing, late.settled]);
  await turn();
  expect([events.filter((event) => event.startsWith("open")), late.state.type, one.state.type]).toEqual([
    ["open libsql://a"],
    "failed",
    "closing",
  ]);
  const hung = start({ hangs: true });
  hung.begin("libsql://a");
  const ending = hung.entries.close(3_000);
  await hung.clock.advance(3_000);
  await ending;
  await clock.advance(0);
});
