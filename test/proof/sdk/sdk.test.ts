import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { openDatabase, type SimDatabase } from "../sim/database.ts";
import { proof } from "./proof.ts";
import { drawSdkPlan, runSdkWorld } from "./run-world.ts";

/** More worlds, or others: SDK_SEEDS=500 SDK_FROM=10000 bun run test test/proof/sdk */
const seeds = Number(process.env["SDK_SEEDS"] ?? 20);
const first = Number(process.env["SDK_FROM"] ?? 1);

describe("the client in a simulated world", () => {
  let database: SimDatabase;
  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(async () => await database.close());

  test(`J1 J2 J3 J4 J5 J6 J7 J8 J9 J10 J90 J91 J92 J93 O3 O9 worlds ${first} to ${first + seeds - 1} keep every promise`, async () => {
    const { tried, violations, facts } = await proof.run({
      from: first,
      count: seeds,
      isOver: () => false,
      say: (text) => console.log(`the client: ${text}`),
    });
    expect(violations).toEqual([]);
    expect(tried).toBe(seeds);
    expect(facts["written"]).toBeGreaterThan(seeds * 5);
    for (const trouble of ["deaths", "crashes", "losses", "faults", "restores"])
      expect({ trouble, count: facts[trouble] }).toEqual({ trouble, count: expect.any(Number) });
    expect(facts["deaths"]).toBeGreaterThan(seeds / 2);
  }, 3_600_000);

  test("V1 a seed is a whole world of the client: run twice, it is the same", async () => {
    const run = () => runSdkWorld(drawSdkPlan(5), database);
    expect(await run()).toEqual(await run());
  });
});
