import type { Proof } from "../proof.ts";
import { compareHidden, compareTenants, kinds } from "./tenants.ts";

/** Worlds that differ only in another tenant, or only in others' data: no user may see the difference. */
export const proof: Proof = {
  name: "tenants",
  unit: "scripts",
  rules: ["T1", "T3", "T4"],
  weight: 1,
  async run({ from, count, isOver, say }) {
    const violations: string[] = [];
    let tried = 0;
    for (let seed = from; seed < from + count && !isOver(); seed++) {
      for (const kind of kinds)
        violations.push(...(await compareTenants(seed, kind)), ...(await compareHidden(seed, kind)));
      tried++;
      if (tried % 100 === 0) say(`${tried} scripts, ${violations.length} violations`);
    }
    return { tried, next: from + tried, violations, facts: { worlds: 4 * kinds.length * tried } };
  },
};
