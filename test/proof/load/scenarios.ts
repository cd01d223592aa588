import { startAltered } from "../../support/alteration.ts";
import { tryFullHouse } from "./full-house.ts";
import { hostilities } from "./hostile.ts";
import type { Outcome, StartTried } from "./scenario.ts";
import { trySilentPeers } from "./silent-peers.ts";
import { trySlowNeighbours } from "./slow-neighbours.ts";
import { tryStampede } from "./stampede.ts";
import { tryStoppedReaders } from "./stopped-readers.ts";

/** How large a run is. */
export type Size = {
  readonly connections: number;
  /** The length of one window of measurement, and the number of windows without, and with, hostile neighbours. */
  readonly windowMs: number;
  readonly windows: number;
  readonly heartbeatMs: number;
  /** Readers that stop, each with more to read than the kernel takes, and the server's bound over all of them. */
  readonly readers: number;
  readonly messages: number;
  readonly outboxTotalBytesMax: number;
  /** Until all are back after a crash. */
  readonly resumedMsMax: number;
  /** How long to wait for a close, or for the answer to a handshake. Controls wait less, because there it does not come. */
  readonly patienceMs: number;
};

export type Scenario = {
  readonly name: string;
  readonly rules: readonly string[];
  readonly run: (size: Size, start?: StartTried) => Promise<Outcome>;
};

const fifth = 0.2;
/** The load of healthy members: little enough that an idle server, and the load generators, stay idle. */
const perSecond = 300;

const paceOf = ({ connections, windowMs }: Size) => ({
  pairs: Math.min(100, Math.floor(connections / 4)),
  perSecond,
  ms: windowMs,
});

const neighbours = (kinds: Parameters<typeof trySlowNeighbours>[0]["kinds"], share: number): Scenario["run"] =>
  async function run(size, start = startAltered) {
    const { connections, windows, heartbeatMs } = size;
    return await trySlowNeighbours({ start, connections, share, kinds, pace: paceOf(size), windows, heartbeatMs });
  };

const readers = (how: "pause" | "SIGSTOP"): Scenario["run"] =>
  async function run({ readers: connections, outboxTotalBytesMax, messages }, start = startAltered) {
    return await tryStoppedReaders({ start, connections, how, outboxTotalBytesMax, messages });
  };

const stampede = (how: "kill -9" | "SIGTERM"): Scenario["run"] =>
  async function run({ connections, resumedMsMax }, start = startAltered) {
    return await tryStampede({ start, connections, how, messages: 3, resumedMsMax });
  };

/** Every scenario, the cheap ones first; the number of a run of the proof counts through them. */
export const scenarios = {
  silentPeers: {
    name: "silent and dripping peers, while they are written to",
    rules: ["R4"],
    run: async ({ connections, patienceMs }, start = startAltered) =>
      await trySilentPeers({ start, each: Math.ceil(connections / 40), heartbeatMs: 300, patienceMs }),
  },
  fullHouse: {
    name: "more connections than open files",
    rules: ["R7"],
    run: async (size, start = startAltered) => {
      const openFiles = Math.min(4_000, size.connections + 100);
      const { patienceMs } = size;
      return await tryFullHouse({ start, openFiles, wanted: openFiles + 20, pace: paceOf(size), patienceMs });
    },
  },
  killStampede: { name: "all reconnect after kill -9", rules: ["R6"], run: stampede("kill -9") },
  termStampede: { name: "all reconnect after SIGTERM", rules: ["R6"], run: stampede("SIGTERM") },
  pausedReaders: { name: "readers that stop reading", rules: ["R3"], run: readers("pause") },
  frozenReaders: { name: "readers in a stopped process", rules: ["R3"], run: readers("SIGSTOP") },
  slowNeighbours: { name: "a fifth hostile, in five ways", rules: ["R2"], run: neighbours(hostilities, fifth) },
  floodingNeighbours: { name: "a tenth floods", rules: ["R2"], run: neighbours(["flooding"], fifth / 2) },
} as const satisfies Record<string, Scenario>;
