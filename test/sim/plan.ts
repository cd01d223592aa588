import { createChance } from "./chance.ts";
import { drawFaults, type Faults } from "./faults.ts";
import { features } from "./features.ts";

/** One thing that happens at a moment; what exactly is drawn from its own seed, so that others can be left out. */
export type Operation = { readonly at: number; readonly kind: string; readonly seed: number };

/** All of one world before it runs. */
export type Plan = {
  readonly seed: number;
  readonly faults: Faults;
  readonly nodes: number;
  /** Whether the nodes have the database as a file, or ask a server over HTTP. */
  readonly engine?: "embedded" | "remote";
  readonly tenants: readonly string[];
  readonly users: readonly string[];
  /** Devices of each user. */
  readonly devices: readonly string[];
  /** The safety phase, in milliseconds of virtual time. */
  readonly spanMs: number;
  readonly operations: readonly Operation[];
};

const kinds = features.flatMap(({ operations }) => Object.entries(operations));

/** Draws the world of a seed: most are small, some are long, and each prefers other operations. */
export function drawPlan(seed: number): Plan {
  const chance = createChance(seed);
  const faults = drawFaults(chance.fork("faults"));
  const size = chance.pick([8, 15, 15, 30, 30, 60, 150]);
  const spanMs = size * chance.pick([10, 25, 60]);
  // A swarm: in each world some operations never happen, and others often.
  const weights = kinds.map(([, { weight }]) => (chance.hits(0.3) ? 0 : weight * (0.3 + 2 * chance.unit())));
  const sends = kinds.findIndex(([kind]) => kind === "send");
  weights[sends] = Math.max(weights[sends] ?? 0, 10);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const draw = (): string => {
    let at = chance.unit() * total;
    const i = weights.findIndex((weight) => (at -= weight) < 0);
    return kinds[Math.max(i, 0)]?.[0] ?? "send";
  };
  const operations = Array.from({ length: size }, () => ({
    at: chance.unit() * spanMs,
    kind: draw(),
    seed: chance.between(0, 2 ** 31),
  })).toSorted((one, other) => one.at - other.at);
  return {
    seed,
    faults,
    nodes: chance.pick([1, 1, 2, 3]),
    engine: chance.fork("engine").pick(["embedded", "remote"]),
    tenants: chance.hits(0.2) ? ["t", "u"] : ["t"],
    users: ["alice", "bob", "carol", "dave"].slice(0, chance.between(2, 4)),
    devices: ["talker", "listener", "second"].slice(0, chance.pick([2, 2, 3])),
    spanMs,
    operations,
  };
}
