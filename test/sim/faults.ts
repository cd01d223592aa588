import type { Chance } from "./chance.ts";

/** How bad a world is; every seed draws its own. Probabilities a call, milliseconds of virtual time. */
export type Faults = {
  readonly writeFailsBefore: number;
  readonly writeFailsAfter: number;
  readonly readFails: number;
  readonly storeMs: number;
  /** A node is killed about this often, 0: never. */
  readonly crashEveryMs: number;
  /** A connection breaks about this often, 0: never. */
  readonly breakEveryMs: number;
  /** A client stops reading about this often, 0: never. */
  readonly stallEveryMs: number;
  /** A client dies and comes back with what it had stored. */
  readonly clientCrashEveryMs: number;
  /** Half-open death: the server never hears of the end of a connection. */
  readonly halfOpen: number;
  readonly linkMs: number;
  readonly skewMs: number;
  readonly nodes: number;
  readonly limits: {
    readonly pageChangesMax: number;
    readonly sendWindow: number;
    readonly commitSendsMax: number;
    readonly ackMessagesMax: number;
    readonly outboxBytesMax: number;
    readonly changesBytesMax: number;
  };
};

/** Draws the faults of one seed: each kind is absent in some worlds and common in others. */
export function drawFaults(chance: Chance): Faults {
  const some = (max: number): number => (chance.hits(0.4) ? 0 : chance.unit() * max);
  const often = (min: number): number => (chance.hits(0.4) ? 0 : chance.between(min, 8 * min));
  const small = (usual: number): number => chance.pick([1, 2, 3, usual]);
  const limits = {
    pageChangesMax: small(256),
    sendWindow: small(64),
    commitSendsMax: small(2_048),
    ackMessagesMax: small(2_000),
    outboxBytesMax: chance.pick([24_000, 262_144]),
    changesBytesMax: chance.pick([400, 4_000]),
  };
  // One message a call and a slow store together would only be slow.
  const isSmall = Math.min(limits.pageChangesMax, limits.sendWindow, limits.commitSendsMax) < 10;
  return {
    writeFailsBefore: some(0.1),
    writeFailsAfter: some(0.1),
    readFails: some(0.05),
    storeMs: chance.pick(isSmall ? [0, 1, 5] : [0, 1, 20, 200]),
    crashEveryMs: often(3_000),
    breakEveryMs: often(400),
    stallEveryMs: often(1_000),
    clientCrashEveryMs: often(1_500),
    halfOpen: some(0.5),
    linkMs: chance.pick([1, 20, 150]),
    skewMs: chance.pick([0, 50, 60_000]),
    nodes: chance.pick([1, 1, 2, 3]),
    limits,
  };
}
