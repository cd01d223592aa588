import { expect, test } from "bun:test";
import { ChatError } from "../../src/error.ts";
import { createStoreHealth } from "../../src/store/health.ts";

const damage = Object.assign(new Error("x"), { code: "SQLITE_CORRUPT" });

function start() {
  const state = {
    fault: undefined as ChatError | undefined,
    isCurrent: true,
    isUnreadable: false,
    headFails: null as Error | null,
    damages: 0,
    heads: 0,
  };
  const faults: unknown[] = [];
  const health = createStoreHealth({
    engine: { fault: () => state.fault },
    history: {
      isCurrent: () => state.isCurrent,
      isUnreadable: () => state.isUnreadable,
      async head() {
        state.heads++;
        if (state.headFails) throw state.headFails;
        return { epoch: "e", n: 7, level: 2 };
      },
    },
    onFault: (fault) => void faults.push(fault),
    onDamage: () => void state.damages++,
  });
  const read = async (error?: Error): Promise<string> =>
    await health
      .guarded(async () => {
        if (error) throw error;
        return "rows";
      })
      .catch((fault: unknown) => (fault instanceof ChatError ? fault.code : "error"));
  return { health, state, faults, read, settled: () => Bun.sleep(0) };
}

test("S20 a read that fails by itself is unavailable, and the smallest read shows that the store works", async () => {
  const { health, state, faults, read, settled } = start();
  expect([await read(), health.trouble()]).toEqual(["rows", null]);
  expect(await read(new Error("odd"))).toBe("unavailable");
  await settled();
  expect([health.trouble(), faults.length, state.heads]).toEqual([null, 1, 1]);
});

test("K3 while no read works the store says so, until one works", async () => {
  const { health, state, read, settled } = start();
  state.headFails = new Error("down");
  await read(new Error("down"));
  await settled();
  expect(health.trouble()).toBe("reads");
  state.headFails = null;
  expect(await health.head()).toEqual({ epoch: "e", n: 7 });
  expect(health.trouble()).toBeNull();
  state.headFails = new Error("down");
  expect(await health.head().catch(() => "failed")).toBe("failed");
  expect(health.trouble()).toBe("reads");
});

test("D26 a damaged database stays damaged, also where other reads work", async () => {
  const { health, state, read, settled } = start();
  await read(damage);
  await settled();
  await read();
  expect([health.trouble(), state.damages, await read(), await health.head()]).toEqual([
    "damaged",
    1,
    "rows",
    { epoch: "e", n: 7 },
  ]);
  await read(new Error("another"));
  expect(state.damages).toBe(2);
});

test("D24 a fault of the file is reported once, and again after it was over", async () => {
  const { health, state, faults } = start();
  state.fault = new ChatError("database_unfit", "moved");
  expect([health.trouble(), health.trouble(), faults.length]).toEqual(["file", "file", 1]);
  state.fault = undefined;
  expect(health.trouble()).toBeNull();
  state.fault = new ChatError("database_unfit", "moved");
  await health.head();
  expect(faults.length).toBe(2);
});

test("D31 S40 another history, and a log of a newer release, are named; what the log holds is reported elsewhere", async () => {
  const { health, state, faults, read } = start();
  state.isCurrent = false;
  expect(health.trouble()).toBe("history");
  state.isUnreadable = true;
  expect(health.trouble()).toBe("level");
  await read(new Error("x"));
  expect(faults).toEqual([]);
  health.noteFault(damage);
  expect(health.trouble()).toBe("damaged");
});
