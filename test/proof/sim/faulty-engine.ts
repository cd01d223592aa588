import type { Engine, Row, Statement } from "../../../src/store/engine/engine.ts";
import type { Chance } from "./chance.ts";
import { PlantedFailure } from "./planted-failure.ts";
import type { SimProcess } from "./process.ts";
import type { Timeline } from "./timeline.ts";

/** Faults of a node's database calls: probabilities per call, and the time that one takes each way. */
export type EngineFaults = {
  readonly writeFailsBefore: number;
  readonly writeFailsAfter: number;
  readonly answerLost: number;
  readonly readFails: number;
  readonly storeMs: number;
  /** Reads whose answers arrive long after they ran, and after those of later reads. */
  readonly slowReads?: number;
  readonly slowReadMs?: number;
};

export type FaultyEngineOptions = {
  readonly engine: Engine;
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly process: SimProcess;
  readonly faults: () => EngineFaults;
  /** Whether the node cannot reach the database now. */
  readonly isCutOff: () => boolean;
  /** A caller waits this long for an answer. */
  readonly deadlineMs: number;
};

/** One node's access to the shared database, as over a network: calls are late, and sometimes lost on the way there or back. */
export function createFaultyEngine(options: FaultyEngineOptions): Engine {
  const { engine, timeline, chance, process, faults, isCutOff, deadlineMs } = options;

  type Call = (statements: readonly Statement[]) => Promise<Row[][]>;
  type Rates = {
    readonly before: number;
    readonly after: number;
    readonly lost: number;
    readonly slow?: number | undefined;
  };

  const call =
    (run: Call, rates: () => Rates): Call =>
    (statements) =>
      new Promise((resolve, reject) => {
        const { before, after, lost, slow = 0 } = rates();
        const way = (): number => chance.unit() * faults().storeMs;
        const answer = (settle: () => void, ms: number): void =>
          void timeline.after(ms, () => process.run(() => settle()));
        const fail = (what: string, isRefusal: boolean): void =>
          answer(() => reject(new PlantedFailure(what, { isRefusal })), way());
        const beSilent = (what: string): void =>
          answer(() => reject(new PlantedFailure(what, { isSilence: true })), deadlineMs);
        // A dead node's request that was on its way may still arrive; one that had not left is lost.
        const isLeaving = !isCutOff();
        void timeline.after(way(), () => {
          if (!isLeaving) return beSilent("no way to the database");
          if (chance.hits(before)) return fail("failed before", true);
          run(statements).then(
            (rows) => {
              if (chance.hits(lost) || isCutOff()) return beSilent("the answer was lost");
              if (chance.hits(after)) return fail("failed after", false);
              const restMs = slow > 0 && chance.hits(slow) ? chance.unit() * (faults().slowReadMs ?? 0) : 0;
              answer(() => resolve(rows), way() + restMs);
            },
            (error: unknown) => answer(() => reject(error instanceof Error ? error : new Error(String(error))), way()),
          );
        });
      });

  return {
    read: call(engine.read, () => {
      const { readFails, slowReads } = faults();
      return { before: readFails, after: 0, lost: readFails / 4, slow: slowReads };
    }),
    write: call(engine.write, () => {
      const { writeFailsBefore, writeFailsAfter, answerLost } = faults();
      return { before: writeFailsBefore, after: writeFailsAfter, lost: answerLost };
    }),
    close: async () => {},
  };
}
