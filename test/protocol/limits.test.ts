import { expect, test } from "bun:test";
import { defaultLimits, type Limits, validateLimits } from "../../src/protocol/limits.ts";

const fault = (limits: Partial<Limits>) => validateLimits({ ...defaultLimits, ...limits });

test("K10 the default limits fit together, and so do the last values that are allowed", () => {
  expect(fault({})).toBeNull();
  expect(fault({ pushLeaseMs: 100, hookLeaseMs: 100, databasesMax: 1, presenceGraceMs: 0 })).toBeNull();
  const least = 6 * defaultLimits.textBytesMax + 32_768;
  expect(fault({ outboxBytesMax: least })).toBeNull();
  expect(fault({ outboxBytesMax: least - 1 })).toContain(`at least ${least}`);
});

test("K10 a limit that is no number, negative, or does not fit another one is named", () => {
  for (const value of [Number.NaN, Infinity, -1, "9" as unknown as number])
    expect(fault({ heartbeatMs: value })).toContain("heartbeatMs is ");
  expect(fault({ pushLeaseMs: 99 })).toContain("pushLeaseMs is 99");
  expect(fault({ hookLeaseMs: 99 })).toContain("hookLeaseMs is 99");
  expect(fault({ databasesMax: 0 })).toContain("databasesMax is 0");
  // A larger frame of changes needs more room too.
  expect(fault({ changesBytesMax: defaultLimits.outboxBytesMax })).toContain("outboxBytesMax is ");
});
