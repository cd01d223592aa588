import { describeOutcome } from "../load/scenario.ts";
import type { Proof } from "../../proof/proof.ts";
import { backlog } from "./backlog.ts";
import { flood, type FloodSize } from "./flood.ts";
import { fullBacklog, fullFlood } from "./sizes.ts";

/** A tenth of the full size, which takes minutes: FLOOD_USERS and FLOOD_MESSAGES make it another one. */
const isSized = process.env["FLOOD_USERS"] !== undefined;
const size: FloodSize = isSized ? fullFlood : { ...fullFlood, users: 1_000, messages: 10_000, floodMs: 8_000 };
const waiting = isSized ? fullBacklog : { ...fullBacklog, users: 2_000, messages: 20_000 };
/** One run in this many is about the backlog. */
const backlogEvery = 4;

/** The real server and both providers' fakes; the number is the seed. */
export const proof: Proof = {
  name: "flood",
  unit: "messages",
  rules: ["U3", "U5", "U6", "U7", "U10"],
  weight: 2,
  async run({ from, count, isOver, say }) {
    const violations: string[] = [];
    const facts: Record<string, number> = { crashes: 0, requests: 0, aroundCrashes: 0, afterLostAnswers: 0 };
    let tried = 0;
    let seed = from;
    for (; seed < from + count && !isOver(); seed++) {
      const isBacklog = seed % backlogEvery === 0;
      const outcome = isBacklog ? await backlog({ size: waiting, seed }) : await flood({ size, seed });
      tried += outcome.figures["messages"] ?? 0;
      for (const name of Object.keys(facts)) facts[name] = (facts[name] ?? 0) + (outcome.figures[name] ?? 0);
      say(`flood ${seed}: ${describeOutcome(outcome)}`);
      for (const violation of outcome.violations)
        violations.push(`bun test/proof/flood/run.ts --seed ${seed} ${isBacklog ? "backlog" : "flood"}: ${violation}`);
    }
    return { tried, next: seed, violations, facts };
  },
};
