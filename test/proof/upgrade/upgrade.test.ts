import { afterEach, expect, test } from "bun:test";
import { openEngine } from "../../../src/store/engine/open.ts";
import { bundledMigrations } from "../../../src/store/migration/bundled.ts";
import { migrate } from "../../../src/store/migration/migrate.ts";
import { plant, type PlantName } from "../../plants/index.ts";
import { endClients } from "../../support/client.ts";
import { expandedSchema, fillAsBefore } from "../../support/database-of-before.ts";
import { deadline } from "../../support/deadline.ts";
import { describeWith } from "../../support/prerequisite.ts";
import { createStartOfReleaseBefore } from "../../support/release-before.ts";
import { startServer } from "../../support/server.ts";
import { startSqld } from "../../support/sqld.ts";
import { describeFaults } from "../checker/checker.ts";
import { runRoll } from "./roll.ts";

const seed = Number(process.env["SEED"] ?? "1");
const users = Number(process.env["USERS"] ?? "3");
/** Messages of each of 450 conversations that the migrations fill in. */
const before = Number(process.env["BEFORE"] ?? "40");
const say = process.env["UPGRADE_SAY"] ? console.log : undefined;

afterEach(() => endClients());

describeWith("nats-server", "three nodes of the release before are upgraded one after another, in use", () => {
  for (const ending of ["SIGTERM", "SIGKILL"] as const)
    test(
      `S50 O1 O2 O3 O4 O9 D1 D6 each ended by ${ending}: nothing is lost, doubled or reordered, and marks are right (SEED=${seed})`,
      async () => {
        const { faults, complaints, facts } = await runRoll({
          ...{ seed, ending, users, before, isBack: ending === "SIGTERM" },
          ...(say && { say }),
        });
        if (faults.length > 0) throw new Error(describeFaults(faults));
        expect(complaints).toEqual([]);
        expect(facts["accepted"]).toBeGreaterThan(300);
        expect(facts["written"]).toBeGreaterThan(30);
        // As long as a call of the database may take: after that a node answers that it is unavailable.
        expect(facts["expandSilentMs"]).toBeLessThan(10_000);
        say?.(JSON.stringify(facts));
      },
      deadline.testMs,
    );

  test("M6 a node of before that has ended does not start again on the new schema, and one of the new release does", async () => {
    const old = createStartOfReleaseBefore();
    const sqld = await startSqld();
    const engine = openEngine({ url: sqld.url });
    try {
      await fillAsBefore(engine, { messages: 100 });
      const env = { DATABASE_URL: sqld.url };
      await (await old.start({ env })).dispose();
      await migrate(engine, bundledMigrations, { to: { version: expandedSchema } });
      await expect(old.start({ env })).rejects.toThrow("migration_refused");
      await (await startServer({ env })).dispose();
    } finally {
      await engine.close();
      await sqld.stop();
      old.dispose();
    }
  });

  const bugs: readonly PlantName[] = [
    "old nodes store messages that do not know each other",
    "a conversation stays in its period",
  ];
  for (const bug of bugs)
    test(
      `control: S50 it is found that ${bug}`,
      async () => {
        const { faults, complaints } = await runRoll({
          ...{ seed, ending: "SIGKILL", users: 2, alterations: plant(bug), liveMsMax: deadline.firstFailureMs },
          ...(say && { say }),
        });
        say?.([...complaints, describeFaults(faults)].join("\n"));
        // By what clients saw: rows alone would not show that it matters.
        const seen = complaints.filter((text) => /past0|conversation with|the list at|left out/.test(text));
        expect(faults.length + seen.length).toBeGreaterThan(0);
      },
      deadline.testMs,
    );
});
