import { describe, expect, test } from "bun:test";
import type { Store } from "../../../src/store/store.ts";
import { plant } from "../../plants/index.ts";
import { goneIn, sourceMutants, sqlMutants } from "./mutant.ts";
import { findBySource, findBySql, keptSights, keysInSource, predicatesInSql } from "./mutate.ts";
import { proof } from "./proof.ts";
import { compareHidden, compareTenants, type Plant } from "./tenants.ts";

/** `bun run prove tenants` runs as many as time allows. */
const scripts = 1;
/** A mutant counts as not found when this many scripts do not show it. */
const scriptsOfMutant = 80;

/** The first violation that the scripts show. */
async function find(compare: typeof compareTenants, plant: Plant): Promise<string> {
  for (let seed = 1; seed <= scriptsOfMutant; seed++) {
    const [violation] = await compare(seed, "everything", plant);
    if (violation !== undefined) return violation;
  }
  return "nothing";
}

const planted = (bug: (store: Store) => Partial<Store>): Plant => ({
  wrapStore: (store) => ({ ...store, ...bug(store) }),
});

/** Files with a tenant test elsewhere: test/push/provider/onesignal.test.ts, U15 T1; test/push/routes.test.ts, U25 T1; test/protocol/user-header.test.ts, Q85 T1. */
const shownElsewhere = ["push/provider/onesignal.ts", "http/route/devices.ts", "protocol/user-header.ts"];

describe("isolation", () => {
  test(`T1 T3 T4 over ${scripts} script of each kind no user sees another tenant's acts, or others' data`, async () => {
    const { tried, violations } = await proof.run({ from: 1, count: scripts, isOver: () => false, say: () => {} });
    expect(violations).toEqual([]);
    expect(tried).toBe(scripts);
  });

  test("T1 every comparison with a tenant in the store's SQL has its mutant", () => {
    const known = sqlMutants.map(({ statement, predicate }) => `${statement}: ${predicate}`);
    expect(predicatesInSql().toSorted()).toEqual(known.toSorted());
  });

  test("T1 every text made of a tenant, such as the key of a map, has its mutant", () => {
    const edits = sourceMutants.flatMap((name) => plant(name));
    const missing = keysInSource().filter(
      ({ file, key }) =>
        !shownElsewhere.includes(file) && !edits.some((one) => one.file === file && one.from.includes(key)),
    );
    expect(missing).toEqual([]);
    expect(keysInSource().length).toBeGreaterThan(8);
  });
});

describe("mutants", () => {
  for (const mutant of sqlMutants.filter(({ harmless, foundBy }) => (harmless ?? foundBy) === undefined)) {
    const gone = goneIn(mutant);
    const names = gone.map(({ statement, predicate }) => `${statement} without ${predicate}`);
    test(`control: T1 ${names.join(" and ")} is found`, async () => {
      expect((await findBySql(gone))?.violation).toMatch(/^T[13]: /);
    });
  }

  for (const mutant of sourceMutants)
    test(`control: T1 it is found that ${mutant}`, async () => {
      expect((await findBySource(mutant))?.violation).toMatch(/^T[13]: /);
    });

  test("T1 without a mutant, the scripts that show the mutants show nothing", async () => {
    for (const { script, kind, steps } of keptSights)
      expect([script, kind, steps, await compareTenants(script, kind, { steps, isKept: true })]).toEqual([
        script,
        kind,
        steps,
        [],
      ]);
  });

  test("control: T1 a predicate that is no longer there makes its mutant fail loudly", async () => {
    await expect(findBySql([{ statement: "selectMembers", predicate: "x.tenant = ?1" }])).rejects.toThrow(
      "has not exactly one",
    );
  });

  test("control: T3 a store that takes every user for a member of a conversation is found", async () => {
    const everybody = planted((store) => ({
      members: async (tenant, conversation) =>
        (await store.members(tenant, conversation)) === null ? null : ["alice", "bob", "carol"],
    }));
    expect(await find(compareTenants, everybody)).toMatch(/^T3: /);
  });

  test("control: T4 a store that answers differently for others' data than for missing data is found", async () => {
    const leaky = planted((store) => ({
      append: (send, settle) =>
        store.append(send, (outcome) => {
          if (outcome.type !== "refused" || outcome.code !== "not_found") return settle(outcome);
          void store
            .members(send.tenant, send.conversation ?? "")
            .then((people) => settle(people === null ? outcome : { type: "refused", code: "conflict" }));
        }),
    }));
    expect(await find(compareHidden, leaky)).toMatch(/^T4: /);
  });
});
