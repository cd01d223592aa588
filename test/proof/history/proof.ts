import type { Limits } from "../../../src/protocol/limits.ts";
import type { Proof } from "../proof.ts";
import { openTrial } from "./history-trial.ts";

/** The usual limits, and limits so small that every page and every look is cut. */
const sizes: readonly Partial<Limits>[] = [{}, { historyRowsMax: 3 }, { answerBytesMax: 8 }, { historyRowsMax: 7 }];

/** How many histories one file holds. */
const historiesEach = 200;

/** Histories over HTTP, and questions about them: every answer must be as in a plain model. */
export const proof: Proof = {
  name: "http",
  unit: "histories",
  rules: ["O9"],
  weight: 1,
  async run({ from, count, isOver, say }) {
    const violations: string[] = [];
    let tried = 0;
    let cases = 0;
    while (tried < count && !isOver()) {
      const trials = await Promise.all(sizes.map((limits) => openTrial({ limits })));
      const end = Math.min(count, tried + historiesEach);
      for (; tried < end && !isOver(); tried++) {
        const number = from + tried;
        const found = await trials[number % trials.length]?.tryHistory(number);
        violations.push(...(found?.violations ?? []));
        cases += found?.cases ?? 0;
      }
      for (const trial of trials) await trial.close();
      say(`${tried} histories, ${violations.length} violations`);
    }
    return { tried, next: from + tried, violations, facts: { deedsAndQuestions: cases } };
  },
};
