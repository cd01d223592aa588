import { expect, test } from "bun:test";
import { systemRandom } from "../../src/internal/random.ts";
import { levelMax } from "../../src/log/log-kinds.ts";
import type { Row, Statement } from "../../src/store/engine/engine.ts";
import { createOneHistory, type HistoryChange } from "../../src/store/one-history.ts";

/** A database of which the test sets the head. `lag`: reads are answered by a copy that is so much older. */
function start(known = new Map<string, number>()) {
  const state = { epoch: "e1", n: 10, level: 1, lag: 0, fails: null as Error | null };
  const writes: (readonly Statement[])[] = [];
  const changes: HistoryChange[] = [];
  const head = (lag = 0): Row => ({ epoch: state.epoch, n: state.n - lag, level: state.level });
  const history = createOneHistory({
    engine: {
      read: async (statements) =>
        statements.map((_, i) => [i === 0 ? head(state.lag) : { secret: "0123456789abcdef".repeat(4) }]),
      async write(statements) {
        writes.push(statements);
        if (state.fails) throw state.fails;
        return statements.map(() => [head()]);
      },
      close: async () => {},
    },
    ...{ random: systemRandom, known, onChange: (change) => void changes.push(change) },
  });
  const codeOf = async (work: () => Promise<unknown>): Promise<unknown> =>
    await work().catch((error: { code?: string }) => error.code);
  return { state, writes, changes, history, known, codeOf };
}

test("D30 D32 once a head was read every write carries its history, a number that it had, and the level that this release reads", async () => {
  const { state, writes, history } = start();
  expect(() => history.cursors()).toThrow("before the database was read");
  await history.engine.write([{ sql: "first" }]);
  expect(await history.head()).toEqual({ epoch: "e1", n: 10, level: 1 });
  expect(history.cursors().decode(history.cursors().encode({ n: 4 }))).toEqual({ n: 4 });
  state.n = 12;
  const results = await history.engine.write([{ sql: "second" }]);
  expect(writes.map((statements) => statements.map(({ sql, args }) => args?.join(" ") ?? sql.slice(0, 8)))).toEqual([
    ["first", "SELECT n"],
    [`e1 10 ${levelMax}`, "second", "SELECT n"],
  ]);
  // The rows of its own statements alone, and the new head is known.
  expect([results.length, history.note({ epoch: "e1", n: 11 }), history.note({ epoch: "e1", n: 12 })]).toEqual([
    1,
    true,
    false,
  ]);
});

test("D31 another name of the history ends this one, once, and nothing more is written", async () => {
  const { state, writes, changes, history, known, codeOf } = start();
  await history.head();
  state.epoch = "e2";
  expect(await codeOf(history.head)).toBe("unavailable");
  expect([await codeOf(history.head), await codeOf(() => history.engine.write([])), writes.length]).toEqual([
    "unavailable",
    "unavailable",
    0,
  ]);
  expect([changes, history.isCurrent(), history.isUnreadable(), known.get("e2")]).toEqual([
    [{ type: "renamed", epoch: "e2", n: 10 }],
    false,
    false,
    10,
  ]);
  // It can still be read.
  expect(await history.engine.read([{ sql: "SELECT" }])).toHaveLength(1);
});

test("D32 a head that is older is asked for again by a write: a copy may lag behind, or the database went back", async () => {
  const { state, writes, changes, history, codeOf } = start();
  await history.head();
  state.lag = 3;
  expect([await history.head(), writes.length]).toEqual([{ epoch: "e1", n: 10, level: 1 }, 1]);
  [state.lag, state.n] = [0, 8];
  expect([await codeOf(history.head), changes]).toEqual(["unavailable", [{ type: "went back", epoch: "e1", n: 10 }]]);
});

test("D32 what an earlier runtime saw of the history counts too", async () => {
  const { changes, history, codeOf } = start(new Map([["e1", 50]]));
  expect([await codeOf(history.head), changes]).toEqual(["unavailable", [{ type: "went back", epoch: "e1", n: 50 }]]);
});

test("S40 O11 a log of a higher level is neither read nor written any more", async () => {
  const { state, changes, history, codeOf } = start();
  await history.head();
  state.level = levelMax + 1;
  expect(await codeOf(history.head)).toBe("unavailable");
  expect([history.isUnreadable(), changes]).toEqual([true, [{ type: "unreadable", found: `level ${levelMax + 1}` }]]);
  expect([
    await codeOf(() => history.engine.read([{ sql: "SELECT" }])),
    await codeOf(() => history.engine.write([])),
  ]).toEqual(["unavailable", "unavailable"]);
  const stopped = start();
  stopped.history.stop("a kind");
  stopped.history.stop("another");
  expect(stopped.changes).toEqual([{ type: "unreadable", found: "a kind" }]);
});

test("D30 a write that the database refuses for a constraint shows whether the history has changed", async () => {
  const { state, changes, history, codeOf } = start();
  await history.head();
  state.fails = Object.assign(new Error("x"), { code: "SQLITE_BUSY" });
  state.epoch = "e2";
  expect([await codeOf(() => history.engine.write([])), changes.length]).toEqual(["SQLITE_BUSY", 0]);
  state.fails = new Error("y", { cause: Object.assign(new Error("x"), { code: "SQLITE_CONSTRAINT_NOTNULL" }) });
  expect([await codeOf(() => history.engine.write([])), changes.length]).toEqual(["unavailable", 1]);
});

test("D32 a head that is read late is not taken for a database that went back, whatever came to be known meanwhile", async () => {
  let n = 5;
  let answer = (): void => {};
  const changes: HistoryChange[] = [];
  const history = createOneHistory({
    engine: {
      read: async () => [[{ epoch: "e", n: 4 }], [{ secret: "5".repeat(64) }]],
      // It is read now, and answered later.
      write: () => {
        const row = { epoch: "e", n };
        return new Promise((resolve) => (answer = () => resolve([[row]])));
      },
      close: async () => {},
    },
    random: systemRandom,
    onChange: (change) => void changes.push(change),
  });
  history.note({ epoch: "e", n: 5 });
  const head = history.head();
  await Bun.sleep(0);
  n = 6;
  history.note({ epoch: "e", n });
  answer();
  expect(await head).toEqual({ epoch: "e", n: 5 });
  expect(changes).toEqual([]);
});
