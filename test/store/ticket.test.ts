import { afterAll, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createEmbeddedEngine } from "../../src/store/engine/embedded.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { createRemoteEngine } from "../../src/store/engine/remote.ts";
import { bundledMigrations } from "../../src/store/migration/bundled.ts";
import { migrate } from "../../src/store/migration/migrate.ts";
import { createTicketStore } from "../../src/store/ticket-store.ts";
import { watchPlans } from "../support/plans.ts";
import { startSqld } from "../support/sqld.ts";
import { person, storeOn } from "../support/store.ts";

const ends: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

async function embedded(): Promise<readonly Engine[]> {
  const folder = mkdtempSync(join(tmpdir(), "tidings-ticket-"));
  const embedded = createEmbeddedEngine({ path: join(folder, "chat.db") });
  await migrate(embedded, bundledMigrations);
  const engine = watchPlans(embedded);
  ends.push(
    async () => rmSync(folder, { recursive: true, force: true }),
    () => engine.close(),
  );
  return [engine, engine];
}

/** Two nodes on one server. */
async function remote(): Promise<readonly Engine[]> {
  const server = await startSqld();
  const engines = [0, 1].map(() => createRemoteEngine({ url: server.url }));
  ends.push(() => server.stop(), ...engines.map((engine) => () => engine.close()));
  return engines;
}

const now = 1_780_000_000_000;

for (const [name, open] of Object.entries({ "an embedded file": embedded, "a libSQL server": remote }))
  describe(`tickets on ${name}`, () => {
    test("T6 of two nodes that use one ticket at once, one gets it, with the session of its user", async () => {
      const engines = await open();
      const [first] = engines;
      if (!first) throw new Error("There is no engine");
      await storeOn(first);
      const [one, other] = engines.map((engine) => createTicketStore({ engine }));
      if (!one || !other) throw new Error("There are no two nodes");
      for (let i = 0; i < 12; i++) {
        const [tenant, hash] = [`t${i % 2}`, `hash ${i}`];
        const session = { ...person("alice", tenant), ...(i % 3 === 0 && { expiresAt: now + i }) };
        expect(await one.add(session, { hash, expires: now + 1_000, now, perUserMax: 3, provedAfter: 0 })).toBe(
          "added",
        );
        const used = await Promise.all([one.use(hash, now), other.use(hash, now), other.use(hash, now)]);
        expect(used.filter((found) => found !== null)).toEqual([session]);
      }
    });

    test("A29 T1 unused tickets are counted for each user of each tenant, and new ones are issued once they have expired", async () => {
      const [engine] = await open();
      if (!engine) throw new Error("There is no engine");
      await storeOn(engine);
      const tickets = createTicketStore({ engine });
      let given = 0;
      const add = (tenant: string, at: number) =>
        tickets.add(person("alice", tenant), {
          hash: `${given++}`,
          expires: at + 1_000,
          now: at,
          perUserMax: 2,
          provedAfter: 0,
        });
      expect([await add("a", now), await add("a", now), await add("a", now), await add("b", now)]).toEqual([
        "added",
        "added",
        "too many",
        "added",
      ]);
      expect(await add("a", now + 1_000)).toBe("added");
      expect(await tickets.use("0", now + 1_000)).toBeNull();
    });
  });
