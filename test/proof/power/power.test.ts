import { describe, expect, test } from "bun:test";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { describeWith } from "../../support/prerequisite.ts";
import { plantedStart, startServer } from "../../support/server.ts";
import { loseFound } from "./found.ts";
import type { Plant } from "./plant.ts";
import { tryRun, tryTrace } from "./proof.ts";
import { compare, memoryFolder, recordRun } from "./record.ts";
import { compileShim } from "./shim.ts";

const seed = Number(process.env["SEED"] ?? "1");
const points = Number(process.env["POINTS"] ?? "14");
/** A saved trace: it is replayed in place of a new run. */
const kept = process.env["TRACE"];

const startPlanted = plantedStart(import.meta.dir);

/** The shim is for Linux: there LD_PRELOAD sees a process's changes to its files. */
const describeHere = process.platform === "linux" ? describeWith : (_: string, title: string) => describe.skip(title);

describeHere("gcc", "power loss", () => {
  test(`D2 O1 O2 accepted messages survive a power loss at any of ${points} instants (SEED=${seed})`, async () => {
    if (kept !== undefined) return expect(await tryTrace({ file: kept, seed, points })).toEqual([]);
    const run = { start: startServer, seed, starts: 3, messages: 400, isKept: true };
    const { tried, violations, facts } = await tryRun({ ...run, points });
    expect(violations).toEqual([]);
    expect(tried).toBe(points);
    expect(facts["accepted"]).toBeGreaterThan(400);
    expect(facts["checkpoints"]).toBeGreaterThan(1);
  }, 600_000);

  for (const plant of ["NORMAL", "OFF"] as const)
    test(`control: D2 a server with synchronous=${plant} loses accepted messages`, async () => {
      const run = { start: startPlanted(plant), seed: 1, starts: 2, messages: 150 };
      const { violations } = await tryRun({ ...run, points: 12 });
      expect(violations.filter((text) => / \d+ lost/.test(text))).not.toEqual([]);
    });

  /** One database for each fsync at which the first process ends: those of its later rows. */
  async function loseAllFound(plant?: Plant) {
    const folder = memoryFolder();
    try {
      const shim = await compileShim(folder);
      const losses = [];
      for (const killAtSync of [11, 12, 13]) {
        const own = join(folder, String(killAtSync));
        mkdirSync(own);
        losses.push(await loseFound({ folder: own, shim, killAtSync, ...(plant === undefined ? {} : { plant }) }));
      }
      return losses;
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  }

  test("E21 D2 writes of a killed process are synced before the next one reports them", async () => {
    const losses = await loseAllFound();
    expect(losses.filter(({ reported }) => reported > 0).length).toBeGreaterThan(1);
    expect(losses.filter(({ reported, there }) => there !== reported)).toEqual([]);
  });

  test("control: E21 D2 an engine that trusts found data reports rows that a power loss then takes", async () => {
    const losses = await loseAllFound("trusting");
    expect(losses.filter(({ reported, there }) => there < reported)).not.toEqual([]);
  });

  test("control: D2 a trace that lacks one change is noticed", async () => {
    const folder = memoryFolder();
    try {
      const shim = await compileShim(folder);
      const run = join(folder, "run");
      mkdirSync(run);
      const { records } = await recordRun(run, { start: startServer, shim, seed: 1, starts: 1, messages: 10 });
      compare(records, run);
      // At the end the database is one file: its last writes are still there.
      const last = records.findLast((record) => record.type === "write");
      const without = records.filter((record) => record !== last);
      expect(() => compare(without, run)).toThrow("The trace has");
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});
