import type { Proof } from "../proof.ts";
import { describeOutcome } from "./scenario.ts";
import { type Scenario, scenarios, type Size } from "./scenarios.ts";

const full: Size = {
  connections: Number(process.env["LOAD_CONNECTIONS"] ?? "10000"),
  windowMs: 4_000,
  windows: 5,
  heartbeatMs: 5_000,
  readers: 1_000,
  messages: 400,
  outboxTotalBytesMax: 67_108_864,
  resumedMsMax: 30_000,
  patienceMs: 10_000,
};

/** Number k is scenario k modulo their count, over and over, at its full size: `from` alone decides what is tried. */
export const proof: Proof = {
  name: "load",
  unit: "connections",
  rules: ["R2", "R3", "R4", "R6", "R7"],
  weight: 2,
  async run({ from, count, isOver, say }) {
    const all: readonly Scenario[] = Object.values(scenarios);
    const violations: string[] = [];
    const facts: Record<string, number> = { scenarios: 0 };
    let tried = 0;
    let number = from;
    for (; number < from + count && !isOver(); number++) {
      const scenario = all[number % all.length];
      if (scenario === undefined) continue;
      const outcome = await scenario.run(full);
      tried += full.connections;
      facts["scenarios"] = (facts["scenarios"] ?? 0) + 1;
      say(`load ${number}: ${scenario.name}: ${describeOutcome(outcome)}`);
      for (const violation of outcome.violations)
        violations.push(`${scenario.rules.join(" ")} load ${number} (${scenario.name}): ${violation}`);
    }
    return { tried, next: number, violations, facts };
  },
};
