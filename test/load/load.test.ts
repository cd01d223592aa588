import { expect, test } from "bun:test";
import type { Alteration } from "../support/alter-source.ts";
import { startAltered } from "../support/alteration.ts";
import { describeOutcome, type Outcome, type StartTried } from "./scenario.ts";
import { scenarios, type Size } from "./scenarios.ts";
import { deadline } from "../support/deadline.ts";

const small: Size = {
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
const many: Size = { ...small, connections: 1_200 };

const planted =
  (...alterations: Alteration[]): StartTried =>
  (options = {}) =>
    startAltered({ ...options, alterations: [...(options.alterations ?? []), ...alterations] });

function expectRight(outcome: Outcome): void {
  if (process.env["LOAD_SAY"]) console.log(describeOutcome(outcome));
  expect(outcome.violations, describeOutcome(outcome)).toEqual([]);
}
const wrongsOf = (outcome: Outcome): string => {
  if (process.env["LOAD_SAY"]) console.log(describeOutcome(outcome));
  return outcome.violations.join("\n");
};

test("R2 a fifth of slow, silent, dripping, flooding and babbling clients leaves the others their latency", async () => {
  expectRight(await scenarios.slowNeighbours.run(small));
});

test("control: R2 a server that gives each bad frame its time has the others wait", async () => {
  const start = planted({
    file: "hub/connection.ts",
    from: "strike(): void {",
    to: "strike(): void { for (const end = Date.now() + 24; Date.now() < end; );",
  });
  const outcome = await scenarios.slowNeighbours.run({ ...small, heartbeatMs: 10_000 }, start);
  expect(wrongsOf(outcome)).toMatch(/p99 of accepted went from|messages missing/);
});

test("R3 readers that stopped, one by one or with their process, cost bounded memory and get everything", async () => {
  expectRight(await scenarios.frozenReaders.run(small));
});

test("control: R3 a server that does not look at what its sockets hold is seen by its memory", async () => {
  const start = planted({
    file: "adapter/bun-socket.ts",
    from: "bufferedBytes: () => ws.getBufferedAmount()",
    to: "bufferedBytes: () => 0",
  });
  expect(wrongsOf(await scenarios.pausedReaders.run(small, start))).toContain("memory grew by");
});

test("R4 silent and dripping peers are closed while they are written to, others stay", async () => {
  expectRight(await scenarios.silentPeers.run(small));
});

test("control: R4 a heartbeat that sending satisfies keeps the silent", async () => {
  const start = planted({
    file: "hub/connection.ts",
    from: "tail?.offer(change, upTo);",
    to: "heartbeat.heard(); tail?.offer(change, upTo);",
  });
  expect(wrongsOf(await scenarios.silentPeers.run({ ...small, patienceMs: 2_000 }, start))).toContain(
    "6 silent of 6 were closed with []",
  );
});

test("R6 after a crash all come back at one instant and are resumed whole", async () => {
  expectRight(await scenarios.killStampede.run(many));
});

test("control: R6 a server that resumes at the head is caught with what it left out", async () => {
  const start = planted({
    file: "hub/start-of.ts",
    from: "{ n: asked.n, isHonoured: true",
    to: "{ n: head.n, isHonoured: true",
  });
  expect(wrongsOf(await scenarios.killStampede.run(small, start))).toContain("saw []");
});

test("R7 at the limit of open files the surplus is refused with a word, and those inside go on", async () => {
  expectRight(await scenarios.fullHouse.run(small));
});

test("control: R7 a server that does not know its limit of open files leaves the surplus without an answer", async () => {
  const start = planted({
    file: "server.ts",
    from: "connectionsWithin(openFiles, defaultLimits.connectionsMax)",
    to: "defaultLimits.connectionsMax",
  });
  expect(wrongsOf(await scenarios.fullHouse.run({ ...small, patienceMs: 1_500 }, start))).toContain("in place of 429");
});
