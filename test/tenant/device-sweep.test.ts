import { expect, test } from "bun:test";
import type { SweptTo } from "../../src/store/push/device-store.ts";
import { createDeviceSweep } from "../../src/tenant/device-sweep.ts";
import { fakeClock } from "../support/fake-clock.ts";

const limits = { deviceForgetMs: 1_000, deviceSweepMs: 100 };

test("S47 the sweep goes on where it ended, begins anew at the end, survives a failure, and ends when it is stopped", async () => {
  const clock = fakeClock();
  const begun = clock.now();
  const middle: SweptTo = { seen: 1, user: 2, device: "phone" };
  const answers: (SweptTo | null | Error)[] = [middle, new Error("away"), null, middle];
  const asked: unknown[] = [];
  const faults: unknown[] = [];
  const sweep = createDeviceSweep({
    ...{ clock, limits, report: (error) => void faults.push(error) },
    store: {
      devices: {
        async sweep({ before, after }) {
          asked.push([before - begun, after]);
          const answer = answers.shift() ?? null;
          if (answer instanceof Error) throw answer;
          return answer;
        },
      },
    },
  });
  expect(asked).toEqual([]);
  for (let i = 0; i < 4; i++) await clock.advance(100);
  expect(asked).toEqual([
    [-900, null],
    [-800, middle],
    [-700, middle],
    [-600, null],
  ]);
  expect(faults).toHaveLength(1);
  sweep.stop();
  await clock.advance(1_000);
  expect(asked).toHaveLength(4);
});
