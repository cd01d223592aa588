import type { BusFaults } from "./fake-bus.ts";
import type { Chance } from "./chance.ts";
import type { EngineFaults } from "./faulty-engine.ts";
import { noPushFaults, type PushFaults } from "./phones.ts";

/** The faults of a world, drawn from its seed: probabilities per call, milliseconds of virtual time. */
export type Faults = EngineFaults &
  BusFaults & {
    readonly linkMs: number;
    readonly kernelBytes: number;
    /** The time from the answer to an upgrade until its socket is open. */
    readonly upgradeMs?: number;
    /** How far a node's clock differs from the others'. */
    readonly skewMs: number;
    /** How late a timer may be. */
    readonly timerLateMs: number;
    readonly push: PushFaults;
    readonly limits: {
      readonly hintCharsMax: number;
      readonly audienceNodesMin: number;
      readonly pageChangesMax: number;
      readonly sendWindow: number;
      readonly commitSendsMax: number;
      readonly lightSendsMax: number;
      readonly commitHeavySendsMax: number;
      readonly commitMarksMax: number;
      readonly ackMessagesMax: number;
      readonly outboxBytesMax: number;
      readonly outboxTotalBytesMax: number;
      readonly changesBytesMax: number;
      readonly inboxBytesMax: number;
      readonly marksDelayMs: number;
      readonly emptyChangesDelayMs: number;
      readonly pushActiveDelayMs: number;
      readonly pushIdleDelayMs: number;
      readonly pushUsersMax: number;
      readonly pushLeaseMs: number;
      readonly pushRequestsMax: number;
      readonly pushAddressesPerUserMax: number;
    };
  };

/** Draws the faults of one world: each kind is absent in some worlds and common in others, and any queue may be of size 1. */
export function drawFaults(chance: Chance): Faults {
  const some = (max: number): number => (chance.hits(0.5) ? 0 : chance.unit() * max);
  const small = (usual: number): number => chance.pick([1, 2, 3, usual, usual]);
  const isNarrow = chance.hits(0.5);
  const ackMessagesMax = small(2_000);
  return {
    writeFailsBefore: some(0.1),
    writeFailsAfter: some(0.1),
    answerLost: some(0.05),
    readFails: some(0.05),
    storeMs: chance.pick([0, 1, 5, 5, 30, 150]),
    busLoses: chance.pick([0, 0, 0.1, 0.5, 1]),
    busRepeats: some(0.5),
    busMs: chance.pick([0, 2, 50, 1_000]),
    busEmpties: chance.pick([0, 0, 0.3, 1]),
    linkMs: chance.pick([1, 20, 150]),
    kernelBytes: chance.pick([300, 4_000, 64_000]),
    skewMs: chance.pick([0, 50, 60_000]),
    timerLateMs: chance.pick([0, 0, 20, 300]),
    limits: {
      hintCharsMax: chance.fork("hints").pick([1, 600, 3_000, 262_144]),
      audienceNodesMin: chance.fork("audiences").pick([2, 2, 1_000]),
      pageChangesMax: small(256),
      sendWindow: small(64),
      commitSendsMax: small(2_048),
      lightSendsMax: small(8),
      commitHeavySendsMax: small(128),
      commitMarksMax: small(1_000),
      ackMessagesMax,
      outboxBytesMax: isNarrow ? 57_000 : 262_144,
      // Sometimes too short for all outboxes together.
      outboxTotalBytesMax: chance.pick([20_000, 268_435_456]),
      changesBytesMax: chance.pick(isNarrow ? [400, 4_000] : [400, 65_536]),
      inboxBytesMax: chance.pick([66_000, 1_048_576]),
      // One message per commit with a pause between commits would only be slow.
      marksDelayMs: ackMessagesMax < 10 ? 0 : chance.pick([0, 100]),
      emptyChangesDelayMs: chance.pick([0, 400]),
      ...drawPushLimits(chance.fork("push limits")),
    },
    push: drawPushFaults(chance.fork("push")),
    ...drawSlowness(chance.fork("slowness")),
  };
}

/** In most worlds a read takes as long as a write, and an upgrade takes no time. */
function drawSlowness(chance: Chance) {
  const isSlow = chance.hits(0.25);
  return {
    slowReads: isSlow ? chance.pick([0.02, 0.1, 0.5]) : 0,
    slowReadMs: isSlow ? chance.pick([300, 1_200, 4_000]) : 0,
    upgradeMs: chance.pick([0, 0, 0, 30, 1_500]),
  };
}

