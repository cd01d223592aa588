import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ChatError } from "../../src/error.ts";
import { type GroupEvent, type GroupState, type Membership, type Mentions, type Role, roles } from "../../src/model.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { newest } from "../../src/store/read/history.ts";
import type { Commit, Store } from "../../src/store/store.ts";
import { accepted, append, newId, person, readAll, storeOn } from "../support/store.ts";

type Place = { readonly engine: Engine; close(): Promise<void> };
/** `isShrunk` false: the first counterexample is enough. */
type Options = { readonly runs: number; readonly isShrunk?: boolean };

const names = ["ann", "bob", "cid", "dee"] as const;
/** A group of more has no marks of others. */
const smallMax = 3;

type Place1 = {
  readonly seq: number;
  readonly n: number;
  readonly id: string;
  readonly from: string;
  readonly text: string;
  readonly mentions?: Mentions;
  /** The members then who are mentioned. */
  readonly mentioned?: readonly string[];
  readonly event?: GroupEvent;
};
type Member = {
  status: Membership["status"];
  role: Role;
  since: number;
  until: number | null;
  joined: number;
  joinedN: number;
  untilN: number | null;
  read: number;
  /** What is known of the messages that reached them, while the group was small. */
  delivered: number;
  /** The change number of these two marks; 0: they were never set. */
  markN: number;
  isShared: boolean;
};
type Group = {
  readonly conversation: string;
  state: GroupState;
  stateN: number;
  readonly places: Place1[];
  readonly members: Map<string, Member>;
};
type Direct = {
  readonly n: number;
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly text: string;
};

const rank = (role: Role): number => roles.indexOf(role);
const isHere = (member: Member | undefined): member is Member => member?.status === "member";
const owners = ({ members }: Group): number =>
  [...members.values()].filter((one) => isHere(one) && one.role === "owner").length;
const size = ({ members }: Group): number => [...members.values()].filter(isHere).length;
const lastSeq = ({ places }: Group): number => places.at(-1)?.seq ?? 0;
const bottom = (group: Group, member: Member): number => member.until ?? lastSeq(group);
/** The messages that a member may read. */
const readable = (group: Group, member: Member): readonly Place1[] =>
  group.places.filter(({ seq }) => seq > member.since && seq <= bottom(group, member));
const covers = (member: Member, n: number): boolean => n > member.joinedN && n <= (member.untilN ?? newest);
const wordOf = ({ seq, from, text, mentions, event }: Place1) => ({
  ...{ seq, from, text },
  ...(mentions && { mentions }),
  ...(event && { event }),
});

type Step =
  | {
      readonly do: "create";
      readonly by: string;
      readonly members: readonly string[];
      readonly isOpen: boolean;
      readonly isAll: boolean;
    }
  | { readonly do: "add"; readonly by: string | null; readonly group: number; readonly users: readonly string[] }
  | {
      readonly do: "remove" | "role";
      readonly by: string | null;
      readonly group: number;
      readonly user: string;
      readonly role: Role;
    }
  | {
      readonly do: "join" | "leave" | "send";
      readonly by: string;
      readonly group: number;
      readonly mentions: Mentions | null;
    }
  | { readonly do: "read"; readonly by: string; readonly group: number; readonly seq: number }
  | { readonly do: "ack"; readonly by: string; readonly level: 2 | 3 }
  | {
      readonly do: "update";
      readonly by: string | null;
      readonly group: number;
      readonly name: string;
      readonly isOpen: boolean | null;
    }
  | { readonly do: "direct"; readonly by: string; readonly to: string };

