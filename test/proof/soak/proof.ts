import type { Proof } from "../proof.ts";
import { startAltered } from "../../support/alteration.ts";
import { soak } from "./soak.ts";

const minutesEach = Number(process.env["SOAK_MINUTES"] ?? "60");
const growthMaxMbPerHour = 1;
/** With fewer cycles there is no trend. */
const cyclesMin = 30;
/** As shipped: src/store/engine/embedded.ts. It is full after some two minutes. */
const cacheBytes = 64 * 1024 * 1024;

/** Number k is one soak with seed k, as long as SOAK_MINUTES says or until the time is over. */
export const proof: Proof = {
  name: "soak",
  unit: "minutes",
  rules: ["R10", "H11"],
  weight: 2,
  isOnePiece: true,
  async run({ from, count, isOver, say }) {
    const violations: string[] = [];
    let minutes = 0;
    let cycles = 0;
    let seed = from;
    for (; seed < from + count && !isOver(); seed++) {
      const end = performance.now() + minutesEach * 60_000;
      const seen = await soak({
        start: startAltered,
        seed,
        people: 40,
        cacheBytes,
        warmUpCycles: 60,
        goesOn: () => !isOver() && performance.now() < end,
        restMs: 400,
        settleMs: 5_000,
      });
      minutes += seen.hours * 60;
      cycles += seen.cycles;
      for (const remain of seen.remains.slice(0, 5)) violations.push(`H11 soak ${seed}: ${remain}`);
      if (seen.cycles < cyclesMin) {
        say(`soak ${seed}: not warm in this time, so only the maps were checked`);
        continue;
      }
      const { slope, low, high } = seen.memory;
      const inWords = `${slope.toFixed(2)} MB/h (95 %: ${low.toFixed(2)} to ${high.toFixed(2)})`;
      say(`soak ${seed}: ${seen.cycles} cycles, memory ${inWords}, ${seen.objects.slope.toFixed(2)} objects a cycle`);
      // A short run cannot distinguish a small slope from noise: the lower bound of the slope counts.
      if (low > growthMaxMbPerHour) violations.push(`R10 soak ${seed}: memory grows by ${inWords}`);
      for (const type of seen.growing) violations.push(`R10 soak ${seed}: ${type}`);
    }
    return { tried: Math.round(minutes), next: seed, violations, facts: { cycles } };
  },
};
