import { describe, expect, test } from "bun:test";
import {
  assumed,
  connectedUntil,
  databasesFor,
  type Figures,
  fullBefore,
  loadOf,
  shares,
} from "../../scripts/bench/scale/model.ts";
import { readKept, readScalePage, scalePageWith } from "../../scripts/bench/scale/page.ts";

/** Round numbers, so that the results can be computed by hand. */
const figures: Figures = {
  connectionBytes: 10_000,
  connectionMicros: 1,
  nodeMessageMicros: 100,
  nodeReturnMicros: 200,
  bystanderMicros: 2,
  commitMs: 2,
  commitMessageMicros: 30,
  databaseMessageMicros: 80,
  databaseReturnMicros: 500,
  fileMessageBytes: 240,
  busMessageBytes: 350,
  dividedNoticeBytes: 20,
  dividedRowsBytes: 1_000,
  dividedAllBytes: 400,
  dividedBystander: 0.5,
  dividedWork: 1.2,
};

describe("the page of the scale", () => {
  test("V6 shows the measurements and the numbers that are calculated from them", () => {
    expect(readScalePage()).toBe(scalePageWith(readScalePage(), readKept()));
  });

  test("control: V6 a page with other figures than the measured ones is found", () => {
    const kept = readKept();
    const name = "idle: each connection";
    const other = { ...kept.measures, [name]: { unit: "bytes", median: 1, min: 1, max: 1 } };
    expect(scalePageWith(readScalePage(), { ...kept, measures: other })).not.toBe(readScalePage());
    const { [name]: _, ...less } = kept.measures;
    expect(() => scalePageWith(readScalePage(), { ...kept, measures: less })).toThrow(name);
  });
});

describe("the model", () => {
  test("V6 a million people who send six messages an hour", () => {
    const load = loadOf(figures, 1_000_000);
    expect(load.messagesPerSecond).toBeCloseTo(1_666.7, 1);
    expect(load.nodes).toBe(20);
    // A node's part of the work, its connections, and all messages of others.
    expect(load.nodeCores).toBeCloseTo((1_666.7 * 120 + 277.8 * 200 + 1_000_000) / 20 / 1e6 + 0.00167, 3);
    expect(load.nodeBytes).toBe(500_000_000);
    // Few nodes do not divide.
    expect(loadOf(figures, 100_000).busBytesPerSecond).toBeCloseTo(166.67 * 350 * 2, -2);
    expect(load.writerShare).toBeCloseTo(0.05, 3);
    expect(load.waitMs).toBeCloseTo(40 / 0.95, 1);
    expect(load.busBytesPerSecond).toBeCloseTo(1_666.7 * (20 * 20 + 1_000 * 2 + 400), -4);
    expect(load.diskBytesPerDay).toBeCloseTo((1_666.7 / 3) * 86_400 * 240, -7);
  });

  test("V6 below the calculated limit no part is full, and above it one is", () => {
    for (const share of Object.values(shares)) {
      const connected = connectedUntil(figures, share);
      expect(share(loadOf(figures, connected * 0.9))).toBeLessThan(1);
      expect(share(loadOf(figures, connected * 1.1))).toBeGreaterThan(1);
    }
  });

  test("V6 divided as calculated no part is more than half full, and with one database less one is", () => {
    for (const connected of [10_000, 3_000_000, 10_000_000]) {
      const count = databasesFor(figures, connected);
      const fullest = (databases: number): number =>
        Math.max(...Object.values(shares).map((share) => share(loadOf(figures, connected / databases))));
      expect(fullest(count)).toBeLessThan(fullBefore);
      if (count > 1) expect(fullest(count - 1)).toBeGreaterThanOrEqual(fullBefore);
    }
    expect(assumed.connectionsPerNode).toBe(50_000);
  });
});
