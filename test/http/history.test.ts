import { describe, expect, test } from "bun:test";
import type { Limits } from "../../src/protocol/limits.ts";
import type { Engine, Statement } from "../../src/store/engine/engine.ts";
import { openTrial } from "./history-trial.ts";

/** `bun run prove http` tries as many as there is time for. */
const histories = 30;
/** A bug that so many histories do not show is not found. */
const historiesOfControl = 40;

/** Limits so small that pages are cut everywhere. */
const small: Partial<Limits> = { historyRowsMax: 3 };

async function violationsOf(
  count: number,
  limits: Partial<Limits>,
  wrapEngine?: (engine: Engine) => Engine,
): Promise<readonly string[]> {
  const trial = await openTrial({ limits, wrapEngine });
  try {
    for (let number = 1; number <= count; number++) {
      const { violations } = await trial.tryHistory(number);
      if (violations.length > 0) return violations;
    }
    return [];
  } finally {
    await trial.close();
  }
}

/** An engine whose statements read otherwise; an edit that no statement has is an error of the control. */
const rewritten =
  (from: string, to: string) =>
  (engine: Engine): Engine => ({
    ...engine,
    read: (statements: readonly Statement[]) =>
      engine.read(statements.map((one) => ({ ...one, sql: one.sql.replaceAll(from, to) }))),
  });

describe("history", () => {
  test(`Q2 Q3 Q4 Q8 O9 over ${histories} histories every query is answered as a plain model answers it`, async () => {
    expect(await violationsOf(histories, {})).toEqual([]);
  });

  test(`Q3 Q4 Q15 over ${histories} histories with tiny limits next goes on exactly`, async () => {
    expect(await violationsOf(histories, small)).toEqual([]);
    expect(await violationsOf(histories, { answerBytesMax: 8 })).toEqual([]);
  });

  const controls: readonly (readonly [string, string, string, Partial<Limits>, RegExp])[] = [
    ["Q3 a page that includes its bound", "m.seq < ?7", "m.seq <= ?7", {}, /Q3/],
    ["Q3 a sender's filter that is forgotten", "s.id = ?3", "1", {}, /Q3/],
    ["Q3 a time that is left out", "m.time <= ?5", "m.time < ?5", {}, /Q3/],
    ["Q3 a filter that forgets the ack", "AND m.n > (SELECT d.acked", "AND -1 < (SELECT d.acked", {}, /Q3/],
    ["Q2 a list that skips what was not acked", "i.device = ?6), 0)", "i.device = ?6) + 1, 0)", {}, /Q2|Q3/],
    ["Q3 one's own messages among the undelivered", "(m.recipient = a.key\n", "(1\n", {}, /Q3/],
    ["Q3 ids that others use left out", "m.id = j.value AND", "m.id = j.value AND m.sender = a.key AND", {}, /Q3/],
    [
      "Q3 the newest page of one side only",
      "m.recipient = a.key AND m.n < ?7",
      "m.recipient = a.key AND m.n < ?7 AND m.n > 9e9",
      {},
      /Q3/,
    ],
    [
      "Q15 a row skipped where the looking ended",
      "min(?7, c.seq + 1) - ?8",
      "min(?7, c.seq + 1) - ?8 + 1",
      small,
      /Q3/,
    ],
    ["Q15 an edge that is one row off", "AND m.n > coalesce(", "AND m.n > 1 + coalesce(", small, /Q3/],
    ["Q8 unread that counts one's own", "AND w.sender <> counted.me", "", {}, /Q8/],
    ["Q8 conversations of one side only", "UNION ALL", "EXCEPT", {}, /Q8/],
    ["Q8 a list in the order of keys", "ORDER BY counted.n DESC", "ORDER BY counted.key", {}, /Q8/],
  ];
  for (const [name, from, to, limits, found] of controls)
    test(`control: ${name} is found`, async () => {
      expect((await violationsOf(historiesOfControl, limits, rewritten(from, to))).join("\n")).toMatch(found);
    });
});
