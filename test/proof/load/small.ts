import { expect } from "bun:test";
import { plant, type PlantName } from "../../plants/index.ts";
import { startAltered } from "../../support/alteration.ts";
import { deadline } from "../../support/deadline.ts";
import { describeOutcome, type Outcome, type StartTried } from "./scenario.ts";
import type { Size } from "./scenarios.ts";

/** The size of a scenario in the tests: a few seconds. */
export const small: Size = {
  connections: 240,
  windowMs: 300,
  windows: 3,
  heartbeatMs: 1_000,
  readers: 200,
  messages: 300,
  outboxTotalBytesMax: 4_000_000,
  resumedMsMax: deadline.bulkMs,
  patienceMs: deadline.answerMs,
};

/** A server with a planted bug. */
export const planted =
  (bug: PlantName): StartTried =>
  (options = {}) =>
    startAltered({ ...options, alterations: [...(options.alterations ?? []), ...plant(bug)] });

export function expectRight(outcome: Outcome): void {
  if (process.env["LOAD_SAY"]) console.log(describeOutcome(outcome));
  expect(outcome.violations, describeOutcome(outcome)).toEqual([]);
}

export const wrongsOf = (outcome: Outcome): string => {
  if (process.env["LOAD_SAY"]) console.log(describeOutcome(outcome));
  return outcome.violations.join("\n");
};
