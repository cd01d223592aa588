import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Change, Relationship } from "../../src/model.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { newest } from "../../src/store/read/history.ts";
import type { Commit, Store } from "../../src/store/store.ts";
import { accepted, append, marksCommitted, newId, person, readAll, storeOn } from "../support/store.ts";

type Place = { readonly engine: Engine; close(): Promise<void> };
type Options = { readonly runs: number };

const relations = (changes: readonly Change[]) =>
  changes.flatMap((change) => {
    if (change.kind !== "relation") return [];
    const { n: _, kind: __, ...rest } = change;
    return [rest];
  });
const receiptsOf = (changes: readonly Change[], user: string) =>
  changes.filter((change) => change.kind === "receipt" && change.user === user);

/** The contract of stores for contacts, blocks and last-seen times. `open` gives an empty database. */
export function describePeople(name: string, open: () => Promise<Place>, { runs }: Options): void {
  describe(name, () => {
    let place: Place;
    let store: Store;
    const commits: Commit[] = [];
    let tenants = 0;
    const newTenant = (): string => `p${tenants++}`;

    beforeAll(async () => {
      place = await open();
      ({ store } = await storeOn(place.engine, { limits: { relationsMax: 30 } }));
      store.onCommit((commit) => commits.push(commit));
    });
    afterAll(async () => {
      await store.close();
      await place.close();
    });

    const allOf = async (tenant: string, user: string, which: "contact" | "blocked", limit: number) => {
      const users: string[] = [];
      let after = "";
      for (let pages = 0; pages < 50; pages++) {
        const page = await store.people(person(user, tenant), { which, after, limit });
        users.push(...page.users);
        if (page.next === undefined) return users;
        after = page.next;
      }
      throw new Error("the pages do not end");
    };

    test("B1 B4 contacts and blocks agree with a plain model, in pages of any size, and on every device", async () => {
      const names = ["bob", "carol", "dan", "+2499", "a~b"];
      const said = fc.record({
        other: fc.constantFrom(...names),
        which: fc.constantFrom("contact" as const, "blocked" as const),
        holds: fc.boolean(),
      });
      await fc.assert(
        fc.asyncProperty(fc.array(said, { maxLength: 14 }), fc.integer({ min: 1, max: 4 }), async (list, limit) => {
          const tenant = newTenant();
          const model = new Map<string, { contact: boolean; blocked: boolean }>();
          const said = new Map<string, (typeof list)[number][]>();
          for (const one of list) said.set(one.other, [...(said.get(one.other) ?? []), one]);
          // Concurrent changes of several relations share a commit.
          await Promise.all(
            [...said.values()].map(async (ofOne) => {
              for (const { other, which, holds } of ofOne) {
                const known = model.get(other) ?? { contact: false, blocked: false };
                model.set(other, { ...known, [which]: holds });
                await store.relate(person("alice", tenant), [{ other, [which]: holds }]);
              }
            }),
          );
          const expected = (which: "contact" | "blocked") =>
            [...model].flatMap(([other, held]) => (held[which] ? [other] : [])).toSorted((a, b) => (a < b ? -1 : 1));
          expect(await allOf(tenant, "alice", "contact", limit)).toEqual(expected("contact"));
          expect(await allOf(tenant, "alice", "blocked", limit)).toEqual(expected("blocked"));
          for (const other of names)
            expect(await store.isContact(person("alice", tenant), other)).toBe(model.get(other)?.contact ?? false);
          // A device that upserts by the other's name has the same.
          const { changes } = await readAll(store, person("alice", tenant), { limit });
          const kept = new Map(relations(changes).map(({ user, contact, blocked }) => [user, { contact, blocked }]));
          for (const [other, held] of model)
            expect(kept.get(other) ?? { contact: false, blocked: false }).toEqual(held);
          // Devices of other users get nothing of it.
          for (const other of names) expect((await readAll(store, person(other, tenant))).changes).toEqual([]);
        }),
        { numRuns: runs },
      );
    });

    test("B1 T1 a relation in one tenant does not exist in another, and an update without effect makes no change", async () => {
      const [one, other] = [newTenant(), newTenant()];
      await store.relate(person("alice", one), [{ other: "bob", contact: true, blocked: true }]);
      await store.relate(person("alice", other), [{ other: "bob", contact: false, blocked: false }]);
      expect(await store.people(person("alice", other), { which: "blocked", after: "", limit: 9 })).toEqual({
        users: [],
      });
      expect((await accepted(store, { tenant: other, from: "bob", to: "alice" })).seq).toBe(1);
      const head = await store.head();
      await store.relate(person("alice", one), [{ other: "bob", contact: true }]);
      await store.relate(person("alice", one), [{ other: "nobody", contact: false, blocked: false }]);
      expect(await store.head()).toEqual(head);
    });

    test("B2 O1 T3 a blocked user's sends are refused, by either target, and those accepted before stay accepted", async () => {
      const tenant = newTenant();
      const id = newId();
      const first = await accepted(store, { tenant, from: "bob", to: "alice", id, text: "before" });
      await store.relate(person("alice", tenant), [{ other: "bob", blocked: true }]);
      const tries = [
        { to: "alice" },
        { conversation: first.conversation },
        { to: "alice", id, text: "before" },
        { conversation: first.conversation, id, text: "before" },
        { to: "alice", id, text: "after" },
        { to: "carol" },
      ];
      const outcomes = await Promise.all(tries.map((send) => append(store, { tenant, from: "bob", ...send })));
      expect(outcomes).toMatchObject([
        { type: "refused", code: "blocked" },
        { type: "refused", code: "blocked" },
        { ...first, duplicate: true },
        { ...first, duplicate: true },
        { type: "refused", code: "conflict" },
        { type: "accepted", seq: 1 },
      ]);
      // The blocking user may write; and a user without a conversation can be blocked too.
      expect(await accepted(store, { tenant, from: "alice", to: "bob" })).toMatchObject({ seq: 2 });
      await store.relate(person("alice", tenant), [{ other: "eve", blocked: true }]);
      expect(await append(store, { tenant, from: "eve", to: "alice" })).toEqual({ type: "refused", code: "blocked" });
      expect(await store.direct(tenant, "eve", "alice")).toBeNull();
      await store.relate(person("alice", tenant), [{ other: "bob", blocked: false }]);
      expect(await accepted(store, { tenant, from: "bob", to: "alice" })).toMatchObject({ seq: 3 });
    });

    test("B9 O1 a send that is not to be accepted is refused as it says, unless its id was accepted before", async () => {
      const tenant = newTenant();
      const first = await accepted(store, { tenant, from: "alice", to: "bob", text: "hi" });
      const { id } = { id: newId() };
      const kept = await accepted(store, { tenant, from: "alice", to: "bob", id, text: "kept" });
      const outcomes = await Promise.all([
        append(store, { tenant, from: "alice", to: "bob", refusal: "forbidden" }),
        append(store, { tenant, from: "alice", to: "bob", id, text: "kept", refusal: "forbidden" }),
        append(store, { tenant, from: "alice", to: "bob", id, text: "other", refusal: "rate_limited" }),
        append(store, { tenant, from: "alice", to: "nobody", refusal: "rate_limited" }),
        append(store, { tenant, from: "alice", to: "bob", text: "goes on" }),
      ]);
      expect(outcomes).toMatchObject([
        { type: "refused", code: "forbidden" },
        { ...kept, duplicate: true },
        { type: "refused", code: "conflict" },
        { type: "refused", code: "rate_limited" },
        { type: "accepted", seq: first.seq + 2 },
      ]);
    });

    test("B3 O5 T3 receipts go neither way behind a block, and come once it has ended, to whatever cursor", async () => {
      for (const [blocker, other] of [
        ["alice", "bob"],
        ["bob", "alice"],
      ] as const) {
        const tenant = newTenant();
        const alice = person("alice", tenant);
        const { conversation } = await accepted(store, { tenant, from: "alice", to: "bob" });
        await accepted(store, { tenant, from: "bob", to: "alice" });
        await store.relate(person(blocker, tenant), [{ other, blocked: true }]);
        store.read(person("bob", tenant), conversation, 1);
        store.read(alice, conversation, 2);
        await marksCommitted(store);
        const hidden = await readAll(store, alice);
        expect(receiptsOf(hidden.changes, "bob")).toEqual([]);
        expect(receiptsOf(hidden.changes, "alice")).toMatchObject([{ read: 2 }]);
        expect(receiptsOf((await readAll(store, person("bob", tenant))).changes, "alice")).toEqual([]);
        const [listed] = (await store.conversations(alice, { below: newest, limit: 9 })).conversations;
        expect([listed?.read, listed && "peer" in listed]).toEqual([2, false]);
        // The announcement and the log agree: only the reader gets it.
        const said = commits.flatMap(({ entries }) => entries).filter((entry) => entry.tenant === tenant);
        expect(said.filter(({ change }) => change.kind === "receipt").map(({ users }) => users.length)).toEqual([1, 1]);
        const log = (await store.log(0, 10_000)).entries.filter((entry) => entry.tenant === tenant);
        expect(log.filter(({ change }) => change.kind === "receipt").map(({ users }) => users.length)).toEqual([1, 1]);

        await store.relate(person(blocker, tenant), [{ other, blocked: false }]);
        const shown = await readAll(store, alice, { after: hidden.position });
        expect(receiptsOf(shown.changes, "bob")).toMatchObject([{ delivered: 1, read: 1 }]);
        const [again] = (await store.conversations(alice, { below: newest, limit: 9 })).conversations;
        expect(again?.peer).toEqual({ delivered: 1, read: 1 });
        const revealed = commits.at(-1)?.entries ?? [];
        expect(revealed.map(({ change, users }) => [change.kind, users.length])).toEqual([
          ["relation", 1],
          ["receipt", 2],
          ["receipt", 2],
        ]);
        expect(revealed.map(({ change }) => change.n)).toEqual(
          revealed.map(({ change }) => change.n).toSorted((a, b) => a - b),
        );
        expect(commits.at(-1)?.to).toBe(revealed.at(-1)?.change.n);
      }
    });

    test("B3 while both have blocked each other, one of them alone cannot end it", async () => {
      const tenant = newTenant();
      const { conversation } = await accepted(store, { tenant, from: "alice", to: "bob" });
      await store.relate(person("alice", tenant), [{ other: "bob", blocked: true }]);
      await store.relate(person("bob", tenant), [{ other: "alice", blocked: true }]);
      store.read(person("bob", tenant), conversation, 1);
      await marksCommitted(store);
      const { position } = await readAll(store, person("alice", tenant));
      await store.relate(person("alice", tenant), [{ other: "bob", blocked: false }]);
      expect(receiptsOf((await readAll(store, person("alice", tenant))).changes, "bob")).toEqual([]);
      await store.relate(person("bob", tenant), [{ other: "alice", blocked: false }]);
      const { changes } = await readAll(store, person("alice", tenant), { after: position });
      expect(receiptsOf(changes, "bob")).toMatchObject([{ read: 1 }]);
    });

    test("B5 a user has a limited number of contacts and blocks, including those taken back; existing ones stay", async () => {
      const tenant = newTenant();
      const alice = person("alice", tenant);
      const name = (i: number): string => `u${i}`;
      await store.relate(
        alice,
        Array.from({ length: 29 }, (_, i) => ({ other: name(i), contact: true })),
      );
      await store.relate(alice, [{ other: name(0), contact: false }]);
      const two = [
        { other: name(29), contact: true },
        { other: name(30), contact: true },
      ];
      const refused = store.relate(alice, two);
      expect(await refused.catch((error: unknown) => (error as { code?: string }).code)).toBe("too_large");
      expect(await allOf(tenant, "alice", "contact", 100)).toHaveLength(28);
      await store.relate(alice, two.slice(0, 1));
      await store.relate(alice, [{ other: name(5), blocked: true }]);
      await store.relate(alice, [{ other: name(0), contact: true }]);
      expect(await allOf(tenant, "alice", "contact", 100)).toHaveLength(30);
    });

    test("B8 T4 relationships are in the order of the names, and alike for strangers and for unknown names", async () => {
      const tenant = newTenant();
      await accepted(store, { tenant, from: "carol", to: "alice" });
      await store.relate(person("dan", tenant), [{ other: "alice", contact: true }]);
      await store.relate(person("eve", tenant), [{ other: "alice", blocked: true }]);
      await store.relate(person("alice", tenant), [{ other: "fred", blocked: true }]);
      await store.relate(person("stranger", tenant), [{ other: "fred", contact: true }]);
      const none: Relationship = { hasBlocked: false, isBlocked: false, isContact: false, hasConversation: false };
      const others = ["nobody", "fred", "carol", "eve", "dan", "stranger"];
      expect(await store.relationships(person("alice", tenant), others)).toEqual([
        none,
        { ...none, hasBlocked: true },
        { ...none, hasConversation: true },
        { ...none, isBlocked: true },
        { ...none, isContact: true },
        none,
      ]);
    });

    test("B7 the time when a user was seen is kept, and never goes back", async () => {
      const tenant = newTenant();
      await accepted(store, { tenant, from: "alice", to: "bob" });
      for (const time of [120_000, 180_000, 60_000]) store.seen(person("alice", tenant), time);
      await marksCommitted(store);
      store.seen(person("alice", tenant), 120_000);
      await marksCommitted(store);
      expect(await store.lastSeen(tenant, ["bob", "alice", "nobody"])).toEqual(new Map([["alice", 180_000]]));
      expect((await store.lastSeen("elsewhere", ["alice"])).size).toBe(0);
    });
  });
}
