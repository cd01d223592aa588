import { afterAll, beforeAll, expect, test } from "bun:test";
import { createPeopleReader } from "../../../src/store/read/people-reader.ts";
import { openSmallStore } from "../../support/small-store.ts";
import { accepted, person } from "../../support/store.ts";

let small: Awaited<ReturnType<typeof openSmallStore>>;
let reader: ReturnType<typeof createPeopleReader>;
const alice = person("alice");

beforeAll(async () => {
  small = await openSmallStore();
  reader = createPeopleReader({ engine: small.engine });
  await small.store.relate(alice, [
    { other: "bob", contact: true },
    { other: "eve", blocked: true },
    { other: "carol", contact: true },
  ]);
  await accepted(small.store, { from: "alice", to: "dave" });
});
afterAll(() => small.close());

test("B3 T4 relationships are answered in the order of the question, from either side, alike for users who do not exist", async () => {
  const none = { hasBlocked: false, isBlocked: false, isContact: false, hasConversation: false };
  expect(await reader.relationships(alice, ["nobody", "eve", "bob", "dave"])).toEqual([
    none,
    { ...none, hasBlocked: true },
    { ...none, isContact: true },
    { ...none, hasConversation: true },
  ]);
  expect(await reader.relationships(person("eve"), ["alice"])).toEqual([{ ...none, isBlocked: true }]);
  expect(await reader.relationships(person("bob"), ["alice"])).toEqual([{ ...none, isContact: true }]);
  expect(await reader.relationships(person("alice", "other"), ["bob"])).toEqual([none]);
});

test("B4 contacts and blocks are listed by name, and a page says after which name to go on", async () => {
  const page = (which: "contact" | "blocked", after = "", limit = 10) => reader.people(alice, { which, after, limit });
  expect([await page("contact"), await page("blocked")]).toEqual([{ users: ["bob", "carol"] }, { users: ["eve"] }]);
  expect([await page("contact", "", 1), await page("contact", "bob", 1), await page("contact", "carol")]).toEqual([
    { users: ["bob"], next: "bob" },
    { users: ["carol"] },
    { users: [] },
  ]);
  expect([
    await reader.isContact(alice, "bob"),
    await reader.isContact(alice, "eve"),
    await reader.isContact(person("bob"), "alice"),
  ]).toEqual([true, false, false]);
});

test("B5 relations are counted up to a bound, and those that a user does not have yet", async () => {
  const count = (user: string, others: string[], most = 100) => reader.countRelations(person(user), { others, most });
  expect([await count("alice", ["bob", "new"]), await count("alice", [], 2)]).toEqual([
    { present: 3, missing: 1 },
    { present: 2, missing: 0 },
  ]);
  expect(await count("nobody", ["bob", "new"])).toEqual({ present: 0, missing: 2 });
});
