import { afterAll, beforeAll, expect, test } from "bun:test";
import { openSmallStore } from "../../support/small-store.ts";
import { accepted, newId, person } from "../../support/store.ts";

let small: Awaited<ReturnType<typeof openSmallStore>>;
let conversation = "";
const id = newId();
const alice = person("alice");
const bound = { rows: 100, bytes: 100_000 };

beforeAll(async () => {
  small = await openSmallStore();
  ({ conversation } = await accepted(small.store, { from: "alice", to: "bob", text: "1", id }));
  for (const text of ["2", "3", "x".repeat(3_000)]) await accepted(small.store, { from: "bob", to: "alice", text });
  await accepted(small.store, { from: "carol", to: "dave", text: "other" });
  await small.store.relate(alice, [{ other: "bob", contact: true }]);
});
afterAll(() => small.close());

const kindsOf = (changes: readonly { readonly kind: string }[]): string => changes.map(({ kind }) => kind[0]).join("");

test("S6 the changes of a user are those that concern them, of every kind, in the order of n", async () => {
  const { n: head } = await small.store.head();
  const page = await small.store.changes(alice, 0, bound);
  expect([kindsOf(page.changes), page.upTo, page.more]).toEqual(["mmmmr", head, false]);
  expect(page.changes.map(({ n }) => n)).toEqual(page.changes.map(({ n }) => n).toSorted((a, b) => a - b));
  expect(await small.store.changes(alice, head, bound)).toEqual({ changes: [], upTo: head, more: false });
  expect((await small.store.changes(person("alice", "other"), 0, bound)).changes).toEqual([]);
});

test("S6 R41 a page that is cut, by its rows or its bytes, is complete up to where it ends", async () => {
  for (const cut of [
    { rows: 2, bytes: 100_000 },
    { rows: 100, bytes: 1 },
    { rows: 1, bytes: 1 },
  ]) {
    const texts: string[] = [];
    let after = 0;
    for (let pages = 0; pages < 20; pages++) {
      const page = await small.store.changes(alice, after, cut);
      for (const change of page.changes) texts.push(change.kind === "message" ? change.text.slice(0, 3) : change.kind);
      after = page.upTo;
      if (!page.more) break;
    }
    expect([cut, texts.join(" ")]).toEqual([cut, "1 2 3 xxx relation"]);
  }
});

test("S7 the log has the entries of all users, with their tenants and the users that they concern", async () => {
  const { entries, more } = await small.store.log(0, 100);
  expect([kindsOf(entries.map(({ change }) => change)), more]).toEqual(["mmmmmr", false]);
  expect(entries[4]).toMatchObject({ tenant: "default", users: ["carol", "dave"] });
  const part = await small.store.log(0, 2);
  expect([part.entries.length, part.more, part.upTo]).toEqual([2, true, part.entries[1]?.change.n ?? 0]);
});

test("T3 the members of a conversation, a message by its seq, and the conversation of two users are found in their tenant", async () => {
  const { members, direct, messageAt } = small.store;
  for (let twice = 0; twice < 2; twice++) {
    expect((await members("default", conversation))?.toSorted()).toEqual(["alice", "bob"]);
    expect([await direct("default", "bob", "alice"), await direct("default", "alice", "bob")]).toEqual([
      conversation,
      conversation,
    ]);
  }
  expect([
    await members("other", conversation),
    await members("default", "c9"),
    await members("default", "nonsense"),
  ]).toEqual([null, null, null]);
  expect([await direct("other", "alice", "bob"), await direct("default", "alice", "carol")]).toEqual([null, null]);
  expect([await messageAt(conversation, 1), await messageAt(conversation, 99), await messageAt("nonsense", 1)]).toEqual(
    [id, null, null],
  );
});
