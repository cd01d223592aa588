import { expect, test } from "bun:test";
import { systemRandom } from "../../../src/internal/random.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import type { Row, Statement } from "../../../src/store/engine/engine.ts";
import type { Commit } from "../../../src/store/store.ts";
import type { Batch } from "../../../src/store/write/batch.ts";
import { commitBatch } from "../../../src/store/write/commit-batch.ts";
import type { CommitHealth } from "../../../src/store/write/commit-health.ts";
import { createKnownPairs } from "../../../src/store/write/known-pairs.ts";
import type { Committed, WriteQueue } from "../../../src/store/write/write-queue.ts";

const batch: Batch = {
  ...{ sends: [], devices: [], relations: [], acks: [], reads: [], time: 7 },
  seen: [{ tenant: "t", user: "alice", time: 7 }],
};

/** A commit of a database whose head goes from 10 to `to`. */
async function commit({ to = 12, fails = false, isProbeDue = false, isOld = false }) {
  const events: string[] = [];
  const written: string[] = [];
  const head = (n: number): Row[] => [{ epoch: "e", n, level: 1 }];
  const queue = {
    take: () => (events.push("take"), batch),
    settle: (_batch: Batch, { from, to: end }: Committed) => void events.push(`settle ${from}-${end}`),
    refuseAll: (error: Error, refused: Batch) => void events.push(`refuse ${error.message} ${refused === batch}`),
  } as unknown as WriteQueue;
  const health = {
    isProbeDue: () => isProbeDue,
    succeeded: () => void events.push("succeeded"),
    failed: () => void events.push("failed"),
  } as unknown as CommitHealth;
  await commitBatch(
    { queue, health },
    {
      engine: {
        read: async () => [],
        async write(statements: readonly Statement[]) {
          written.push(...statements.map(({ sql }) => sql.trim().slice(0, 6)));
          if (fails) throw new Error("planted");
          return statements.map((_, i) => (i === 0 ? head(10) : head(to)));
        },
        close: async () => {},
      },
      history: {
        cursorOf: (row) => ({ epoch: "e", n: Number(row?.["n"]) }),
        note: ({ n }) => {
          events.push(`note ${n}`);
          if (isOld) throw new Error("another history");
          return false;
        },
      },
      ...{ random: systemRandom, limits: defaultLimits, pairs: createKnownPairs() },
      onCommit: ({ from, to: end }: Commit) => void events.push(`announce ${from}-${end}`),
      onFault: () => void events.push("fault"),
    },
  );
  return { events, written };
}

test("D1 H3 a commit is answered once it is on disk, and only then announced", async () => {
  expect((await commit({})).events).toEqual(["take", "note 10", "succeeded", "settle 10-12", "announce 10-12"]);
  // Nothing is announced where the log did not grow.
  expect((await commit({ to: 10 })).events.at(-1)).toBe("settle 10-10");
});

test("D3 the outcome of a commit that failed is unknown: everything is refused, and the fault is reported", async () => {
  expect((await commit({ fails: true })).events).toEqual([
    "take",
    "failed",
    "fault",
    "refuse The store did not confirm a commit true",
  ]);
  // Also one that reached another history.
  expect((await commit({ isOld: true })).events.slice(2)).toEqual([
    "failed",
    "fault",
    "refuse The store did not confirm a commit true",
  ]);
});

test("S12 a probe writes to the disk, also where it carries little", async () => {
  const [usual, probe] = [await commit({}), await commit({ isProbeDue: true })];
  expect(probe.written.length - usual.written.length).toBe(2);
  expect(probe.written.slice(-2)).toEqual(["UPDATE", "UPDATE"]);
});
