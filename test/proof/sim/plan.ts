import { type Chance, createChance } from "./chance.ts";
import { drawFaults, type Faults } from "./faults.ts";
import { rare, usual } from "./features.ts";
import type { Feature } from "./feature.ts";

/** One operation at one moment; its details are drawn from its own seed, so that others can be left out. */
export type Operation = { readonly at: number; readonly kind: string; readonly seed: number };

/** A whole world, before it runs. */
export type Plan = {
  readonly seed: number;
  readonly faults: Faults;
  readonly nodes: number;
  /** Whether the nodes have the database as a file, or reach a server over HTTP. */
  readonly engine?: "embedded" | "remote";
  readonly tenants: readonly string[];
  readonly users: readonly string[];
  /** Devices of each user. */
  readonly devices: readonly string[];
  /** The safety phase, in milliseconds of virtual time. */
  readonly spanMs: number;
  readonly operations: readonly Operation[];
};

const kinds = usual.flatMap(({ operations }) => Object.entries(operations));

/** The part of the worlds that has rare operations, and their part of its operations then. */
const rareOdds = 0.35;
const rarePart = 0.12;

/** Operations of rare features: only in some worlds, and then often enough that they meet each other. */
function drawRare(chance: Chance, { operations }: Feature, size: number, spanMs: number): Operation[] {
  const all = Object.entries(operations).filter(() => chance.hits(0.75));
  const total = all.reduce((sum, [, { weight }]) => sum + weight, 0);
  return Array.from({ length: all.length === 0 ? 0 : Math.max(3, Math.ceil(size * rarePart)) }, () => {
    let at = chance.unit() * total;
    const found = all.find(([, { weight }]) => (at -= weight) < 0) ?? all[0];
    return { at: chance.unit() * spanMs, kind: found?.[0] ?? "send", seed: chance.between(0, 2 ** 31) };
  });
}

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
  const often = Array.from({ length: size }, () => ({
    at: chance.unit() * spanMs,
    kind: draw(),
    seed: chance.between(0, 2 ** 31),
  }));
  const seldom = rare.flatMap((feature) => {
    const own = chance.fork(feature.name);
    const isDrawn = own.hits(rareOdds);
    return (feature.isIn?.(seed) ?? isDrawn) ? drawRare(own, feature, size, spanMs) : [];
  });
  const operations = [...often, ...seldom].toSorted((one, other) => one.at - other.at);
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
