import { expect, test } from "bun:test";
import { plant, type PlantName } from "../../plants/index.ts";
import { startAltered } from "../../support/alteration.ts";
import { type Soak, type Soaked, soak } from "./soak.ts";
import { trendOf } from "./trend.ts";
import { deadline } from "../../support/deadline.ts";

/** With a few short cycles nothing smaller differs from the garbage of the moment. */
const growthMaxMbPerCycle = 1;

const size = {
  seed: 1,
  people: 12,
  cacheBytes: 2 * 1024,
  warmUpCycles: 8,
  goesOn: (cycles: number) => cycles < 6,
  restMs: 0,
  settleMs: deadline.answerMs,
};

const brief = async (bug?: PlantName, other: Partial<Pick<Soak, "settleMs" | "goesOn">> = {}): Promise<Soaked> => {
  const alterations = bug === undefined ? [] : plant(bug);
  const seen = await soak({
    ...{ ...size, ...other },
    start: (options = {}) =>
      startAltered({ ...options, alterations: [...(options.alterations ?? []), ...alterations] }),
  });
  if (process.env["LOAD_SAY"]) console.log(seen);
  return seen;
};

test("R10 H11 after cycles of users who come and leave every map is at 0, and neither objects nor memory grow", async () => {
  const { remains, growing, memoryPerCycle } = await brief();
  expect(remains).toEqual([]);
  expect(growing).toEqual([]);
  expect(memoryPerCycle.low).toBeLessThan(growthMaxMbPerCycle);
});

test("control: R10 H11 a hub that forgets to forget a user is seen", async () => {
  // It never returns to 0: a short wait after the first cycle is enough.
  let cycles = 0;
  const first = { settleMs: 300, goesOn: () => cycles++ < 1 };
  const { remains } = await brief("a counter of users is never removed", first);
  expect(remains.join("\n")).toContain("perUser is 12 after cycle 0");
});

test("control: R10 leaked connections are seen among the objects", async () => {
  const { remains, growing } = await brief("connections are held for ever");
  expect(remains).toEqual([]);
  expect(growing.length).toBeGreaterThan(0);
});

test("control: R10 memory without an object is seen in the process's memory", async () => {
  const { remains, growing, memoryPerCycle } = await brief("memory leaks without an object");
  expect(remains).toEqual([]);
  expect(growing).toEqual([]);
  expect(memoryPerCycle.low).toBeGreaterThan(growthMaxMbPerCycle);
});

test("R10 while the page cache fills, nothing counts as growth", async () => {
  let cycles = 0;
  const seen = await soak({ ...size, start: startAltered, cacheBytes: 2 ** 30, goesOn: () => cycles++ < 5 });
  expect(seen.remains).toEqual([]);
  expect(seen.cycles).toBe(0);
});

test("R10 the trend is the median of slopes, and a spike does not move it", () => {
  const line = Array.from({ length: 60 }, (_, at) => ({ at, value: 100 + 2 * at + (at % 3) }));
  line[30] = { at: 30, value: 10_000 };
  const { slope, low, high } = trendOf(line);
  expect(slope).toBeCloseTo(2, 1);
  expect(low).toBeGreaterThan(1.8);
  expect(high).toBeLessThan(2.2);
  const flat = trendOf(Array.from({ length: 60 }, (_, at) => ({ at, value: (at * 7919) % 13 })));
  expect(flat.low).toBeLessThanOrEqual(0);
  expect(flat.high).toBeGreaterThanOrEqual(0);
});

test("R10 points that depend on each other do not narrow the interval of the trend", () => {
  const few = Array.from({ length: 10 }, (_, at) => ({ at: 10 * at + 4.5, value: (at * 7919) % 13 }));
  const many = few.flatMap(({ at, value }) => Array.from({ length: 10 }, (_, i) => ({ at: at - 4.5 + i, value })));
  expect(trendOf(many)).toEqual(trendOf(few));
});
