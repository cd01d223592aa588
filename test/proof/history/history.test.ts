import { describe, expect, test } from "bun:test";
import type { Limits } from "../../../src/protocol/limits.ts";
import type { Engine } from "../../../src/store/engine/engine.ts";
import { plant, type PlantName, ruleOf } from "../../plants/index.ts";
import type { Alteration } from "../../support/alter-source.ts";
import { rewrite } from "../../support/rewrite.ts";
import { openTrial } from "./history-trial.ts";

/** `bun run prove http` tries as many as time allows. */
const histories = 30;
/** A bug counts as not found when this many histories do not show it. */
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

/** An engine that alters one statement. */
const rewritten =
  (alterations: readonly Alteration[]) =>
  (engine: Engine): Engine => ({ ...engine, read: (statements) => engine.read(rewrite(statements, alterations)) });

/** The statement is put together of parts, so the source does not contain its text. */
const oneSided: Alteration = {
  file: "store/read/history-sql.ts",
  from: "m.n = x.n WHERE NOT w.is_scan",
  to: "m.n = x.n WHERE NOT w.is_scan AND m.sender = w.user",
};

describe("history", () => {
  test(`Q2 Q3 Q4 Q8 O9 over ${histories} histories every query is answered as a plain model answers it`, async () => {
    expect(await violationsOf(histories, {})).toEqual([]);
  });

  test(`Q3 Q4 Q15 over ${histories} histories with tiny limits next goes on exactly`, async () => {
    expect(await violationsOf(histories, small)).toEqual([]);
    expect(await violationsOf(histories, { answerBytesMax: 8 })).toEqual([]);
  });

  const controls: readonly (readonly [PlantName, Partial<Limits>, RegExp])[] = [
    ["a page of messages includes its bound", {}, /Q3/],
    ["a filter by sender is forgotten", {}, /Q3/],
    ["the last moment of a filter by time is left out", {}, /Q3/],
    ["a filter of what was not acked forgets the ack", {}, /Q3/],
    ["a list skips a message that was not acked", {}, /Q2|Q3/],
    ["one's own messages are among the undelivered", {}, /Q3/],
    ["ids that others use too are left out", {}, /Q3/],
    ["a page skips a row where the looking ended", small, /Q3/],
    ["an edge of a page is one row off", small, /Q3/],
    ["unread counts one's own messages", {}, /Q8/],
    ["the list has the conversations of one side only", {}, /Q8/],
    ["the list is in the order of keys", {}, /Q8/],
  ];
  const find = async (alterations: readonly Alteration[], limits: Partial<Limits> = {}): Promise<string> =>
    (await violationsOf(historiesOfControl, limits, rewritten(alterations))).join("\n");
  for (const [bug, limits, found] of controls)
    test(`control: ${ruleOf(bug)} it is found that ${bug}`, async () => {
      expect(await find(plant(bug), limits)).toMatch(found);
    });

  test("control: Q3 the newest page of one side only is found", async () => {
    expect(await find([oneSided])).toMatch(/Q3/);
  });
});
