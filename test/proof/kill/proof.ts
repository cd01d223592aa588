import { rmSync } from "node:fs";
import { describeFaults } from "../checker/checker.ts";
import { addFacts, type Proof } from "../proof.ts";
import { startServer, temporaryFolder } from "../../support/server.ts";
import { crashLoop } from "./crash-loop.ts";
import { countUnseen } from "./witness.ts";

/** Crashes of one database between two judgements: enough for a long history, few enough to hold its log in memory. */
const roundsMax = 25;
const witnessed = 20;

/** The real server, killed or shut down under load at random instants, on one database after the other. */
export const proof: Proof = {
  name: "kill",
  unit: "crashes",
  rules: ["D1", "D4", "O1", "O2", "O3", "O4", "R5"],
  weight: 2,
  async run({ from, count, isOver, say }) {
    const violations: string[] = [];
    const facts: Record<string, number> = {};
    let tried = 0;
    while (tried < count && !isOver()) {
      const seed = from + tried;
      const rounds = Math.min(roundsMax, count - tried);
      const found = await tryDatabase({ seed, rounds, facts });
      for (const text of found)
        violations.push(`SEED=${seed} ROUNDS=${rounds} bun run test test/proof/kill/kill.test.ts: ${text}`);
      tried += rounds;
      say(`${tried} crashes, ${facts["accepted"] ?? 0} accepted, ${violations.length} violations`);
    }
    return { tried, next: from + tried, violations, facts };
  },
};

/** One database through some crashes; returns the violations and adds to the facts. */
export async function tryDatabase(options: {
  seed: number;
  rounds: number;
  facts: Record<string, number>;
}): Promise<readonly string[]> {
  const { seed, rounds, facts } = options;
  const dir = temporaryFolder();
  const violations: string[] = [];
  try {
    const unseen = await countUnseen({ start: startServer, dir, messages: witnessed });
    if (unseen > 0) violations.push(`D4: another process did not see ${unseen} of ${witnessed} accepted messages`);
    const verdict = await crashLoop({ start: startServer, dir, rounds, seed });
    if (verdict.faults.length > 0) violations.push(describeFaults(verdict.faults));
    violations.push(...verdict.complaints);
    addFacts(facts, { ...verdict.facts, witnessed });
  } catch (error) {
    violations.push(error instanceof Error ? error.message : String(error));
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
  return violations;
}