function drawPushLimits(chance: Chance) {
  return {
    pushActiveDelayMs: chance.pick([0, 200, 1_000]),
    pushIdleDelayMs: chance.pick([0, 500, 2_000]),
    pushUsersMax: chance.pick([1, 2, 1_000, 1_000]),
    pushLeaseMs: chance.pick([500, 2_000]),
    pushRequestsMax: chance.pick([1, 2, 32, 32]),
    pushAddressesPerUserMax: chance.pick([2, 32, 32, 32]),
  };
}

function drawPushFaults(chance: Chance): PushFaults {
  const some = (max: number): number => (chance.hits(0.5) ? 0 : chance.unit() * max);
  const [phones, pages] = [
    { name: "phones", reach: "device" },
    { name: "pages", reach: "device" },
  ] as const;
  return {
    providers: chance.pick([[phones], [phones, pages], [phones, { name: "hook", reach: "user" }]]),
    retries: some(0.5),
    throws: some(0.2),
    hangs: some(0.2),
    losesAnswer: some(0.3),
    refuses: some(0.1),
    saysDead: some(0.1),
    answerMs: chance.pick([0, 20, 300, 1_500]),
    isIdempotent: chance.hits(0.5),
  };
}

/** The same world without faults; a dead bus stays dead. */
export const calm = (faults: Faults): Faults => ({
  ...faults,
  writeFailsBefore: 0,
  writeFailsAfter: 0,
  answerLost: 0,
  readFails: 0,
  storeMs: Math.min(faults.storeMs, 1),
  busLoses: faults.busLoses === 1 ? 1 : 0,
  busRepeats: 0,
  busMs: Math.min(faults.busMs, 2),
  linkMs: 1,
  timerLateMs: 0,
  slowReads: 0,
  upgradeMs: 0,
  push: { ...faults.push, ...noPushFaults, answerMs: Math.min(faults.push.answerMs, 2) },
});

/** Each kind of fault by name, and how shrinking removes it from a world. */
export const faultKinds: Readonly<Record<string, (faults: Faults) => Faults>> = {
  "failing writes": (faults) => ({ ...faults, writeFailsBefore: 0, writeFailsAfter: 0 }),
  "lost answers": (faults) => ({ ...faults, answerLost: 0 }),
  "failing reads": (faults) => ({ ...faults, readFails: 0 }),
  "a slow store": (faults) => ({ ...faults, storeMs: 0 }),
  "slow reads": (faults) => ({ ...faults, slowReads: 0 }),
  "slow upgrades": (faults) => ({ ...faults, upgradeMs: 0 }),
  "a lossy bus": (faults) => ({ ...faults, busLoses: 0, busRepeats: 0, busEmpties: 0 }),
  "a slow bus": (faults) => ({ ...faults, busMs: 0 }),
  "slow links": (faults) => ({ ...faults, linkMs: 1 }),
  "small kernels": (faults) => ({ ...faults, kernelBytes: 64_000 }),
  "failing providers": (faults) => ({ ...faults, push: { ...faults.push, ...noPushFaults } }),
  "slow providers": (faults) => ({ ...faults, push: { ...faults.push, answerMs: 0 } }),
  "wrong clocks": (faults) => ({ ...faults, skewMs: 0, timerLateMs: 0 }),
  "small limits": (faults) => ({
    ...faults,
    limits: {
      hintCharsMax: 262_144,
      audienceNodesMin: 1_000,
      pageChangesMax: 256,
      sendWindow: 64,
      commitSendsMax: 2_048,
      lightSendsMax: 8,
      commitHeavySendsMax: 128,
      commitMarksMax: 1_000,
      ackMessagesMax: 2_000,
      outboxBytesMax: 262_144,
      outboxTotalBytesMax: 268_435_456,
      changesBytesMax: 65_536,
      inboxBytesMax: 1_048_576,
      marksDelayMs: 100,
      emptyChangesDelayMs: 400,
      pushActiveDelayMs: 1_000,
      pushIdleDelayMs: 2_000,
      pushUsersMax: 1_000,
      pushLeaseMs: 2_000,
      pushRequestsMax: 32,
      pushAddressesPerUserMax: 32,
    },
  }),
};