const user = fc.constantFrom<string>(...names);
const by = fc.option(user, { freq: 4 });
const group = fc.nat(1);
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("create" as const),
      by: user,
      members: fc.uniqueArray(user, { maxLength: 3 }),
      isOpen: fc.constantFrom(true, true, false),
      isAll: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("add" as const),
      by,
      group,
      users: fc.uniqueArray(user, { minLength: 1, maxLength: 3 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constantFrom("remove" as const, "role" as const),
      by,
      group,
      user,
      role: fc.constantFrom(...roles),
    }),
  },
  {
    weight: 9,
    arbitrary: fc.record({
      do: fc.constantFrom("join" as const, "leave" as const, "send" as const, "send" as const),
      by: user,
      group,
      mentions: fc.oneof(
        fc.constant(null),
        fc.constant("all" as const),
        fc.uniqueArray(user, { minLength: 1, maxLength: 2 }),
      ),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("read" as const), by: user, group, seq: fc.nat(12) }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("ack" as const), by: user, level: fc.constantFrom<2 | 3>(3, 3, 2) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("update" as const),
      by,
      group,
      name: fc.constantFrom("x", "y"),
      isOpen: fc.option(fc.boolean()),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("direct" as const), by: user, to: user }) },
);

const marksOf = (member: Member | undefined): Partial<Member> | undefined =>
  member && { ...{ read: member.read, delivered: member.delivered }, markN: member.markN, isShared: member.isShared };

/** In an order of its own, for what has none. */
const sorted = (rows: readonly unknown[]): readonly string[] =>
  rows.map((row) => JSON.stringify(row)).toSorted((a, b) => (a < b ? -1 : 1));

/** The code of a call that is refused; null: it succeeds. */
const codeOf = (call: Promise<unknown>): Promise<string | null> =>
  call.then(
    () => null,
    (error: unknown) => {
      if (error instanceof ChatError) return error.code;
      throw error;
    },
  );

/** The marks of a member in a commit. */
const receiptIn = (commits: readonly Commit[], { conversation }: Group, user: string) =>
  commits
    .flatMap(({ entries }) => entries)
    .flatMap(({ change, ...rest }) =>
      change.kind === "receipt" && change.conversation === conversation && change.user === user
        ? [{ ...rest, change }]
        : [],
    )
    .at(-1);

