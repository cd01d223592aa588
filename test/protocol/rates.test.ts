import { expect, test } from "bun:test";
import { defaultRates, validateRates } from "../../src/protocol/rates.ts";

test("A30 a table that cannot be kept is named, a removed rate names its successor, and the default one can be kept", () => {
  expect(validateRates()).toBeNull();
  expect(validateRates(defaultRates)).toBeNull();
  expect(validateRates({ sends: { user: { burst: 0, perS: 1 } } })).toContain("sends.user");
  expect(validateRates({ work: { address: { burst: 5, perS: Number.NaN } } })).toContain("work.address");
  expect(validateRates({ work: { user: { burst: 0.5, perS: 1 } } })).toContain("work.user");
  expect(validateRates({ lookups: { user: null } } as object)).toContain("lookups is no rate; ");
  expect(validateRates({ connects: {} } as object)).toContain("set work");
});
