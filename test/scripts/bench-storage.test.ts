import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import Database from "libsql";
import type { Measure } from "../../scripts/bench/benchmark.ts";
import { NaiveStore } from "../../scripts/bench/naive/store.ts";
import { timesOf } from "../../scripts/bench/read-profile.ts";
import { measureStorage, storageParts } from "../../scripts/bench/storage.ts";
import { coresIn } from "../../scripts/bench/storage/cores.ts";
import { peersOf, populationOf, seedInto, senderName } from "../../scripts/bench/storage/seed.ts";
import { performancePageWith, readKeptPerformance, readPerformancePage } from "../../scripts/bench/storage/page.ts";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";

async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "bench-storage-"));
  try {
    await use(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** As small as it can be. */
const tiny = {
  parts: storageParts,
  ...{ cores: { serverCommand: [] }, commitDelayMs: 0 },
  ...{ pairs: 2, window: 2, seconds: 0.2, warmUpMs: 100, textBytes: 64, connections: 5, settleMs: 10, backlog: 50 },
  ...{ sizes: [0, 200], conversationsMin: 96, pages: { size: 200, loneRounds: 2, fullRounds: 1 } },
};

describe("the benchmark of storage", () => {
  test(
    "measures both servers, and has the ratios first",
    async () => {
      const measures = await measureStorage(tiny);
      const names = measures.map(({ name }) => name);
      expect(new Set(names).size).toBe(names.length);
      const units = measures.map(({ unit }) => unit);
      expect(units.lastIndexOf("×")).toBe(units.filter((unit) => unit === "×").length - 1);
      const of = (name: string): number => measures.find((one: Measure) => one.name === name)?.value ?? Number.NaN;
      for (const side of ["naive", "Tidings"]) {
        for (const name of ["window 1", "window 2", "window 2, fsync + 10 ms", "random pairs, 200 messages"])
          expect(of(`${name}: ${side}`)).toBeGreaterThan(0);
        // A commit writes a page for each index at least.
        expect(of(`log, a message alone in its commit: ${side}`)).toBeGreaterThanOrEqual(4);
      }
    },
    { timeout: 300_000 },
  );

  test("the page shows the measurements", () => {
    expect(readPerformancePage()).toBe(performancePageWith(readPerformancePage(), readKeptPerformance()));
  });

  test("control: a page with other figures than the measured ones is found", () => {
    const kept = readKeptPerformance();
    const name = "storage: window 32: Tidings";
    const other = { ...kept.measures, [name]: { unit: "messages/s", median: 1, min: 1, max: 1 } };
    expect(performancePageWith(readPerformancePage(), { ...kept, measures: other })).not.toBe(readPerformancePage());
    const { [name]: _, ...less } = kept.measures;
    expect(() => performancePageWith(readPerformancePage(), { ...kept, measures: less })).toThrow(name);
  });
});

describe("the naive store", () => {
  test("gives a retry the first answer, and a device that comes back what it missed", () =>
    withFolder(async (folder) => {
      const path = join(folder, "naive.db");
      const store = new NaiveStore(path);
      const send = (id: string, text: string) => ({ id, from: "alice", to: "bob", text });
      const [first, second] = store.commit([send("1", "a"), send("2", "b")], new Map());
      expect([first?.seq, second?.seq]).toEqual([1, 2]);
      const [again] = store.commit([send("1", "a")], new Map([["bob", 1]]));
      expect(again).toMatchObject({ n: 1, seq: 1, duplicate: true, time: first?.time });
      const reopened = new NaiveStore(path);
      expect(reopened.acked("bob")).toBe(1);
      expect(reopened.page("bob", 1, 10).map(({ text }) => text)).toEqual(["b"]);
      expect(reopened.page("alice", 0, 10)).toEqual([]);
    }));
});

describe("the seeded files", () => {
  test("hold what the store itself would have written", () =>
    withFolder(async (folder) => {
      const population = populationOf(200, 96);
      await seedInto(folder, "tidings", population);
      const engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
      const [[counts] = [], [wrong] = [], [people] = []] = await engine.read([
        { sql: "SELECT count(*) AS messages, max(n) AS n FROM tidings_message" },
        {
          sql: `SELECT count(*) AS count FROM tidings_conversation c WHERE
            c.seq <> (SELECT max(seq) FROM tidings_message m WHERE m.conversation = c.key)
            OR c.n <> (SELECT max(n) FROM tidings_message m WHERE m.conversation = c.key)
            OR c.low_seq <> (SELECT coalesce(max(seq), 0) FROM tidings_message m WHERE m.conversation = c.key AND m.sender = c.low)
            OR c.high_seq <> (SELECT coalesce(max(seq), 0) FROM tidings_message m WHERE m.conversation = c.key AND m.sender = c.high)
            OR (SELECT count(*) FROM tidings_member p WHERE p.conversation = c.key) <> 2`,
        },
        { sql: "SELECT count(*) AS count FROM tidings_user" },
      ]);
      await engine.close();
      expect(counts).toEqual({ messages: 200, n: 200 });
      expect(wrong).toEqual({ count: 0 });
      expect(Number(people?.["count"])).toBeGreaterThan(population.senders);
    }));

  test("have every conversation that a load generator writes to", () =>
    withFolder(async (folder) => {
      const population = populationOf(200, 96);
      await seedInto(folder, "naive", population);
      const database = new Database(join(folder, "chat.db"));
      const rows = database.prepare("SELECT DISTINCT conversation FROM message").all() as { conversation: string }[];
      database.close();
      const pairs = Array.from({ length: population.senders }, (_, i) =>
        peersOf(population, i).map((peer) => [senderName(i), peer].toSorted().join(" ")),
      ).flat();
      expect(new Set(pairs).size).toBe(population.conversations);
      expect(rows.map(({ conversation }) => conversation).toSorted()).toEqual(pairs.toSorted());
    }));
});

test("a list of processors is read as the kernel writes it", () => {
  expect(coresIn("0-2,5")).toEqual([0, 1, 2, 5]);
  expect(coresIn("7")).toEqual([7]);
});

test("the time of a profile is counted once for each stack, and waiting not at all", () => {
  const frame = (functionName: string) => ({ functionName, url: "", lineNumber: 0 });
  const times = timesOf(
    {
      nodes: [
        { id: 1, callFrame: frame("outer"), children: [2, 3] },
        { id: 2, callFrame: frame("outer"), children: [] },
        { id: 3, callFrame: frame("(idle)") },
      ],
      samples: [1, 2, 3],
    },
    (place) => place,
  );
  expect([...times]).toEqual([["outer", { self: 2, total: 2 }]]);
});
