/** Compares times, so nothing else runs beside this file (scripts/test-lanes.ts). */
import { expect, test } from "bun:test";
import { scenarios } from "./scenarios.ts";
import { expectRight, planted, small, wrongsOf } from "./small.ts";

test("R2 a fifth of slow, silent, dripping, flooding and babbling clients leaves the others their latency", async () => {
  expectRight(await scenarios.slowNeighbours.run(small));
});

test("control: R2 a server that gives each bad frame its time makes the others wait", async () => {
  const start = planted("each bad frame blocks the loop");
  // One window, right after the burst: of several, the median may be of later ones.
  const outcome = await scenarios.slowNeighbours.run({ ...small, heartbeatMs: 10_000, windows: 1 }, start);
  expect(wrongsOf(outcome)).toMatch(/p99 of accepted went from|messages missing/);
});

test("R7 at the limit of open files the surplus is refused with an answer, and connected ones continue", async () => {
  expectRight(await scenarios.fullHouse.run(small));
});
