import { describe, expect, test } from "bun:test";
import { split } from "../../../src/store/migration/split.ts";

describe("split", () => {
  const cases: [string, string, string[]][] = [
    ["nothing", "", []],
    ["white space, comments and lone semicolons", " ;; -- a;b\n /* c;d */ ; \uFEFF", []],
    ["one statement without its semicolon", "SELECT 1", ["SELECT 1"]],
    ["two statements", "SELECT 1;\nSELECT 2;\n", ["SELECT 1", "SELECT 2"]],
    ["semicolons in strings", "SELECT 'a;b', 'it''s;', ''; SELECT 2", ["SELECT 'a;b', 'it''s;', ''", "SELECT 2"]],
    [
      "semicolons in names",
      'SELECT "a;""b", `c;d`, [e;f] FROM t; SELECT 2',
      ['SELECT "a;""b", `c;d`, [e;f] FROM t', "SELECT 2"],
    ],
    [
      "comments inside are kept",
      "SELECT 1 -- one; 'two\n, /* it's; */ 2 /* ; */; SELECT 3",
      ["SELECT 1 -- one; 'two\n, /* it's; */ 2", "SELECT 3"],
    ],
    ["comment marks in strings", "SELECT '--', '/*'; SELECT '*/'", ["SELECT '--', '/*'", "SELECT '*/'"]],
    ["minus and divide", "SELECT 1 - 2, 4 / 2 * 3; SELECT -1", ["SELECT 1 - 2, 4 / 2 * 3", "SELECT -1"]],
    ["a comment at the end without a line end", "SELECT 1; -- done", ["SELECT 1"]],
    ["CRLF", "SELECT 1;\r\n-- x\r\nSELECT 2;\r\n", ["SELECT 1", "SELECT 2"]],
    [
      "words with other letters",
      "SELECT naïve, \u{1F600} FROM größe; SELECT 2",
      ["SELECT naïve, \u{1F600} FROM größe", "SELECT 2"],
    ],
  ];
  for (const [name, script, wanted] of cases) {
    test(`M4 ${name}`, () => {
      expect(split(script)).toEqual(wanted);
    });
  }

  const trigger = `CREATE TRIGGER after_insert AFTER INSERT ON t WHEN new.a = 'END;' BEGIN
  INSERT INTO log VALUES (CASE WHEN new.a > 1 THEN 'x;' ELSE 'y' END);
  UPDATE t SET b = CASE new.a WHEN 1 THEN 2 END; -- END;
  DELETE FROM t WHERE a = 3;
END`;
  for (const [name, text] of [
    ["a trigger", trigger],
    [
      "a temporary trigger, in lower case",
      trigger.replace("CREATE TRIGGER", "create temp trigger").replace(/END$/, "end"),
    ],
    ["a trigger after comments", trigger.replace("CREATE TRIGGER", "CREATE /* ; */ TRIGGER -- ;\n IF NOT EXISTS")],
    ["a trigger with a comment before its last semicolon", `${trigger} /* ; */`],
  ] as const) {
    test(`M4 ${name} is one statement`, () => {
      expect(split(`SELECT 1; ${text}; SELECT 2;`)).toEqual([
        "SELECT 1",
        text.replace(/ \/\* ; \*\/$/, ""),
        "SELECT 2",
      ]);
    });
  }

  test("M4 a table named like a trigger ends at its semicolon", () => {
    expect(split("CREATE TABLE trigger_log (a); SELECT 2")).toEqual(["CREATE TABLE trigger_log (a)", "SELECT 2"]);
  });

  test("M4 a quote that is never closed is refused with its line", () => {
    for (const [script, line] of [
      ["SELECT 1;\nSELECT 'open", 2],
      ['\n\nSELECT "open', 3],
      ["/* open", 1],
      ["SELECT [open", 1],
      ["/*/", 1],
    ] as const) {
      expect(() => split(script)).toThrow(`Line ${line} opens`);
    }
  });
});
