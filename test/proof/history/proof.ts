import type { Limits } from "../../../src/protocol/limits.ts";
import type { Proof } from "../proof.ts";
import { openTrial } from "./history-trial.ts";

/** As they are, and so small that every page and every look is cut. */
const sizes: readonly Partial<Limits>[] = [{}, { historyRowsMax: 3 }, { answerBytesMax: 8 }, { historyRowsMax: 7 }];

/** So many histories are in one file. */
const historiesEach = 200;

/** Histories over HTTP, and what is asked about them: every answer as a plain model has it. */
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
