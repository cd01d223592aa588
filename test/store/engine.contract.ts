import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { ChatError } from "../../src/error.ts";
import type { Engine } from "../../src/store/engine/engine.ts";

/** The contract of engines. `open` gives an engine on an empty database; `close` removes the database. */
export function describeEngine(name: string, open: () => Promise<{ engine: Engine; close(): Promise<void> }>): void {
  describe(name, () => {
    let engine: Engine;
    let opened: { engine: Engine; close(): Promise<void> };

    beforeAll(async () => {
      opened = await open();
      engine = opened.engine;
      await engine.write([{ sql: "CREATE TABLE item (id INTEGER PRIMARY KEY, name TEXT UNIQUE, size REAL)" }]);
    });
    afterAll(async () => {
      await opened.close();
    });
    beforeEach(async () => {
      await engine.write([{ sql: "DELETE FROM item" }]);
    });

    const names = async (): Promise<unknown[]> => {
      const [rows = []] = await engine.read([{ sql: "SELECT name FROM item ORDER BY id" }]);
      return rows.map((row) => row.name);
    };

    test("E1 read() answers one list of plain rows a statement, by column name", async () => {
      await engine.write([
        { sql: "INSERT INTO item VALUES (?, ?, ?)", args: [1, "a", 1.5] },
        { sql: "INSERT INTO item VALUES (?, ?, ?)", args: [2, "b", null] },
      ]);
      const results = await engine.read([
        { sql: "SELECT id, name, size FROM item ORDER BY id" },
        { sql: "SELECT count(*) AS count FROM item WHERE id > ?", args: [1] },
        { sql: "SELECT id FROM item WHERE id = 99" },
      ]);
      expect(results).toStrictEqual([
        [
          { id: 1, name: "a", size: 1.5 },
          { id: 2, name: "b", size: null },
        ],
        [{ count: 1 }],
        [],
      ]);
    });

    test("E1 no statements answer no lists", async () => {
      expect(await engine.read([])).toEqual([]);
      expect(await engine.write([])).toEqual([]);
    });

    test("E2 write() keeps nothing when its second statement fails", async () => {
      const bad = engine.write([
        { sql: "INSERT INTO item (name) VALUES ('first')" },
        { sql: "INSERT INTO item (name) VALUES ('first')" },
        { sql: "INSERT INTO item (name) VALUES ('third')" },
      ]);
      await expect(bad).rejects.toBeInstanceOf(ChatError);
      expect(await names()).toEqual([]);
    });

    test("E2 write() keeps nothing when its last statement does not parse", async () => {
      await expect(
        engine.write([{ sql: "INSERT INTO item (name) VALUES ('first')" }, { sql: "INSERT NONSENSE" }]),
      ).rejects.toMatchObject({ code: "unavailable" });
      expect(await names()).toEqual([]);
    });

    test("E3 write() answers the rows of RETURNING and SELECT, and keeps the write", async () => {
      const results = await engine.write([
        { sql: "INSERT INTO item (id, name) VALUES (?, ?), (?, ?) RETURNING id, name", args: [7, "x", 8, "y"] },
        { sql: "UPDATE item SET name = name || '!' WHERE id = 8" },
        { sql: "SELECT name FROM item ORDER BY id" },
      ]);
      expect(results).toEqual([
        [
          { id: 7, name: "x" },
          { id: 8, name: "y" },
        ],
        [],
        [{ name: "x" }, { name: "y!" }],
      ]);
      expect(await names()).toEqual(["x", "y!"]);
    });

    test("E4 statements of one read() see one snapshot while writes go on", async () => {
      const count = { sql: "SELECT count(*) AS count FROM item" };
      let isWriting = true;
      const writer = (async () => {
        for (let i = 0; i < 60; i++)
          await engine.write([{ sql: "INSERT INTO item (name) VALUES (?)", args: [`n${i}`] }]);
        isWriting = false;
      })();
      do {
        const [first, , last] = await engine.read([count, { sql: "SELECT * FROM item" }, count]);
        expect(last).toEqual(first);
      } while (isWriting);
      await writer;
    });

    test("E5 text comes back as it went in", async () => {
      const texts = [
        "",
        "a'b\"c`d;--",
        "Zoë, 東京, العربية",
        "👩‍👩‍👧 e\u0301",
        "\u{10FFFF}\uFEFF\r\n\t",
        "x".repeat(70_000),
      ];
      for (const [i, text] of texts.entries()) {
        await engine.write([{ sql: "INSERT INTO item (id, name) VALUES (?, ?)", args: [i + 1, text] }]);
      }
      expect(await names()).toEqual(texts);
    });

    test("E6 integers are bound as integers and come back exactly", async () => {
      const [rows] = await engine.read([
        {
          sql: "SELECT ?1 AS a, ?2 AS b, ?3 AS c, typeof(?1) AS type, ?3 / 2 AS half, ?3 || '' AS text",
          args: [9007199254740991, -9007199254740991, 5],
        },
        { sql: "SELECT typeof(?) AS type, ? AS real", args: [0.5, 0.1] },
      ]);
      expect(rows).toEqual([{ a: 9007199254740991, b: -9007199254740991, c: 5, type: "integer", half: 2, text: "5" }]);
    });

    test("E6 an argument that is no Value is refused, and nothing is written", async () => {
      for (const wrong of [true, undefined, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 1n, {}, new Date()]) {
        const args = [wrong] as unknown as string[];
        await expect(engine.write([{ sql: "INSERT INTO item (name) VALUES (?)", args }])).rejects.toBeInstanceOf(
          ChatError,
        );
      }
      expect(await names()).toEqual([]);
    });

    test("E7 the engine is usable at once after an error", async () => {
      for (let i = 0; i < 5; i++) {
        await expect(engine.read([{ sql: "SELECT * FROM nowhere" }])).rejects.toBeInstanceOf(ChatError);
        await expect(
          engine.write([{ sql: "INSERT INTO item (name) VALUES ('same')" }, { sql: "INSERT INTO item VALUES (1)" }]),
        ).rejects.toBeInstanceOf(ChatError);
        await engine.write([{ sql: "INSERT INTO item (name) VALUES (?)", args: [`after ${i}`] }]);
      }
      expect(await names()).toEqual(["after 0", "after 1", "after 2", "after 3", "after 4"]);
    });

    test("E7 an error does not touch the calls beside it", async () => {
      const calls = Array.from({ length: 20 }, (_, i) =>
        i % 3 === 0
          ? engine.write([{ sql: "INSERT NONSENSE" }]).then(
              () => "done",
              () => "failed",
            )
          : engine.write([{ sql: "INSERT INTO item (name) VALUES (?)", args: [`c${i}`] }]).then(() => "done"),
      );
      expect(await Promise.all(calls)).toEqual(calls.map((_, i) => (i % 3 === 0 ? "failed" : "done")));
      expect((await names()).length).toBe(13);
    });

    test("E8 a statement used before a change of the schema sees the new columns", async () => {
      await engine.write([{ sql: "DROP TABLE IF EXISTS growing" }, { sql: "CREATE TABLE growing (a)" }]);
      const all = { sql: "SELECT * FROM growing" };
      await engine.write([{ sql: "INSERT INTO growing VALUES (1)" }]);
      expect(await engine.read([all])).toEqual([[{ a: 1 }]]);
      await engine.write([{ sql: "ALTER TABLE growing ADD COLUMN b DEFAULT 'new'" }]);
      expect(await engine.read([all])).toEqual([[{ a: 1, b: "new" }]]);
      await engine.write([{ sql: "ALTER TABLE growing DROP COLUMN a" }]);
      expect(await engine.read([all])).toEqual([[{ b: "new" }]]);
    });

    test("E9 foreign keys are enforced", async () => {
      await engine.write([{ sql: "CREATE TABLE child (item INTEGER NOT NULL REFERENCES item (id))" }]);
      await expect(engine.write([{ sql: "INSERT INTO child VALUES (12345)" }])).rejects.toBeInstanceOf(ChatError);
    });

    test("E10 a failed call rejects with `unavailable` and the driver's error as its cause", async () => {
      const error: unknown = await engine.read([{ sql: "SELECT * FROM nowhere" }]).catch((caught: unknown) => caught);
      expect(error).toBeInstanceOf(ChatError);
      expect(error).toMatchObject({ code: "unavailable" });
      expect((error as ChatError).message).toContain("no such table: nowhere");
      expect((error as ChatError).cause).toBeInstanceOf(Error);
    });

    test("E11 calls after close() reject, and a second close() does nothing", async () => {
      const other = await open();
      await other.engine.close();
      await expect(other.engine.read([{ sql: "SELECT 1" }])).rejects.toMatchObject({ code: "unavailable" });
      await expect(other.engine.write([{ sql: "SELECT 1" }])).rejects.toMatchObject({ code: "unavailable" });
      await other.engine.close();
      await other.close();
    });
  });
}
