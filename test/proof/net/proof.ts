import { pathOf, prerequisites } from "../../../scripts/prerequisites.ts";
import { describeFaults } from "../checker/checker.ts";
import { endClients } from "../../support/client.ts";
import { addFacts, type Proof } from "../proof.ts";
import { startNodes } from "../../support/nodes.ts";
import { runTrial } from "./trial.ts";

/** Longer than a database call may take, and than the silence after which other nodes take a node for dead. */
const pauseMs = 11_000;
const users = 5;

const hasNats = (): boolean => prerequisites.some((one) => one.name === "nats-server" && pathOf(one) !== null);

/** A third of all trials have no bus for most of their time. */
const isBusDead = (seed: number): boolean => seed % 3 === 0;

/** Three real nodes, one database and one bus, a crowd that moves from node to node; number k draws the mishaps and their length. */
export const proof: Proof = {
  name: "net",
  unit: "mishaps",
  rules: ["R9", "O1", "O2", "O3", "O4", "O5", "O10", "D1"],
  weight: 2,
  async run({ from, count, isOver, say }) {
    const violations: string[] = [];
    const facts: Record<string, number> = {};
    let seed = from;
    let tried = 0;
    if (!hasNats()) say("nats-server is missing, so nothing is tried");
    for (; hasNats() && seed < from + count && !isOver(); seed++) {
      const found: string[] = [];
      try {
        const nodes = await startNodes();
        try {
          const verdict = await runTrial({ nodes, seed, rounds: 1, users, pauseMs, isBusDead: isBusDead(seed) });
          if (verdict.faults.length > 0) found.push(describeFaults(verdict.faults));
          found.push(...verdict.complaints);
          const { mishaps = 0, recoveryMs = 0, lastMs = 0, ...rest } = verdict.facts;
          tried += mishaps;
          addFacts(facts, rest);
          say(`${seed}: all were back after ${recoveryMs} ms, and the last messages everywhere after ${lastMs} ms`);
          endClients();
        } finally {
          await nodes.stop();
        }
      } catch (error) {
        found.push(error instanceof Error ? error.message : String(error));
      }
      for (const text of found)
        violations.push(
          `SEED=${seed} USERS=${users} PAUSE_MS=${pauseMs} BUS_DEAD=${Number(isBusDead(seed))} bun run test test/proof/net/net: ${text}`,
        );
      say(`${tried} mishaps, ${facts["accepted"] ?? 0} accepted, ${violations.length} violations`);
    }
    return { tried, next: seed, violations, facts };
  },
};
