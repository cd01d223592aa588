import { afterAll, beforeAll, expect, test } from "bun:test";
import { createReader } from "../../../src/store/read/reader.ts";
import type { Row } from "../../../src/store/engine/engine.ts";
import { createOneHistory } from "../../../src/store/one-history.ts";
import { systemRandom } from "../../../src/internal/random.ts";
import { defaultLimits } from "../../../src/protocol/limits.ts";
import { openSmallStore } from "../../support/small-store.ts";
import { accepted, person } from "../../support/store.ts";

let small: Awaited<ReturnType<typeof openSmallStore>>;
const alice = person("alice");
const bound = { rows: 100, bytes: 100_000 };
beforeAll(async () => {
  small = await openSmallStore();
  for (const text of ["1", "2", "3"]) await accepted(small.store, { from: "bob", to: "alice", text });
});
afterAll(() => small.close());

/** A reader whose second read of a page has another head. */
function readerWith(second: (head: Row) => Row) {
  let reads = 0;
  const engine = {
    ...small.engine,
    async read(...args: Parameters<typeof small.engine.read>) {
      const [[head = {}] = [], ...rest] = await small.engine.read(...args);
      return [[++reads % 2 === 0 ? second(head) : head], ...rest];
    },
  };
  const history = createOneHistory({ engine, random: systemRandom, onChange: () => {} });
  return { reader: createReader({ engine: history.engine, history, limits: defaultLimits }), reads: () => reads };
}

test("S49 a page is read in two steps, and in one where there is nothing", async () => {
  const { reader, reads } = readerWith((head) => head);
  const { changes, upTo, more } = await reader.changes(alice, 0, bound);
  expect([changes.length, more, reads()]).toEqual([3, false, 2]);
  expect(await reader.changes(alice, upTo, bound)).toEqual({ changes: [], upTo, more: false });
  expect(reads()).toBe(3);
});

test("D31 a page of which the rest is of another history is not given", async () => {
  const { reader } = readerWith((head) => ({ ...head, epoch: "another" }));
  expect(reader.changes(alice, 0, bound)).rejects.toMatchObject({ code: "unavailable" });
});

test("S49 where a copy that lags behind answers the rest, a page ends where that copy does", async () => {
  const { reader } = readerWith((head) => ({ ...head, n: 2 }));
  const { changes, upTo } = await reader.changes(alice, 0, bound);
  expect([changes.length, upTo]).toEqual([2, 2]);
});
