import { expect, test } from "bun:test";
import { type Alteration, startAltered } from "../support/alteration.ts";
import { type Soaked, soak } from "./soak.ts";
import { trendOf } from "./trend.ts";

const brief = async (...alterations: Alteration[]): Promise<Soaked> => {
  const seen = await soak({
    start: (options = {}) => startAltered({ ...options, alterations }),
    seed: 1,
    people: 16,
    warmUpCycles: 10,
    goesOn: (cycles) => cycles < 6,
    restMs: 0,
    settleMs: 300,
  });
  if (process.env["LOAD_SAY"]) console.log(seen);
  return seen;
};

test("R10 H11 cycles of people who come and leave let every map return to 0 and no class of objects grow", async () => {
  const { remains, growing } = await brief();
  expect(remains).toEqual([]);
  expect(growing).toEqual([]);
});

test("control: R10 H11 a hub that forgets to forget a user is seen", async () => {
  const { remains } = await brief({
    file: "hub/hub.ts",
    from: "if (left === 0) perUser.delete(identityKey(session));",
    to: "if (left === 0) perUser.set(identityKey(session), 0);",
  });
  expect(remains.join("\n")).toContain("perUser is 16 after cycle 0");
});

test("control: R10 connections that something still holds are seen among the objects", async () => {
  const { remains, growing } = await brief({
    file: "hub/hub.ts",
    from: "all.add(connection);",
    to: "all.add(connection); ((globalThis as { held?: unknown[] }).held ??= []).push(connection);",
  });
  expect(remains).toEqual([]);
  expect(growing.length).toBeGreaterThan(0);
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
