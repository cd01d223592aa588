import { pathOf, prerequisites } from "../../../scripts/prerequisites.ts";
import { endClients } from "../../support/client.ts";
import { describeFaults } from "../checker/checker.ts";
import { addFacts, type Proof } from "../proof.ts";
import { createChance } from "../sim/chance.ts";
import { runRoll } from "./roll.ts";

const users = 4;
/** Messages of each of 450 conversations that the migrations fill in. */
const before = { min: 20, max: 300 } as const;

const hasNats = (): boolean => prerequisites.some((one) => one.name === "nats-server" && pathOf(one) !== null);

/** Three real nodes of the release before, in use, are upgraded one after another, on a database of some size. */
export const proof: Proof = {
  name: "upgrade",
  unit: "upgrades",
  rules: ["S50", "M46", "O1", "O2", "O3", "O4", "O9", "D1", "D6"],
  weight: 1,
  async run({ from, count, isOver, say }) {
    const violations: string[] = [];
    const facts: Record<string, number> = {};
    let seed = from;
    if (!hasNats()) say("nats-server is missing, so nothing is tried");
    for (; hasNats() && seed < from + count && !isOver(); seed++) {
      const ending = seed % 2 === 0 ? "SIGKILL" : "SIGTERM";
      const size = createChance(seed).between(before.min, before.max);
      const {
        faults,
        complaints,
        facts: found,
      } = await runRoll({
        ...{ seed, ending, users, before: size, isBack: ending === "SIGTERM" },
      });
      try {
        endClients();
      } catch (error) {
        complaints.push(error instanceof Error ? error.message : String(error));
      }
      if (faults.length > 0) complaints.push(describeFaults(faults));
      for (const text of complaints)
        violations.push(
          `SEED=${seed} USERS=${users} BEFORE=${size} bun run test test/proof/upgrade -t ${ending}: ${text}`,
        );
      const { accepted = 0, written = 0, expandMs = 0, expandSilentMs = 0 } = found;
      addFacts(facts, { accepted: accepted + written });
      say(
        `${seed}: migrated in ${expandMs} ms, ${expandSilentMs} ms without an answer; ${violations.length} violations`,
      );
    }
    return { tried: seed - from, next: seed, violations, facts };
  },
};