/** The contract of stores for groups. `open` gives an empty database. */
export function describeGroups(name: string, open: () => Promise<Place>, { runs, isShrunk = true }: Options): void {
  describe(name, () => {
    let place: Place;
    let store: Store;
    let announced: Commit[] = [];
    let tenants = 0;

    beforeAll(async () => {
      place = await open();
      ({ store } = await storeOn(place.engine, { limits: { groupReceiptsMax: smallMax } }));
      store.onCommit((commit) => void announced.push(commit));
    });
    afterAll(async () => {
      await store.close();
      await place.close();
    });

    /** Plays steps on the store and on a plain model; every answer is that of the model. */
    async function play(tenant: string, steps: readonly Step[]) {
      const groups: Group[] = [];
      const directs: Direct[] = [];
      /** How far the device of each user and level has acked. */
      const acked = new Map<string, number>();
      /** The change number of each membership, by its group and user. */
      const numbers = new Map<string, number>();
      const who = (by: string | null) => ({ ...person(by ?? "zoe", tenant), isHost: by === null });

      /** The group at a place of the model, and the head before a step. */
      async function begin(index: number) {
        return { group: groups[index % Math.max(1, groups.length)], head: (await store.head()).n };
      }
      const tell = (of: Group, head: number, { by, event }: { by: string | null; event: GroupEvent }): void =>
        void of.places.push({ seq: lastSeq(of) + 1, n: head + 1, id: "", from: by ?? "zoe", text: "", event });
      const enter = (of: Group, head: number, user: string): void => {
        const at = lastSeq(of);
        of.members.set(user, {
          ...{ status: "member", role: "member", since: of.state.history === "all" ? 0 : at, until: null },
          ...{ joined: at, joinedN: head, untilN: null },
          ...{ read: 0, delivered: 0, markN: 0, isShared: false, ...marksOf(of.members.get(user)) },
        });
      };
      const go = (of: Group, head: number, { user, status }: { user: string; status: Membership["status"] }): void => {
        const member = of.members.get(user);
        if (member) of.members.set(user, { ...member, status, until: lastSeq(of) + 1, untilN: head + 1 });
      };
      /** Why an actor may not act; null: they may. */
      const refusal = (of: Group, by: string | null, least: Role): string | null => {
        if (by === null) return null;
        const member = of.members.get(by);
        if (!isHere(member)) return "not_found";
        return rank(member.role) < rank(least) ? "forbidden" : null;
      };

      for (const one of steps) {
        announced = [];
        if (one.do === "direct") {
          if (one.by === one.to) continue;
          const id = newId();
          const { n } = await accepted(store, { tenant, from: one.by, to: one.to, id, text: `${directs.length}` });
          directs.push({ n, id, from: one.by, to: one.to, text: `${directs.length}` });
          continue;
        }
        if (one.do === "ack") {
          const [identity, device] = [person(one.by, tenant), `level-${one.level}`];
          const bystander = { identity: person("eve", tenant), level: 3 };
          await store.openDevice(bystander.identity, device, { after: undefined, level: 3 });
          const { head } = await store.openDevice(identity, device, { after: undefined, level: one.level });
          // A device of another user acks in the same commit, and gets groups.
          await Promise.all(
            [{ identity, level: one.level }, bystander].map(
              ({ identity: by, level }) =>
                new Promise((resolve) => store.ack(by, device, { n: head.n, level }, resolve)),
            ),
          );
          // A new device begins where any device of its user is.
          const since = acked.get(`${one.by} 3`) ?? acked.get(`${one.by} 2`) ?? 0;
          acked.set(`${one.by} ${one.level}`, head.n);
          for (const of of groups) {
            const member = of.members.get(one.by);
            const got = receiptIn(announced, of, one.by);
            const isAsked = one.level === 3 && isHere(member) && size(of) <= smallMax;
            const reached = isAsked ? of.places.filter(({ n }) => n > since && covers(member, n)) : [];
            const others = Math.max(0, ...reached.filter(({ from }) => from !== one.by).map(({ seq }) => seq));
            if (got === undefined) {
              expect(others).toBeLessThanOrEqual(member?.delivered ?? 0);
              continue;
            }
            // Whether one's own messages count too depends on how many there are to look at.
            const { delivered, read } = got.change;
            expect(member?.read).toBe(read);
            expect([others, reached.at(-1)?.seq]).toContain(delivered);
            expect(delivered).toBeGreaterThan(member?.delivered ?? 0);
            if (member) Object.assign(member, { delivered, markN: got.change.n, isShared: true });
          }
          continue;
        }
        if (one.do === "create") {
          if (groups.length === 2) continue;
          const state = {
            ...{ version: 1, name: "x", data: { a: groups.length } },
            ...({ visibility: one.isOpen ? "open" : "private", history: one.isAll ? "all" : "joined" } as const),
          };
          const { head } = await begin(0);
          const { version: _, ...given } = state;
          const request = { ...given, id: newId(), members: one.members };
          const { view, isNew } = await store.groups.create(person(one.by, tenant), request, 1);
          expect(isNew).toBe(true);
          const made: Group = {
            conversation: view.conversation,
            state,
            stateN: head + 2,
            places: [],
            members: new Map(),
          };
          for (const each of new Set([one.by, ...one.members])) enter(made, head, each);
          const creator = made.members.get(one.by);
          if (creator) creator.role = "owner";
          tell(made, head, { by: one.by, event: { type: "created" } });
          groups.push(made);
          expect(view).toEqual({ conversation: made.conversation, state, size: size(made), role: "owner" });
          expect((await store.groups.create(person(one.by, tenant), request, 2)).isNew).toBe(false);
        } else {
          const { group: of, head } = await begin(one.group);
          if (of === undefined) continue;
          const { conversation } = of;
          const actor = who(one.by);
          switch (one.do) {
            case "add": {
              const expected = refusal(of, one.by, "admin");
              expect(await codeOf(store.groups.add(actor, conversation, one.users, 1))).toBe(expected);
              const users = one.users.filter((each) => !isHere(of.members.get(each)));
              if (expected !== null || users.length === 0) break;
              for (const each of users) enter(of, head, each);
              tell(of, head, { by: one.by, event: { type: "added", users } });
              break;
            }
            case "remove": {
              const target = of.members.get(one.user);
              const mine = rank(of.members.get(one.by ?? "")?.role ?? "member");
              const isLower = isHere(target) && one.by !== null && rank(target.role) >= mine;
              const expected = refusal(of, one.by, "admin") ?? (isLower ? "forbidden" : null);
              expect(await codeOf(store.groups.remove(actor, conversation, one.user, 1))).toBe(expected);
              if (expected !== null || !isHere(target)) break;
              go(of, head, { user: one.user, status: "removed" });
              tell(of, head, { by: one.by, event: { type: "removed", users: [one.user] } });
              break;
            }
            case "role": {
              const target = of.members.get(one.user);
              const isLast = isHere(target) && target.role === "owner" && owners(of) === 1 && one.role !== "owner";
              const expected =
                refusal(of, one.by, "owner") ??
                (isHere(target) ? (isLast && one.by !== null ? "forbidden" : null) : "not_found");
              const { user, role } = one;
              expect(await codeOf(store.groups.setRole(actor, conversation, { user, role }, 1))).toBe(expected);
              if (expected !== null || !isHere(target) || target.role === role) break;
              target.role = role;
              tell(of, head, { by: one.by, event: { type: "role", user, role } });
              break;
            }
            case "join": {
              const member = of.members.get(one.by);
              const wasRemoved = member?.status === "removed";
              const refused = of.state.visibility === "private" ? "not_found" : wasRemoved ? "forbidden" : null;
              const expected = isHere(member) ? null : refused;
              expect(await codeOf(store.groups.join(actor, conversation, 1))).toBe(expected);
              if (expected !== null || isHere(member)) break;
              enter(of, head, one.by);
              tell(of, head, { by: one.by, event: { type: "joined" } });
              break;
            }
            case "leave": {
              const member = of.members.get(one.by);
              const isLast = isHere(member) && member.role === "owner" && owners(of) === 1 && size(of) > 1;
              const expected = isHere(member) ? (isLast ? "forbidden" : null) : "not_found";
              expect(await codeOf(store.groups.leave(actor, conversation, 1))).toBe(expected);
              if (expected !== null) break;
              go(of, head, { user: one.by, status: "left" });
              tell(of, head, { by: one.by, event: { type: "left" } });
              break;
            }
            case "send": {
              const [id, text] = [newId(), `text ${of.places.length}`];
              const mentions = one.mentions ?? undefined;
              const outcome = await append(store, { tenant, from: one.by, conversation, id, text, mentions });
              if (!isHere(of.members.get(one.by))) {
                expect(outcome).toEqual({ type: "refused", code: "not_found" });
                break;
              }
              const seq = lastSeq(of) + 1;
              expect(outcome).toMatchObject({ type: "accepted", conversation, seq, n: head + 1 });
              const present = [...of.members].filter(([, member]) => isHere(member)).map(([name]) => name);
              const mentioned = present.filter((name) => mentions === "all" || mentions?.includes(name));
              of.places.push({ seq, n: head + 1, id, from: one.by, text, ...(mentions && { mentions, mentioned }) });
              const again = { tenant, from: one.by, conversation, id, text };
              const other = mentions === "all" ? undefined : ("all" as const);
              expect(await append(store, { ...again, mentions })).toMatchObject({ type: "accepted", duplicate: true });
              expect(await append(store, { ...again, mentions: other })).toMatchObject({ code: "conflict" });
              break;
            }
            case "read": {
              await new Promise((resolve) => store.read(actor, conversation, one.seq, resolve));
              const member = of.members.get(one.by);
              const seq = member ? Math.min(one.seq, bottom(of, member)) : 0;
              const got = receiptIn(announced, of, one.by)?.change;
              expect(got?.read).toBe(member && seq > member.read ? seq : undefined);
              if (!member || !got) break;
              Object.assign(member, { read: seq, delivered: Math.max(member.delivered, seq), markN: got.n });
              expect(got.delivered).toBe(member.delivered);
              member.isShared = isHere(member) && size(of) <= smallMax;
              break;
            }
            case "update": {
              const visibility =
                one.isOpen === null ? undefined : one.isOpen ? ("open" as const) : ("private" as const);
              const change = { name: one.name, ...(visibility !== undefined && { visibility }) };
              const expected = refusal(of, one.by, visibility === undefined ? "admin" : "owner");
              expect(await codeOf(store.groups.update(actor, conversation, change, 1))).toBe(expected);
              const next = { ...of.state, ...change };
              if (expected !== null || (next.name === of.state.name && next.visibility === of.state.visibility)) break;
              if (next.name !== of.state.name)
                tell(of, head, { by: one.by, event: { type: "renamed", name: next.name } });
              of.state = { ...next, version: of.state.version + 1 };
              of.stateN = head + 2;
            }
          }
        }
        for (const { entries } of announced)
          for (const { change } of entries)
            if (change.kind === "membership") numbers.set(`${change.conversation} ${change.user}`, change.n);
      }
      return { groups, directs, numbers };
    }

    const membershipOf = (of: Group, member: Member) => ({
      ...{ status: member.status, role: member.role, first: member.since + 1, next: member.joined + 1 },
      ...(member.until !== null && { last: member.until }),
      read: member.read,
      ...(isHere(member) && { group: of.state }),
    });

    const played = (
      check: (played: Awaited<ReturnType<typeof play>>, tenant: string, chance: number) => Promise<void>,
    ) =>
      fc.assert(
        fc.asyncProperty(
          fc.array(step, { minLength: 8, maxLength: 30 }),
          fc.integer({ min: 1, max: 1_000 }),
          async (steps, chance) => {
            const tenant = `g${tenants++}`;
            await check(await play(tenant, steps), tenant, chance);
          },
        ),
        { numRuns: runs, endOnFailure: !isShrunk },
      );

    test("GR1 GR2 GR3 GR7 a device gets what its user may see, once, in order, in pages of any size, from any position", () =>
      played(async ({ groups, directs, numbers }, tenant, chance) => {
        const { n: head } = await store.head();
        const firstN = Math.min(head, ...groups.map(({ stateN }) => stateN - 2), ...directs.map(({ n }) => n - 1));
        for (const after of [0, firstN + (chance % Math.max(1, head - firstN))])
          for (const user of names) {
            const { changes } = await readAll(store, person(user, tenant), { after, limit: 1 + (chance % 5) });
            expect(changes.map(({ n }) => n)).toEqual(
              [...new Set(changes.map(({ n }) => n))].toSorted((a, b) => a - b),
            );
            const messages = changes.flatMap((change) =>
              change.kind === "message" ? [[change.n, change.text, change.event ?? null, change.mentions ?? null]] : [],
            );
            const expected = [
              ...directs
                .filter(({ from, to }) => from === user || to === user)
                .map(({ n, text }) => [n, text, null, null]),
              ...groups.flatMap(({ members, places }) => {
                const member = members.get(user);
                return member
                  ? places
                      .filter(({ n }) => covers(member, n))
                      .map(({ n, text, event, mentions }) => [n, text, event ?? null, mentions ?? null])
                  : [];
              }),
            ].filter(([n]) => Number(n) > after);
            expect(messages).toEqual(expected.toSorted(([a], [b]) => Number(a) - Number(b)));
            const told = changes.flatMap((change) => {
              if (change.kind !== "membership") return [];
              const { n: _, kind: __, user: owner, conversation, joinedN: ___, untilN: ____, ...rest } = change;
              return [[conversation, owner, rest]];
            });
            const memberships = groups.flatMap((of) => {
              const member = of.members.get(user);
              return member && (numbers.get(`${of.conversation} ${user}`) ?? 0) > after
                ? [[of.conversation, user, membershipOf(of, member)]]
                : [];
            });
            expect(sorted(told)).toEqual(sorted(memberships));
            const states = changes.flatMap((change) =>
              change.kind === "group" ? [[change.conversation, change.n, change.version, change.name]] : [],
            );
            const present = groups.flatMap(({ conversation, members, state, stateN }) => {
              const member = members.get(user);
              return member && stateN > after && covers(member, stateN)
                ? [[conversation, stateN, state.version, state.name]]
                : [];
            });
            expect(sorted(states)).toEqual(sorted(present));
            const marks = changes.flatMap((change) =>
              change.kind === "receipt" && change.isOfGroup
                ? [[change.conversation, change.user, change.n, change.delivered, change.read]]
                : [],
            );
            const expectedMarks = groups.flatMap(({ conversation, members }) => {
              const own = members.get(user);
              return [...members].flatMap(([name, { markN, delivered, read, isShared, status }]) => {
                const isTold = isShared && status === "member" && own !== undefined && covers(own, markN);
                return markN > after && (name === user || isTold) ? [[conversation, name, markN, delivered, read]] : [];
              });
            });
            expect(sorted(marks)).toEqual(sorted(expectedMarks));
          }
      }));

    test("GR3 GR4 GR9 U26 history, the list and what is unread show what a member may read, and nothing else", () =>
      played(async ({ groups, directs }, tenant, chance) => {
        for (const user of names) {
          const asker = person(user, tenant);
          for (const of of groups) {
            const member = of.members.get(user);
            const limit = 1 + (chance % 7);
            const query = { conversation: of.conversation, limit };
            const page = await store.history(asker, { ...query, order: { down: newest } });
            const all = member ? readable(of, member) : [];
            expect(page?.messages.map(wordOf)).toEqual(member ? all.slice(-limit).map(wordOf) : undefined);
            expect(page?.more).toEqual(member ? { before: all.length > limit, after: false } : undefined);
            const middle = chance % (lastSeq(of) + 2);
            const up = await store.history(asker, { ...query, order: { up: middle } });
            const above = all.filter(({ seq }) => seq > middle);
            expect(up?.messages.map(wordOf)).toEqual(member ? above.slice(0, limit).map(wordOf) : undefined);
            expect(up?.more.after).toBe(member ? above.length > limit : undefined);
            const down = await store.history(asker, { ...query, order: { down: middle } });
            expect(down?.messages.map(({ seq }) => seq)).toEqual(
              member
                ? all
                    .filter(({ seq }) => seq < middle)
                    .slice(-limit)
                    .map(({ seq }) => seq)
                : undefined,
            );
            const ids = of.places.flatMap(({ id }) => (id === "" ? [] : [id]));
            const byIds = await store.history(asker, { ids, order: {}, limit: 100 });
            expect(byIds?.messages.map(({ seq }) => seq)).toEqual(
              all.filter(({ id }) => id !== "").map(({ seq }) => seq),
            );
          }
          const listed = [];
          let below = newest;
          for (let pages = 0; pages < 20; pages++) {
            const page = await store.groups.list(asker, { below, limit: 1 + (chance % 3) });
            listed.push(...page.conversations);
            if (page.next === undefined) break;
            below = page.next;
          }
          const found = listed.flatMap((each) =>
            "kind" in each
              ? [[each.id, each.lastMessage.seq, each.unread, each.mentions, each.status, each.read, each.size ?? 0]]
              : [],
          );
          expect(listed.map(({ lastMessage: { n } }) => n)).toEqual(
            listed.map(({ lastMessage: { n } }) => n).toSorted((a, b) => b - a),
          );
          const expected = groups.flatMap((of) => {
            const member = of.members.get(user);
            if (!member) return [];
            const unread = readable(of, member).filter(
              ({ seq, from, event }) => seq > member.read && from !== user && !event,
            );
            return [
              [
                of.conversation,
                bottom(of, member),
                unread.length,
                unread.filter(({ mentions, mentioned }) => mentions === "all" || mentioned?.includes(user)).length,
                member.status,
                member.read,
                isHere(member) ? size(of) : 0,
              ],
            ];
          });
          expect(sorted(found)).toEqual(sorted(expected));
          const unread = expected.reduce(
            (sum, [, , count, , status]) => sum + (status === "member" ? Number(count) : 0),
            0,
          );
          const own = directs.filter(({ to }) => to === user).length;
          expect(await store.push.badges([asker], 1)).toEqual([unread + own]);
        }
      }));

    test("GR5 the members of a group are listed for its members alone, in pages", () =>
      played(async ({ groups }, tenant, chance) => {
        for (const of of groups)
          for (const asker of [
            ...names.map((user) => person(user, tenant)),
            { ...person("zoe", tenant), isHost: true },
          ]) {
            const found = [];
            let after = "";
            for (let pages = 0; pages < 10; pages++) {
              const page = await store.groups.members(asker, of.conversation, { after, limit: 1 + (chance % 3) });
              if (page === null) break;
              found.push(...page.members);
              if (page.next === undefined) break;
              after = page.next;
            }
            const maySee = "isHost" in asker || isHere(of.members.get(asker.user));
            const here = [...of.members]
              .filter(([, member]) => isHere(member))
              .map(([user, { role, delivered, read }]) => ({
                ...{ user, role },
                ...(size(of) <= smallMax && { delivered, read }),
              }));
            expect(found.toSorted((a, b) => (a.user < b.user ? -1 : 1))).toEqual(
              maySee ? here.toSorted((a, b) => (a.user < b.user ? -1 : 1)) : [],
            );
            const view = await store.groups.view(asker, of.conversation);
            expect(view?.size).toBe(maySee ? size(of) : undefined);
          }
      }));

    test("GR8 the readers of a message are shown to its sender, in a small group to all members, in pages", () =>
      played(async ({ groups }, tenant, chance) => {
        for (const of of groups)
          for (const asker of [
            ...names.map((user) => person(user, tenant)),
            { ...person("zoe", tenant), isHost: true },
          ])
            for (const { seq, from } of of.places.filter(({ seq: each }) => each % 3 === chance % 3)) {
              const member = of.members.get(asker.user);
              const isHost = "isHost" in asker;
              const page = { seq, limit: 1 + (chance % 3) };
              const first = store.groups.readers(asker, of.conversation, { ...page, after: "" });
              if (!isHost && (!isHere(member) || member.since >= seq)) {
                expect(await first).toBeNull();
                continue;
              }
              if (!isHost && size(of) > smallMax && from !== asker.user) {
                expect(await codeOf(first)).toBe("forbidden");
                continue;
              }
              const have = [...of.members].flatMap(([name, one]) =>
                isHere(one) && name !== from && one.since < seq && one.read >= seq ? [name] : [],
              );
              const found = [];
              let after = "";
              for (let pages = 0; pages < 10; pages++) {
                const got = await store.groups.readers(asker, of.conversation, { ...page, after });
                expect(got?.count).toBe(have.length);
                found.push(...(got?.readers ?? []));
                if (got?.next === undefined) break;
                after = got.next;
              }
              expect(found.toSorted()).toEqual(have.toSorted());
            }
      }));

    test("GR6 what commits announce is what the log holds", () =>
      played(async ({ groups }) => {
        const known = new Map(groups.map((of) => [of.conversation, of]));
        const entries = [];
        let after = Math.min((await store.head()).n, ...groups.map(({ places }) => (places[0]?.n ?? 1) - 1));
        for (;;) {
          const stretch = await store.log(after, 50);
          entries.push(...stretch.entries);
          after = stretch.upTo;
          if (!stretch.more) break;
        }
        for (const { change, group: audience, users } of entries) {
          if (change.kind === "message" && change.to === undefined && known.has(change.conversation))
            expect([audience, users]).toEqual([change.conversation, []]);
          if (change.kind === "membership") expect(users).toEqual([change.user]);
          if (change.kind !== "receipt" || !change.isOfGroup || !known.has(change.conversation)) continue;
          const member = known.get(change.conversation)?.members.get(change.user);
          expect([audience, users]).toEqual(member?.isShared ? [change.conversation, []] : [undefined, [change.user]]);
          expect(change).toMatchObject({ n: member?.markN, read: member?.read, delivered: member?.delivered });
        }
        for (const { conversation, places } of groups)
          expect(
            entries.flatMap(({ change }) =>
              change.kind === "message" && change.conversation === conversation ? [change.n] : [],
            ),
          ).toEqual(places.map(({ n }) => n));
      }));
  });
}
