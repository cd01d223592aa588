import { expect, test } from "bun:test";
import { createLog } from "../../src/internal/logger.ts";
import { defaultLimits } from "../../src/protocol/limits.ts";
import type { Database } from "../../src/tenant/database.ts";
import { createPerTenant } from "../../src/tenant/per-tenant.ts";
import { fakeClock } from "../support/fake-clock.ts";

function start() {
  const clock = fakeClock(0);
  const state = { fails: false, urlOf: (tenant: string) => `libsql://${tenant}` };
  const events: string[] = [];
  const databases = createPerTenant<{ url: string }>({
    databaseOf: (tenant) => (tenant === "nobody" ? null : { url: state.urlOf(tenant) }),
    ...{
      clock,
      random: { integer: () => 0 },
      log: createLog(["tidings"]),
      limits: { ...defaultLimits, databaseIdleMs: 1_000, databasesMax: 5 },
    },
    async open({ url }) {
      events.push(`open ${url}`);
      if (state.fails) throw new Error("planted");
      return {
        ...{ url, isEmpty: () => true, isWorking: async () => false, quietMs: () => 0, released: Promise.resolve() },
        ...{
          counts: () => ({ applied: 1, read: 2 }),
          sizes: () => ({ sockets: 3 }),
          close: async () => void events.push(`close ${url}`),
        },
      } as unknown as Database;
    },
  });
  const codeOf = async (work: () => unknown): Promise<unknown> => {
    try {
      await work();
      return "done";
    } catch (error) {
      return error instanceof Error && "code" in error ? error.code : error;
    }
  };
  return { clock, state, events, databases, codeOf };
}

test("K11 a database is opened at the first demand, once for all of its tenants, and held by each call", async () => {
  const { clock, state, events, databases } = start();
  state.urlOf = (tenant) => (tenant === "c" ? "libsql://c" : "libsql://shared");
  const handles = await Promise.all(["a", "b", "a", "c"].map((tenant) => databases.lease(tenant)));
  expect([events.toSorted(), handles[0]?.database === handles[1]?.database]).toEqual([
    ["open libsql://c", "open libsql://shared"],
    true,
  ]);
  expect([databases.counts(), databases.sizes()]).toEqual([
    { applied: 2, read: 4 },
    { databases: 2, tenants: 3, refusals: 0, sockets: 6 },
  ]);
  await clock.advance(10_000);
  expect(events).toHaveLength(2);
  for (const { release } of handles) release();
  await clock.advance(10_000);
  expect([events.slice(2).toSorted(), databases.sizes()]).toEqual([
    ["close libsql://c", "close libsql://shared"],
    { databases: 0, tenants: 0, refusals: 0 },
  ]);
});

test("K11 one that is closing is opened again after its end, where the host says it is now", async () => {
  const { clock, state, events, databases } = start();
  (await databases.lease("a")).release();
  await clock.advance(5_000);
  state.urlOf = () => "libsql://moved";
  await databases.lease("a");
  expect(events).toEqual(["open libsql://a", "close libsql://a", "open libsql://moved"]);
});

test("K11 a failed opening is answered to all until its pause is over, and the pauses grow", async () => {
  const { clock, state, events, databases, codeOf } = start();
  state.fails = true;
  const lease = () => databases.lease("a");
  expect([await codeOf(lease), await codeOf(lease), events.length]).toEqual(["unavailable", "unavailable", 1]);
  await clock.advance(2_000);
  expect([await codeOf(lease), events.length]).toEqual(["unavailable", 2]);
  state.fails = false;
  await clock.advance(2_000);
  expect([await codeOf(lease), await codeOf(() => databases.lease("nobody"))]).toEqual(["done", "unavailable"]);
});

test("K11 an admitted socket finds its database when it opens, and none that was closed meanwhile", async () => {
  const { clock, events, databases, codeOf } = start();
  expect(await codeOf(() => databases.connect("a"))).toBe("unavailable");
  const database = await databases.admit("a");
  await clock.advance(9_000);
  expect([databases.connect("a") === database, events]).toEqual([true, ["open libsql://a"]]);
  await clock.advance(20_000);
  expect([events.at(-1), await codeOf(() => databases.connect("a"))]).toEqual(["close libsql://a", "unavailable"]);
});

test("K4 a shutdown closes all, and takes nothing more", async () => {
  const { clock, events, databases, codeOf } = start();
  await databases.lease("a");
  await databases.close(1_000);
  expect([
    events.at(-1),
    await codeOf(() => databases.lease("b")),
    await codeOf(databases.ready),
    databases.trouble(),
  ]).toEqual(["close libsql://a", "unavailable", "done", null]);
  await clock.advance(60_000);
});
