import { describe, expect, test } from "bun:test";
import { createReadQueue } from "../../../src/store/engine/read-queue.ts";

type Ask = Parameters<typeof createReadQueue>[0]["ask"];
const batch = (sql: string) => [{ sql, args: [] }];
const result = { rows: [] } as unknown as Awaited<ReturnType<Ask>>[number];

/** A queue of one request at a time; the first is held, so that later reads go together. */
function start(answer: (sqls: readonly string[]) => Error | null) {
  const asked: { readonly sqls: readonly string[]; readonly end: number }[] = [];
  const gate = Promise.withResolvers<void>();
  const queue = createReadQueue({
    async ask(statements, end) {
      const sqls = statements.map(({ sql }) => sql);
      asked.push({ sqls, end });
      if (asked.length === 1) await gate.promise;
      const error = answer(sqls);
      if (error) throw error;
      return statements.map(() => result);
    },
    isOnesOwn: (error) => error instanceof SyntaxError,
    ...{ atOnceMax: 1, statementsMax: 100 },
  });
  const read = (sql: string, end: number) =>
    queue.read(batch(sql), end).then(
      () => "read",
      ({ name }: Error) => name,
    );
  return { asked, read, open: gate.resolve };
}

describe("reads that go together", () => {
  test("E25 none of them is cut off by the deadline of another one", async () => {
    const { asked, read, open } = start(() => null);
    const all = [read("first", 5), read("a", 100), read("b", 900), read("c", 300)];
    open();
    expect(await Promise.all(all)).toEqual(["read", "read", "read", "read"]);
    expect(asked).toEqual([
      { sqls: ["first"], end: 5 },
      { sqls: ["a", "b", "c"], end: 900 },
    ]);
  });

  test("E7 E25 what the database refuses is asked for one by one: only the one to blame fails", async () => {
    const { asked, read, open } = start((sqls) => (sqls.includes("bad") ? new SyntaxError("bad") : null));
    const all = [read("first", 5), read("a", 1), read("bad", 1), read("c", 1)];
    open();
    expect(await Promise.all(all)).toEqual(["read", "read", "SyntaxError", "read"]);
    expect(asked).toHaveLength(5);
  });

  test("E22 R9 what the network has lost is not asked for again one by one: a server that is down has no more to do", async () => {
    const { asked, read, open } = start(() => new TypeError("fetch failed"));
    const all = [read("first", 5), read("a", 1), read("b", 1), read("c", 1)];
    open();
    expect(await Promise.all(all)).toEqual(all.map(() => "TypeError"));
    expect(asked).toHaveLength(2);
  });
});
