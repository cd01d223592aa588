import type { Proof } from "../proof.ts";
import { fuzzInProcess } from "./in-process.ts";
import { tryHistory } from "./resume.ts";
import { type Siege, startSiege } from "./siege/siege.ts";

/** The cases of one number: about 3 600 over sockets, 600 acts of histories, the rest in process. */
const casesInProcess = 15_000;
const historiesEach = 2;
const attacksEach = 600;
/** The first numbers fill caches and buffers to their limits; the server's growth counts only after them. */
const numbersOfWarmUp = 3;

/** Hostile input at every entry: in process, over sockets to one server that lives to the end, and in whole histories. */
export const proof: Proof = {
  name: "fuzz",
  unit: "cases",
  rules: ["R1", "O6", "O9", "T2"],
  weight: 1,
  async run({ from, count, isOver, say }) {
    const violations: string[] = [];
    const facts: Record<string, number> = { "in process": 0, "acts of histories": 0 };
    let tried = 0;
    const siege: Siege = await startSiege();
    for (let number = from; number < from + count && !isOver() && !siege.isOver(); number++) {
      const inProcess = await fuzzInProcess(number, casesInProcess);
      violations.push(...inProcess.violations.map((text) => `number ${number}: ${text}`));
      facts["in process"] = (facts["in process"] ?? 0) + inProcess.cases;
      for (let i = 0; i < historiesEach; i++) {
        const history = await tryHistory(historiesEach * number + i);
        violations.push(...history.violations.map((text) => `number ${number}: ${text}`));
        facts["acts of histories"] = (facts["acts of histories"] ?? 0) + history.cases;
      }
      await siege.assail(number, attacksEach);
      if (number - from === numbersOfWarmUp - 1) siege.warm();
      tried = number - from + 1;
      if (tried % 10 === 0) say(`${tried} numbers, ${violations.length} violations`);
    }
    const besieged = await siege.end();
    violations.push(...besieged.violations.map((text) => `numbers ${from} to ${from + tried - 1}: ${text}`));
    Object.assign(facts, besieged.facts);
    const cases = (facts["in process"] ?? 0) + (facts["acts of histories"] ?? 0) + besieged.cases;
    return { tried: cases, next: from + tried, violations, facts };
  },
};
