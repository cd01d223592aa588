import { describe, expect, test } from "bun:test";
import { classesOf } from "../checker/checker.ts";
import { plantedStart } from "../../support/server.ts";
import { testFolders } from "../../support/test-folders.ts";
import { crashLoop, type CrashLoopVerdict } from "./crash-loop.ts";
import type { Plant } from "./planted-server.ts";
import { tryDatabase } from "./proof.ts";
import { countUnseen } from "./witness.ts";
import { deadline } from "../../support/deadline.ts";

const rounds = Number(process.env["ROUNDS"] ?? "6");
const seed = Number(process.env["SEED"] ?? "6");
/** Of the planted servers: its first rounds end late, under full load. */
const plantedSeed = 7;
/** Runs of a planted server until one of them shows the bug. */
const triesMax = 8;

const folder = testFolders();
const startPlanted = plantedStart(import.meta.dir);

describe("kill -9", () => {
  test(
    `D1 D4 O1 O2 O3 O4 R5 over ${rounds} crashes and shutdowns nothing accepted is lost, doubled or moved (SEED=${seed})`,
    async () => {
      const facts: Record<string, number> = {};
      expect(await tryDatabase({ seed, rounds, facts })).toEqual([]);
      expect(facts["accepted"]).toBeGreaterThan(rounds * 10);
      // Without ROUNDS and SEED some rounds are certainly shutdowns, and some late enough for retries.
      if (process.env["SEED"] === undefined) expect(facts["shutdowns"]).toBeGreaterThan(0);
      expect(facts["retries"]).toBeGreaterThan(0);
    },
    deadline.testMs + rounds * 10_000,
  );

  type Planted = { rounds: number; gracefulShare: number; exitMsMax?: number };
  const runPlanted = (plant: Plant, options: Planted): Promise<CrashLoopVerdict> =>
    crashLoop({ start: startPlanted(plant), dir: folder(), seed: plantedSeed, answeredShare: 1, ...options });

  /** Whether an end comes between an answer and its commit is decided anew each time, most often within the first few. */
  async function untilLost(plant: Plant, options: Planted): Promise<CrashLoopVerdict> {
    const complaints: string[] = [];
    for (let tries = 1; ; tries++) {
      const verdict = await runPlanted(plant, options);
      complaints.push(...verdict.complaints);
      if (tries === triesMax || classesOf(verdict.faults).includes("lost")) return { ...verdict, complaints };
    }
  }

  test("control: D1 a server that answers accepted before the commit is caught with lost", async () => {
    const { faults } = await untilLost("early", { rounds: 2, gracefulShare: 0 });
    expect(classesOf(faults)).toContain("lost");
  });

  test("control: O1 a server that stores a retry as a new message is caught", async () => {
    const { complaints } = await runPlanted("forgetful", { rounds: 2, gracefulShare: 0 });
    expect(complaints.filter((text) => text.startsWith("a retry of"))).not.toEqual([]);
  });

  test("control: R5 a server that ignores SIGTERM is caught", async () => {
    const { complaints } = await runPlanted("deaf", { rounds: 1, gracefulShare: 1, exitMsMax: 500 });
    expect(complaints.join("\n")).toContain("SIGTERM: the exit was late, not 0 within 500 ms");
  });

  test("control: R5 a server that ends on SIGTERM before its commits and farewells is caught", async () => {
    const { faults, complaints } = await untilLost("hasty", { rounds: 2, gracefulShare: 1 });
    expect(classesOf(faults)).toContain("lost");
    expect(complaints.join("\n")).toContain("not 1012");
  });

  test("control: D4 the witness does not see what is not committed", async () => {
    expect(await countUnseen({ start: startPlanted("early"), dir: folder(), messages: 5 })).toBeGreaterThan(0);
  });
});
