import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { getLogger } from "@logtape/logtape";
import { createOutboxBudget } from "../../src/connection/outbox-budget.ts";
import { openRuntime } from "../../src/tenant/runtime.ts";
import { createChat } from "../../src/chat.ts";
import { createHookHealth } from "../../src/hook/hook-health.ts";
import { hooksOf } from "../../src/hook/message-hook.ts";
import { createLimiter } from "../../src/access/limiter.ts";
import { createSightSemaphore } from "../../src/access/policy.ts";
import { createWatchBudget } from "../../src/hub/watch-budget.ts";
import { createCapacity } from "../../src/access/capacity.ts";
import { systemClock } from "../../src/internal/clock.ts";
import { systemRandom } from "../../src/internal/random.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import { ratesOf } from "../../src/protocol/rates.ts";
import { createPushHealth } from "../../src/push/health.ts";
import { createRequestLimit } from "../../src/push/request-limit.ts";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { newEpoch, replaceEpoch } from "../../src/store/epoch.ts";
import { createStore } from "../../src/store/libsql-store.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { migrate } from "../../src/store/migration/migrate.ts";
import type { HistoryChange } from "../../src/store/one-history.ts";
import { selectHead } from "../../src/store/sql.ts";
import type { Store } from "../../src/store/store.ts";
import { createPhones } from "../push/support/phone.ts";
import { fakeClock, passes } from "../support/fake-clock.ts";

const alice = { tenant: "default", user: "alice" };

/** All reads of the position of the log, or of a part of it. */
const reads: Readonly<Record<string, (store: Store) => Promise<unknown>>> = {
  "the head": (store) => store.head(),
  "a page of changes": (store) => store.changes(alice, 0, { rows: 10, bytes: 10_000 }),
  "a stretch of the log": (store) => store.log(0, 10),
  "the start of a device": (store) => store.openDevice(alice, "phone"),
  "a page of undelivered messages": (store) =>
    store.history(alice, { undelivered: "phone", order: { up: 0 }, limit: 10 }),
};

describe("a history that has ended", () => {
  const folder = mkdtempSync(join(tmpdir(), "tidings-ended-"));
  let engine: Engine;
  beforeAll(async () => {
    engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
    await migrate(engine, bundledMigrations);
  });
  afterAll(async () => {
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });

  let changes: HistoryChange[] = [];
  beforeEach(() => void (changes = []));

  function openStore(): Store {
    return createStore({
      ...{ engine, clock: systemClock, random: systemRandom, limits: defaultLimits, onFault: () => {} },
      onHistoryChange: (change) => void changes.push(change),
    });
  }

  const epochNow = async (): Promise<string> => {
    const [[row] = []] = await engine.read([{ sql: "SELECT epoch FROM tidings_head" }]);
    return String(row?.["epoch"]);
  };

  for (const [name, read] of Object.entries(reads))
    test(`D31 is noticed by ${name}: it is answered with nothing of the new one`, async () => {
      const store = openStore();
      await store.openDevice(alice, "phone");
      const epoch = await newEpoch(engine, systemRandom);
      await expect(read(store)).rejects.toMatchObject({ code: "unavailable" });
      expect(changes).toMatchObject([{ type: "renamed", epoch }]);
      expect(store.isCurrent()).toBe(false);
    });

  test("D32 of many that see a database go back one names the new history", async () => {
    const epoch = await epochNow();
    const n = Number.MAX_SAFE_INTEGER;
    await replaceEpoch(engine, { random: systemRandom, epoch, n });
    const named = await epochNow();
    expect(named).not.toBe(epoch);
    await replaceEpoch(engine, { random: systemRandom, epoch, n });
    await replaceEpoch(engine, { random: systemRandom, epoch: named, n: 0 });
    expect(await epochNow()).toBe(named);
  });

  test("D31 a runtime of an ended history asks the database for nothing more", async () => {
    const clock = fakeClock();
    let calls = 0;
    const counted: Engine = {
      read: (statements) => (calls++, engine.read(statements)),
      write: (statements) => (calls++, engine.write(statements)),
      close: async () => {},
    };
    const limits = defaultLimits;
    const runtime = await openRuntime(
      {
        engine: counted,
        bus: undefined,
        log: getLogger(["test"]),
        known: new Map(),
        onLeave() {},
        onHistoryChange() {},
      },
      {
        ...{ clock, random: systemRandom, limits, providers: [createPhones().provider], revalidation: undefined },
        ...{ limiter: createLimiter({ rates: ratesOf(undefined), clock }), capacity: createCapacity(limits) },
        ...{
          budget: createOutboxBudget({ bytesMax: 1_000 }),
          requestLimit: createRequestLimit({ perProviderMax: 1 }),
          health: createPushHealth({ clock: systemClock, onChange: () => {} }),
        },
        hooks: hooksOf({ handle() {} }),
        hookHealth: createHookHealth({ clock, onChange() {} }),
        ...{ watchBudget: createWatchBudget(limits), sight: createSightSemaphore() },
      },
    );
    await clock.advance(60_000);
    expect(calls).toBeGreaterThan(10);
    const gone = runtime.abandon(1_000);
    await clock.advance(2_000);
    await gone;
    calls = 0;
    await clock.advance(600_000);
    expect(calls).toBe(0);
  });
});

describe("a new history that cannot be opened", () => {
  test("R5 D31 a shutdown does not wait for the next try", async () => {
    const folder = mkdtempSync(join(tmpdir(), "tidings-renewal-"));
    const engine = createEmbeddedEngine({ path: join(folder, "chat.db") });
    const clock = fakeClock();
    let tries = 0;
    let fail = (): void => {};
    const chat = createChat({
      database: {
        url: "file:unused",
        open: () => ({
          ...engine,
          async write(statements) {
            // Each try begins by reading the head in a write of its own; the eighth is under way when the chat is closed.
            if (statements.length > 1 || statements[0]?.sql !== selectHead) return await engine.write(statements);
            if (++tries >= 8) await new Promise<void>((resolve) => (fail = resolve));
            throw new Error("The database cannot be reached");
          },
          close: async () => {},
        }),
      },
      authenticate: () => ({ user: "alice" }),
      clock,
    });
    await passes(clock, chat.ready());
    await newEpoch(engine, systemRandom);
    await expect(chat.send({ from: "alice", to: "bob", text: "late" })).rejects.toMatchObject({ code: "unavailable" });
    for (let i = 0; i < 1_000 && tries < 8; i++) await clock.advance(100);
    expect(tries).toBe(8);
    const closing = chat.close();
    fail();
    // The pause after the eighth try would be one to two seconds.
    expect(await passes(clock, closing)).toBeLessThan(1_000);
    await engine.close();
    rmSync(folder, { recursive: true, force: true });
  });
});
