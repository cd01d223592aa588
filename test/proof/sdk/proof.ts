import { addFacts, type Proof } from "../proof.ts";
import { openDatabase } from "../sim/database.ts";
import { drawSdkPlan, runSdkWorld } from "./run-world.ts";

const sayEvery = 200;

/** Whole worlds of the client SDK, from their seeds. */
export const proof: Proof = {
  name: "sdk",
  unit: "worlds",
  rules: ["O3", "O9", "J1", "J2", "J3", "J4", "J5", "J6", "J7", "J8", "J9", "J10", "J90", "J91", "J92", "J93"],
  weight: 3,
  async run({ from, count, isOver, say }) {
    const database = await openDatabase();
    const violations: string[] = [];
    const facts: Record<string, number> = { written: 0 };
    let tried = 0;
    try {
      for (; tried < count && !isOver(); tried++) {
        const verdict = await runSdkWorld(drawSdkPlan(from + tried), database);
        addFacts(facts, { ...verdict.facts, written: verdict.written });
        if (tried % sayEvery === sayEvery - 1) say(`${tried + 1} worlds, ${facts["written"]} messages written`);
        if (verdict.problems.length === 0) continue;
        violations.push(`seed ${verdict.seed}: ${verdict.problems.slice(0, 5).join("; ")}`);
        say(`seed ${verdict.seed} fails: ${verdict.problems[0]}`);
      }
    } finally {
      await database.close();
    }
    return { tried, next: from + tried, violations, facts };
  },
};
