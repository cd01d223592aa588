import { expect, test } from "bun:test";
import { getLogger } from "@logtape/logtape";
import { systemRandom } from "../../src/internal/random.ts";
import { selectHead, updateEpoch } from "../../src/store/sql.ts";
import { createHistories } from "../../src/tenant/histories.ts";

/** A database of which the test sets the head, as a restore does. It was at `n` 20 of history `e1`. */
function start() {
  const head = { epoch: "e1", n: 20 };
  const histories = createHistories({
    engine: {
      read: async () => [],
      write: async (statements) =>
        statements.map(({ sql, args: [name, epoch, n] = [] }) => {
          if (sql === updateEpoch && head.epoch === epoch && head.n < Number(n)) head.epoch = String(name);
          return sql === selectHead ? [{ ...head }] : [];
        }),
      close: async () => {},
    },
    ...{ random: systemRandom, log: getLogger(["test"]) },
  });
  histories.known.set("e1", 20);
  return { head, histories };
}

test("D32 a database that went back under its name gets a new one", async () => {
  const { head, histories } = start();
  head.n = 19;
  await histories.name("e1");
  expect(head.epoch).not.toBe("e1");
  expect([histories.hasEnded("e1"), histories.hasEnded(head.epoch)]).toEqual([true, false]);
});

test("D32 a database that was given a new name keeps it, and the name before has ended", async () => {
  const { head, histories } = start();
  [head.epoch, head.n] = ["e2", 5];
  await histories.name("e1");
  expect([head.epoch, histories.hasEnded("e1"), histories.hasEnded("e2")]).toEqual(["e2", true, false]);
});

test("D32 a name that has ended does not come back, wherever the database is then", async () => {
  // Below what was known of that history, just there, and beyond it.
  for (const n of [10, 20, 30]) {
    const { head, histories } = start();
    [head.epoch, head.n] = ["e2", 5];
    await histories.name("e1");
    histories.known.set("e2", 7);
    [head.epoch, head.n] = ["e1", n];
    await histories.name("e2");
    expect(["e1", "e2"]).not.toContain(head.epoch);
    expect(histories.hasEnded(head.epoch)).toBe(false);
  }
});
