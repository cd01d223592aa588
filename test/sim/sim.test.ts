import { describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import type { Engine } from "../../src/store/engine/engine.ts";
import type { Commit, Store } from "../../src/store/store.ts";
import type { Faults } from "./faults.ts";
import { createChance } from "./chance.ts";
import { createTimeline } from "./timeline.ts";
import { runWorld, type WorldOptions } from "./world.ts";

/** More worlds, or others: SIM_SEEDS=500 SIM_FROM=10000 bun run test test/sim */
const seeds = Number(process.env["SIM_SEEDS"] ?? 24);
const first = Number(process.env["SIM_FROM"] ?? 1);
const short = { safetyMs: 6_000 };
const describeHere = existsSync("/dev/shm") ? describe : describe.skip;

describe("simulation parts", () => {
  test("V1 the same seed draws the same, another one something else", () => {
    const draw = (seed: number): number[] => Array.from({ length: 20 }, createChance(seed).unit);
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
  });

  test("V1 virtual time runs in order, cancels, and follows every promise before it goes on", async () => {
    const timeline = createTimeline();
    const seen: string[] = [];
    timeline.after(30, () => seen.push("c"));
    timeline.after(10, () => void timeline.sleep(5).then(() => seen.push("b")));
    timeline.after(10, () => seen.push("a"));
    timeline.after(20, () => seen.push("never"))();
    await timeline.runUntil(25);
    expect(seen).toEqual(["a", "b"]);
    expect(timeline.now()).toBe(25);
    await timeline.runUntil(30);
    expect(seen).toEqual(["a", "b", "c"]);
  });
});

describeHere("simulation", () => {
  test("V2 D1 D3 O1 O2 O3 O4 O6 O8 O9 worlds in which everything goes wrong lose, double and reorder nothing", async () => {
    let accepted = 0;
    for (let seed = first; seed < first + seeds; seed++) {
      const verdict = await runWorld({ seed, ...short });
      if (verdict.faults.length > 0) throw new Error(`seed ${seed}:\n${verdict.faults.slice(0, 10).join("\n")}`);
      accepted += verdict.accepted;
    }
    expect(accepted).toBeGreaterThan(seeds * 20);
  }, 600_000);

  test("V1 a seed is a whole world: run twice, it is the same", async () => {
    const run = () => runWorld({ seed: 5, ...short });
    expect(await run()).toEqual(await run());
  }, 60_000);

  /** A planted bug must be found within so many worlds. */
  async function isFound(
    plant: WorldOptions["plant"],
    calm: (faults: Faults) => Faults = (faults) => faults,
  ): Promise<boolean> {
    for (let seed = 1; seed <= 40; seed++) {
      const verdict = await runWorld({ seed, ...short, livenessMs: 30_000, calm, ...(plant ? { plant } : {}) });
      if (verdict.faults.length > 0) return true;
    }
    return false;
  }

  describe("controls: each planted bug is found", () => {
    test("V3 D1 accepted before the commit", async () => {
      const engine = (inner: Engine): Engine => ({
        ...inner,
        async write(statements) {
          const rows = await inner.write(statements).catch(() => null);
          if (rows) return rows;
          // The commit failed, and this engine says that it did not.
          return statements.map(({ sql }) =>
            sql.includes("INSERT INTO message ")
              ? (JSON.parse(String(statements.find((one) => one.sql === sql)?.args?.[0])) as unknown[]).map((_, i) => ({
                  n: 900_000 + i,
                  conversation: 77,
                  seq: i + 1,
                  recipient: "bob",
                }))
              : [],
          );
        },
      });
      expect(await isFound({ engine })).toBe(true);
    }, 120_000);

    test("V3 O2 retries that are stored again", async () => {
      const engine = (inner: Engine): Engine => ({
        ...inner,
        write: (statements) =>
          inner.write(
            statements.map((statement) =>
              statement.sql.includes("INSERT INTO message ")
                ? {
                    ...statement,
                    sql: statement.sql
                      .replace(/WHERE NOT EXISTS[^\n]*/, "WHERE true")
                      .replace("s.id, a.key,", "s.id || head.n, a.key,"),
                  }
                : statement,
            ),
          ),
      });
      expect(await isFound({ engine })).toBe(true);
    }, 120_000);

    const plants: [string, (store: Store) => Store][] = [
      [
        "V3 O6 pages whose cursor is one change too far",
        (store) => ({
          ...store,
          async changes(identity, after, limit) {
            const page = await store.changes(identity, after, limit);
            return page.more ? { ...page, upTo: page.upTo + 1 } : page;
          },
        }),
      ],
      [
        "V3 O3 pages that leave out their last change",
        (store) => ({
          ...store,
          async changes(identity, after, limit) {
            const page = await store.changes(identity, after, limit);
            return page.changes.length > 2 ? { ...page, changes: page.changes.slice(0, -1) } : page;
          },
        }),
      ],
      [
        "V3 O3 a commit now and then that is announced without its last entry",
        (store) => ({
          ...store,
          onCommit: (listener: (commit: Commit) => void) =>
            store.onCommit((commit) =>
              listener(commit.to % 7 === 0 ? { ...commit, entries: commit.entries.slice(0, -1) } : commit),
            ),
        }),
      ],
      [
        "V3 O6 pages that claim more of the log than they hold",
        (store) => ({
          ...store,
          async changes(identity, after, limit) {
            const page = await store.changes(identity, after, limit);
            return page.more ? page : { ...page, upTo: page.upTo + 3 };
          },
        }),
      ],
      [
        "V3 O4 sends that overtake each other",
        (store) => {
          let held: (() => void) | null = null;
          return {
            ...store,
            append(send, settle) {
              const hold = held;
              held = null;
              if (!hold && send.text.length > 200) held = () => store.append(send, settle);
              else store.append(send, settle);
              hold?.();
            },
          };
        },
      ],
      [
        "V3 O9 receipts that go beyond what was delivered",
        (store) => ({
          ...store,
          async changes(identity, after, limit) {
            const page = await store.changes(identity, after, limit);
            return {
              ...page,
              changes: page.changes.map((change) =>
                change.kind === "receipt" && change.n % 5 === 0 ? { ...change, read: change.delivered + 1 } : change,
              ),
            };
          },
        }),
      ],
    ];
    for (const [name, store] of plants)
      test(
        name,
        async () => {
          expect(await isFound({ store })).toBe(true);
        },
        120_000,
      );
  });
});
