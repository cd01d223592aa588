import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import { createChance } from "./chance.ts";
import { openDatabase, type SimDatabase } from "./database.ts";
import { drawPlan, type Plan } from "./plan.ts";
import { proof } from "./proof.ts";
import { runWorld } from "./run-world.ts";
import { shrink } from "./shrink.ts";
import { createTimeline } from "./timeline.ts";

/** More worlds, or others: SIM_SEEDS=500 SIM_FROM=10000 bun run test test/proof/sim */
const seeds = Number(process.env["SIM_SEEDS"] ?? 12);
const first = Number(process.env["SIM_FROM"] ?? 1);

describe("simulation parts", () => {
  test("V1 the same seed draws the same numbers, another seed others", () => {
    const draw = (seed: number): number[] => Array.from({ length: 20 }, createChance(seed).unit);
    expect(draw(7)).toEqual(draw(7));
    expect(draw(7)).not.toEqual(draw(8));
    expect(createChance(7).fork("a").unit()).not.toBe(createChance(7).fork("b").unit());
  });

  test("V1 virtual time runs in order, cancels, and follows every promise before it goes on", () => {
    const timeline = createTimeline();
    const seen: string[] = [];
    timeline.after(30, () => seen.push("c"));
    timeline.after(10, () => void timeline.sleep(5).then(() => seen.push("b")));
    timeline.after(10, () => seen.push("a"));
    timeline.after(20, () => seen.push("never"))();
    timeline.runUntil(25);
    expect(seen).toEqual(["a", "b"]);
    expect(timeline.now()).toBe(25);
    timeline.runUntil(30);
    expect(seen).toEqual(["a", "b", "c"]);
  });

  test("V4 a failure is shrunk to the parts that it needs", async () => {
    const plan = drawPlan(3);
    const needed = plan.operations[5];
    if (!needed) throw new Error("The plan is too short for this test");
    const fails = async ({ operations, nodes }: Plan): Promise<boolean> => operations.includes(needed) && nodes >= 1;
    const smallest = await shrink(plan, fails);
    expect(smallest.operations).toEqual([needed]);
    expect([smallest.nodes, smallest.tenants.length, smallest.users.length, smallest.devices.length]).toEqual([
      1, 1, 2, 1,
    ]);
    expect(smallest.faults).toMatchObject({ writeFailsBefore: 0, storeMs: 0, linkMs: 1, timerLateMs: 0 });
  });
});

describe("simulation", () => {
  let database: SimDatabase;
  beforeAll(async () => {
    database = await openDatabase();
  });
  afterAll(async () => await database.close());

  test(`V2 V20 V21 V22 D1 D3 D30 D31 D32 O1 O2 O3 O4 O5 O6 O7 O8 O9 O10 Q2 Q3 Q4 Q80 T5 T6 S46 S47 P75 R3 R8 H11 E22 F11 B1 B2 B3 B6 U2 U3 U4 U5 U6 U8 U9 worlds ${first} to ${first + seeds - 1} keep every promise`, async () => {
    const { tried, violations, facts } = await proof.run({
      from: first,
      count: seeds,
      isOver: () => false,
      say: (text) => console.log(`simulation: ${text}`),
    });
    expect(violations).toEqual([]);
    expect(tried).toBe(seeds);
    expect(facts["accepted"]).toBeGreaterThan(seeds * 10);
  }, 3_600_000);

  for (const engine of ["embedded", "remote"] as const)
    test(`V1 a seed is a whole world: run twice, it is the same (${engine})`, async () => {
      const run = () => runWorld({ ...drawPlan(5), engine }, database);
      expect(await run()).toEqual(await run());
    });

  describe("regressions", () => {
    const files = [...new Bun.Glob("*.json").scanSync({ cwd: join(import.meta.dir, "regression") })].sort();
    for (const file of files)
      test(`V4 ${file.replace(".json", "").replaceAll("-", " ")} does not come back`, async () => {
        const plan = (await Bun.file(join(import.meta.dir, "regression", file)).json()) as Plan;
        expect((await runWorld(plan, database)).problems).toEqual([]);
      });
  });
});
