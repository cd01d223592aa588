import { describe, expect, test } from "bun:test";
import { Heartbeat } from "../../src/connection/heartbeat.ts";
import type { Clock } from "../../src/internal/clock.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";

const limits = { ...defaultLimits, heartbeatMs: 1_000, slowConsumerMs: 3_000 };
const idle = { isBlocked: false, isPaused: false };

describe("heartbeat", () => {
  /** The outcome of a beat after this time, on a machine with a clock that was set meanwhile. */
  function after(elapsedMs: number, jumpMs: number, standing = idle) {
    let [now, elapsed] = [1_780_000_000_000, 0];
    const clock: Clock = { now: () => now, elapsed: () => elapsed, after: () => () => {}, defer: () => {} };
    const heartbeat = new Heartbeat({ awake: clock, limits });
    heartbeat.beat(standing);
    elapsed += elapsedMs;
    now += elapsedMs + jumpMs;
    return heartbeat.beat(standing);
  }

  for (const jumpMs of [-3_600_000, 0, 3_600_000])
    test(`R4 R8 deadlines are those of time that passed, with a clock set by ${jumpMs} ms`, () => {
      expect(after(500, jumpMs)).toBe("fine");
      expect(after(1_500, jumpMs)).toBe("ping");
      expect(after(2_500, jumpMs)).toBe("silent");
      expect(after(2_500, jumpMs, { ...idle, isBlocked: true })).toBe("stuck");
      expect(after(4_000, jumpMs, { isBlocked: true, isPaused: true })).toBe("stuck");
    });

  test("R4 H9 a peer that the server does not read is not silent; once read again it has a heartbeat to be heard", () => {
    let elapsed = 0;
    const clock: Clock = { now: () => 0, elapsed: () => elapsed, after: () => () => {}, defer: () => {} };
    const heartbeat = new Heartbeat({ awake: clock, limits });
    for (let i = 0; i < 20; i++) {
      elapsed += 500;
      expect(heartbeat.beat({ ...idle, isPaused: true })).not.toBe("silent");
    }
    elapsed += 900;
    expect(heartbeat.beat(idle)).not.toBe("silent");
    elapsed += 200;
    expect(heartbeat.beat(idle)).toBe("silent");
  });

  test("G2 where pongs are hidden, only a peer that has sent a ping frame must be heard; one that takes nothing is stuck all the same", () => {
    let elapsed = 0;
    const clock: Clock = { now: () => 0, elapsed: () => elapsed, after: () => () => {}, defer: () => {} };
    const heartbeat = new Heartbeat({ awake: clock, limits }, { arePongsHidden: true });
    elapsed = 2_500;
    expect(heartbeat.beat(idle)).toBe("ping");
    heartbeat.beat({ ...idle, isBlocked: true });
    elapsed = 6_000;
    expect(heartbeat.beat({ ...idle, isBlocked: true })).toBe("stuck");
    heartbeat.requirePongs();
    expect(heartbeat.beat(idle)).toBe("silent");
    heartbeat.heard();
    expect(heartbeat.beat(idle)).not.toBe("silent");
  });
});
