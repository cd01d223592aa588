import { addFacts, type Proof } from "../proof.ts";
import { openDatabase, type SimDatabase } from "./database.ts";
import { drawPlan, type Plan } from "./plan.ts";
import { runWorld } from "./run-world.ts";
import { shrink } from "./shrink.ts";

const sayEvery = 500;

type Counted = { accepted: number; seen: number; "virtual seconds": number };

/** A world that fails, made small, as a file for test/proof/sim/regression. */
export async function smallestFailure(plan: Plan, database: SimDatabase): Promise<Plan> {
  return await shrink(plan, async (candidate) => (await runWorld(candidate, database)).problems.length > 0);
}

/** Whole worlds, from their seeds. */
export const proof: Proof = {
  name: "sim",
  unit: "worlds",
  rules: [
    "D1",
    "D3",
    "D30",
    "D31",
    "D32",
    "O1",
    "O2",
    "O3",
    "O4",
    "O5",
    "O6",
    "O7",
    "O8",
    "O9",
    "O10",
    "Q2",
    "Q3",
    "Q4",
    "T5",
    "T6",
    "S46",
    "S47",
    "P75",
    "R3",
    "R8",
    "H11",
    "E22",
    "F11",
    "B1",
    "B2",
    "B3",
    "B6",
    "U2",
    "U3",
    "U4",
    "U5",
    "U6",
    "U8",
    "U9",
  ],
  weight: 6,
  async run({ from, count, isOver, say }) {
    const database = await openDatabase();
    const violations: string[] = [];
    const facts: Record<string, number> & Counted = { accepted: 0, seen: 0, "virtual seconds": 0 };
    let tried = 0;
    try {
      for (; tried < count && !isOver(); tried++) {
        const plan = drawPlan(from + tried);
        const { problems, accepted, seen, virtualMs, facts: more } = await runWorld(plan, database);
        facts.accepted += accepted;
        facts.seen += seen;
        facts["virtual seconds"] += virtualMs / 1_000;
        addFacts(facts, more);
        if (tried % sayEvery === sayEvery - 1) say(`${tried + 1} worlds, ${facts.accepted} messages accepted`);
        if (problems.length === 0) continue;
        violations.push(`seed ${plan.seed}: ${problems.slice(0, 5).join("; ")}`);
        say(`seed ${plan.seed} fails: ${problems[0]}`);
        // Only the first one: shrinking takes as long as many worlds.
        if (violations.length === 1)
          say(
            `the smallest failing world, for test/proof/sim/regression: ${JSON.stringify(await smallestFailure(plan, database))}`,
          );
      }
    } finally {
      await database.close();
    }
    facts["virtual seconds"] = Math.round(facts["virtual seconds"]);
    return { tried, next: from + tried, violations, facts };
  },
};
