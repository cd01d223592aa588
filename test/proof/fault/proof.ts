import type { Proof } from "../proof.ts";
import { describeTrial, runTrial } from "./trial.ts";

/** The store fails at each call of a scripted day, in every mode; then of another day. */
export const proof: Proof = {
  name: "fstore",
  unit: "failing days",
  rules: ["D3", "D4"],
  weight: 1,
  async run({ from, count, isOver, say }) {
    const violations: string[] = [];
    let tried = 0;
    const facts = { accepted: 0, "calls failed": 0 };
    for (let number = from; number < from + count && !isOver(); number++) {
      const trial = await runTrial(number);
      tried++;
      facts.accepted += trial.verdict.accepted;
      facts["calls failed"] += trial.verdict.failed;
      const violation = describeTrial(trial);
      if (violation !== null) violations.push(violation);
      if (tried % 500 === 0) say(`fstore: ${tried} days, ${violations.length} violations`);
    }
    return { tried, next: from + tried, violations, facts };
  },
};
