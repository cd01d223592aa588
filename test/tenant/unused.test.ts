import { expect, test } from "bun:test";
import type { Entry } from "../../src/tenant/entry.ts";
import { isWorking, longestUnused, mayGiveWay } from "../../src/tenant/unused.ts";
import { fakeClock, passes } from "../support/fake-clock.ts";

type Fields = {
  usedAt?: number;
  quietSince?: number;
  isIdle?: boolean;
  isQuiet?: boolean;
  isWorking?: boolean | "never" | "fails";
  type?: string;
};
const limits = { databaseStayMs: 100 };

const entry = ({
  usedAt = 0,
  quietSince = 0,
  isIdle = false,
  isQuiet = false,
  isWorking: work = false,
  type = "open",
}: Fields) =>
  ({
    state: {
      type,
      database: {
        isWorking: () =>
          work === "never"
            ? new Promise(() => {})
            : work === "fails"
              ? Promise.reject(new Error("x"))
              : Promise.resolve(work),
      },
    },
    ...{
      usedAt: () => usedAt,
      quietSince: () => quietSince,
      isIdleFor: () => isIdle,
      isQuietFor: (ms: number) => isQuiet && ms === limits.databaseStayMs,
    },
  }) as unknown as Entry;

async function longest(all: Readonly<Record<string, Fields>>): Promise<string | undefined> {
  const entries = new Map(Object.entries(all).map(([name, fields]) => [name, entry(fields)]));
  const clock = fakeClock(0);
  const found = longestUnused(entries, { clock, limits });
  await passes(clock, found, 1_000);
  const result = await found;
  return [...entries].find(([, one]) => one === result)?.[0];
}

test("R24 the database that was idle longest gives way, else the one that was quiet longest", async () => {
  const idle = { a: { isIdle: true, usedAt: 5 }, b: { isIdle: true, usedAt: 3 }, c: { isQuiet: true, quietSince: 1 } };
  expect(await longest(idle)).toBe("b");
  expect(await longest({ a: { isQuiet: true, quietSince: 5 }, b: { isQuiet: true, quietSince: 3 }, c: {} })).toBe("b");
  expect(await longest({ a: {}, b: {} })).toBeUndefined();
});

test("K72 R24 one with work left gives way only where there is no other", async () => {
  expect(await longest({ a: { isIdle: true, usedAt: 1, isWorking: true }, b: { isIdle: true, usedAt: 2 } })).toBe("b");
  // It must not keep other tenants out, and an idle one comes before a quiet one.
  expect(await longest({ a: { isIdle: true, isWorking: true }, b: { isQuiet: true } })).toBe("a");
  // Beyond the first eight that are asked.
  const many = Object.fromEntries(
    Array.from({ length: 12 }, (_, i) => [`d${i}`, { isIdle: true, usedAt: i, isWorking: i !== 10 }]),
  );
  expect(await longest(many)).toBe("d10");
});

test("K72 a database that does not say whether it has work counts as working, one that is not open does not", async () => {
  const clock = fakeClock(0);
  const of = (fields: Fields) => isWorking(entry(fields), clock);
  expect([
    await of({ isWorking: true }),
    await of({}),
    await of({ isWorking: "fails" }),
    await of({ type: "closing", isWorking: true }),
  ]).toEqual([true, false, true, false]);
  const silent = of({ isWorking: "never" });
  await passes(clock, silent, 100);
  expect(await silent).toBe(true);
});

test("R24 a database may be closed for another one while it is idle, or quiet for long enough", () => {
  expect([{ isIdle: true }, { isQuiet: true }, {}].map((fields) => mayGiveWay(entry(fields), limits))).toEqual([
    true,
    true,
    false,
  ]);
});
