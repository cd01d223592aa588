import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { Change } from "../../src/model.ts";
import { decodeConversation } from "../../src/protocol/conversation-id.ts";
import { changeText } from "../../src/store/read/change-text.ts";
import type { Engine } from "../../src/store/engine/engine.ts";
import { type HistoryPage, type HistoryQuery, newest, type PageOrder } from "../../src/store/read/history.ts";
import type { Commit, Outcome, Store } from "../../src/store/store.ts";
import { until } from "../support/fake-socket.ts";
import { accepted, append, marksCommitted, newId, person, readAll, storeOn } from "../support/store.ts";

type Place = { readonly engine: Engine; close(): Promise<void> };
type Options = { readonly runs: number };

const messages = (changes: readonly Change[]) => changes.filter((change) => change.kind === "message");
const receipts = (changes: readonly Change[]) => changes.filter((change) => change.kind === "receipt");

/** What every store must hold to, whatever it is made of. `open` gives an empty database. */
export function describeStore(name: string, open: () => Promise<Place>, { runs }: Options): void {
  describe(name, () => {
    let place: Place;
    let store: Store;
    const commits: Commit[] = [];
    let tenants = 0;
    /** A tenant of its own for each test: nothing of another test is in sight. */
    const newTenant = (): string => `t${tenants++}`;

    beforeAll(async () => {
      place = await open();
      ({ store } = await storeOn(place.engine));
      store.onCommit((commit) => commits.push(commit));
    });
    afterAll(async () => {
      await store.close();
      await place.close();
    });

    test("S1 O2 seq is dense in each conversation, n rises with every commit", async () => {
      const tenant = newTenant();
      const sends = Array.from({ length: 60 }, (_, i) =>
        accepted(store, { tenant, from: i % 2 ? "alice" : "bob", to: i % 2 ? "bob" : "alice", text: `${i}` }),
      );
      const first = await Promise.all(sends);
      const other = await accepted(store, { tenant, from: "alice", to: "carol" });
      const inOrder = first.toSorted((a, b) => a.seq - b.seq);
      expect(inOrder.map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, i) => i + 1));
      expect(new Set(first.map(({ conversation }) => conversation)).size).toBe(1);
      expect(inOrder.map(({ n }) => n)).toEqual(inOrder.map(({ n }) => n).toSorted((a, b) => a - b));
      // Two concurrent senders are in no order; the messages of each keep theirs.
      for (const sender of [0, 1]) {
        const seqs = first.filter((_, i) => i % 2 === sender).map(({ seq }) => seq);
        expect(seqs).toEqual(seqs.toSorted((a, b) => a - b));
      }
      expect(other.seq).toBe(1);
      expect(other.n).toBeGreaterThan(inOrder.at(-1)?.n ?? 0);
    });

    test("S2 O1 a retry gets the first answer, other content under the id is a conflict", async () => {
      const tenant = newTenant();
      const id = newId();
      const first = await accepted(store, { tenant, from: "alice", to: "bob", id, text: "one" });
      const [retry, byConversation, conflict, elsewhere] = await Promise.all([
        append(store, { tenant, from: "alice", to: "bob", id, text: "one" }),
        append(store, { tenant, from: "alice", conversation: first.conversation, id, text: "one" }),
        append(store, { tenant, from: "alice", to: "bob", id, text: "two" }),
        append(store, { tenant, from: "alice", to: "carol", id, text: "one" }),
      ]);
      expect(retry).toEqual({ ...first, duplicate: true });
      expect(byConversation).toEqual({ ...first, duplicate: true });
      expect(conflict).toEqual({ type: "refused", code: "conflict" });
      expect(elsewhere).toEqual({ type: "refused", code: "conflict" });
      expect(messages((await readAll(store, person("bob", tenant))).changes)).toHaveLength(1);
    });

    test("S42 O1 a retry gets the first answer also once the text has changed, and again once it has changed back", async () => {
      const tenant = newTenant();
      const id = newId();
      const first = await accepted(store, { tenant, from: "alice", to: "bob", id, text: "one" });
      const conversation = decodeConversation(first.conversation) ?? 0;
      let now = "one";
      for (const text of ["two", "", "one", "three"]) {
        const change = await changeText({ n: first.n, now: { conversation, text: now }, text });
        // A caller that has read an older text changes nothing.
        const stale = await changeText({ n: first.n, now: { conversation, text: "never" }, text: "lost" });
        expect(await place.engine.write([change, stale])).toEqual([[{ n: first.n }], []]);
        now = text;
        const [retry, byConversation, elsewhere, ...conflicts] = await Promise.all([
          append(store, { tenant, from: "alice", to: "bob", id, text: "one" }),
          append(store, { tenant, from: "alice", conversation: first.conversation, id, text: "one" }),
          append(store, { tenant, from: "alice", to: "carol", id, text: "one" }),
          ...["two", "three", "One"].map((other) =>
            append(store, { tenant, from: "alice", to: "bob", id, text: other }),
          ),
        ]);
        expect([retry, byConversation]).toEqual(Array.from({ length: 2 }, () => ({ ...first, duplicate: true })));
        for (const outcome of [elsewhere, ...conflicts]) expect(outcome).toEqual({ type: "refused", code: "conflict" });
      }
      const { changes } = await readAll(store, person("bob", tenant));
      expect(messages(changes).map((change) => change.kind === "message" && change.text)).toEqual(["three"]);
    });

    test("S2 O1 retries and conflicts within one commit meet the first of their id", async () => {
      const tenant = newTenant();
      const id = newId();
      const outcomes = await Promise.all([
        append(store, { tenant, from: "alice", to: "bob", id, text: "one" }),
        append(store, { tenant, from: "alice", to: "bob", id, text: "one" }),
        append(store, { tenant, from: "alice", to: "bob", id, text: "other" }),
        append(store, { tenant, from: "bob", to: "alice", id, text: "mine" }),
      ]);
      expect(outcomes.map((outcome) => (outcome.type === "accepted" ? outcome.duplicate : outcome.code))).toEqual([
        false,
        true,
        "conflict",
        false,
      ]);
    });

    test("S3 T3 T4 a conversation takes sends of its own people only; not there and not yours are one answer", async () => {
      const tenant = newTenant();
      const { conversation } = await accepted(store, { tenant, from: "alice", to: "bob" });
      const refused: Outcome = { type: "refused", code: "not_found" };
      expect(await append(store, { tenant, from: "carol", conversation })).toEqual(refused);
      expect(await append(store, { tenant, from: "alice", conversation: "c1" })).toEqual(refused);
      expect(await append(store, { tenant, from: "alice", conversation: "nonsense" })).toEqual(refused);
      expect(await append(store, { tenant: newTenant(), from: "alice", conversation })).toEqual(refused);
      expect((await accepted(store, { tenant, from: "bob", conversation })).seq).toBe(2);
    });

    test("S3 T1 tenants share no people, ids, conversations or changes", async () => {
      const [one, other] = [newTenant(), newTenant()];
      const id = newId();
      const first = await accepted(store, { tenant: one, from: "alice", to: "bob", id, text: "one" });
      const second = await accepted(store, { tenant: other, from: "alice", to: "bob", id, text: "other" });
      expect(second).toMatchObject({ seq: 1, duplicate: false });
      expect(second.conversation).not.toBe(first.conversation);
      expect(messages((await readAll(store, person("bob", one))).changes).map(({ text }) => text)).toEqual(["one"]);
      expect(await store.members(other, first.conversation)).toBeNull();
      expect((await store.members(one, first.conversation))?.toSorted()).toEqual(["alice", "bob"]);
      expect(await store.direct(one, "bob", "alice")).toBe(first.conversation);
      expect(await store.direct(one, "bob", "carol")).toBeNull();
    });

    test("S3 P17 a refused send creates no conversation that any user could see", async () => {
      const tenant = newTenant();
      const id = newId();
      await accepted(store, { tenant, from: "alice", to: "bob", id, text: "one" });
      expect(await append(store, { tenant, from: "alice", to: "carol", id, text: "one" })).toMatchObject({
        code: "conflict",
      });
      expect(await store.direct(tenant, "alice", "carol")).toBeNull();
      const { conversation } = await accepted(store, { tenant, from: "carol", to: "alice" });
      expect(await store.direct(tenant, "alice", "carol")).toBe(conversation);
      expect((await store.members(tenant, conversation))?.toSorted()).toEqual(["alice", "carol"]);
    });

    test("S6 Q3 Q8 history, the undelivered and the list of conversations are read alike on every engine", async () => {
      const tenant = newTenant();
      const [alice, bob] = [person("alice", tenant), person("bob", tenant)];
      const { conversation } = await accepted(store, { tenant, from: "alice", to: "bob", text: "1" });
      for (const text of ["2", "3", "4"])
        await accepted(store, { tenant, from: text === "3" ? "bob" : "alice", conversation, text });
      await accepted(store, { tenant, from: "carol", to: "bob", text: "5" });
      const textsOf = async (query: Partial<HistoryQuery>) => {
        const page = await store.history(bob, { order: { down: newest }, limit: 2, ...query });
        return page && [page.messages.map(({ text }) => text), page.more, page.next];
      };
      const [no, after] = [
        { before: false, after: false },
        { before: false, after: true },
      ];
      const [before, both] = [
        { before: true, after: false },
        { before: true, after: true },
      ];
      expect(await textsOf({ with: "alice" })).toEqual([["3", "4"], before, { down: 3 }]);
      expect(await textsOf({ conversation, order: { up: 1 } })).toEqual([["2", "3"], both, { up: 3 }]);
      expect(await textsOf({ conversation, order: { down: 3, up: 2 } })).toEqual([
        ["2", "3"],
        both,
        { down: 2, up: 3 },
      ]);
      expect(await textsOf({ with: "alice", from: "bob" })).toEqual([["3"], no, undefined]);
      expect(await textsOf({ undelivered: "phone", order: { up: 0 } })).toMatchObject([["1", "2"], after, {}]);
      expect(await textsOf({ limit: 1 })).toMatchObject([["5"], before, {}]);
      expect(await textsOf({ with: "dave" })).toEqual([[], no, undefined]);
      expect(await store.history(person("carol", tenant), { conversation, order: { down: 9 }, limit: 2 })).toBeNull();
      expect(await store.history(bob, { conversation: "c1", order: { down: 9 }, limit: 2 })).toBeNull();
      const first = await store.conversations(bob, { below: newest, limit: 1 });
      expect(first.conversations).toMatchObject([{ with: "carol", unread: 1, lastMessage: { text: "5", seq: 1 } }]);
      const rest = await store.conversations(bob, { below: first.next ?? 0, limit: 5 });
      expect(rest).toMatchObject({ conversations: [{ id: conversation, with: "alice", unread: 3 }] });
      expect(rest.next).toBeUndefined();
      expect((await store.conversations(alice, { below: newest, limit: 5 })).conversations).toHaveLength(1);
      for (const place of [{ conversation }, { with: "alice" }])
        expect((await store.conversation(bob, place)).conversations).toEqual(rest.conversations);
      for (const place of [{ conversation: "c1" }, { conversation: "nonsense" }, { with: "bob" }, { with: "dave" }])
        expect((await store.conversation(bob, place)).conversations).toEqual([]);
      expect((await store.conversation(person("carol", tenant), { conversation })).conversations).toEqual([]);
    });

    test("S6 Q3 ids are found in pages of any size, also where other senders use them", async () => {
      const tenant = newTenant();
      const ids = [newId(), newId(), newId()];
      for (const id of ids)
        for (const from of ["alice", "carol", "dave"])
          await accepted(store, { tenant, from, to: "bob", id, text: from });
      await accepted(store, { tenant, from: "alice", to: "carol", id: newId() });
      const seen: string[] = [];
      let order: PageOrder | undefined = {};
      while (order !== undefined) {
        const page: HistoryPage | null = await store.history(person("bob", tenant), { ids, order, limit: 1 });
        seen.push(...(page?.messages ?? []).map(({ id, text }) => `${ids.indexOf(id)} ${text}`));
        order = page?.next;
      }
      expect(seen.toSorted()).toEqual(
        [0, 1, 2].flatMap((i) => ["alice", "carol", "dave"].map((from) => `${i} ${from}`)),
      );
    });

    test("Q7 Q9 a mark is settled once it is on disk, also where a further one took its place", async () => {
      const tenant = newTenant();
      const bob = person("bob", tenant);
      const { conversation, n } = await accepted(store, { tenant, from: "alice", to: "bob" });
      const later = await accepted(store, { tenant, from: "alice", to: "bob" });
      await store.openDevice(bob, "phone");
      const acks = [n, later.n, n].map((to) => new Promise((resolve) => store.ack(bob, "phone", to, resolve)));
      const reads = [1, 2].map((seq) => new Promise((resolve) => store.read(bob, conversation, seq, resolve)));
      expect(await Promise.all([...acks, ...reads])).toEqual([true, true, true, true, true]);
      expect(await store.openDevice(bob, "phone")).toMatchObject({ synced: later.n });
      const [listed] = (await store.conversations(bob, { below: newest, limit: 1 })).conversations;
      expect(listed).toMatchObject({ delivered: 2, read: 2, unread: 0 });
    });

    test("S4 a new device starts after what any device of its user acked, a first one at the beginning", async () => {
      const tenant = newTenant();
      const bob = person("bob", tenant);
      const sent = await accepted(store, { tenant, from: "alice", to: "bob" });
      expect(await store.openDevice(bob, "phone")).toMatchObject({ synced: 0, newest: 0 });
      store.ack(bob, "phone", sent.n);
      await marksCommitted(store);
      expect(await store.openDevice(bob, "laptop")).toMatchObject({ synced: sent.n });
      store.ack(bob, "phone", 1);
      await marksCommitted(store);
      expect(await store.openDevice(bob, "phone")).toMatchObject({ synced: sent.n, newest: sent.n });
    });

    test("S5 O9 read is clamped, raises delivered, moves for messages of others only and never goes back", async () => {
      const tenant = newTenant();
      const bob = person("bob", tenant);
      const marks = async () =>
        receipts((await readAll(store, bob)).changes).map(({ user, delivered, read }) => [user, delivered, read]);
      const { conversation } = await accepted(store, { tenant, from: "alice", to: "bob" });
      await accepted(store, { tenant, from: "bob", to: "alice" });
      await accepted(store, { tenant, from: "alice", to: "bob" });
      await accepted(store, { tenant, from: "bob", to: "alice" });
      store.read(bob, conversation, 2);
      await marksCommitted(store);
      expect(await marks()).toEqual([["bob", 1, 1]]);
      store.read(bob, conversation, 99);
      await marksCommitted(store);
      expect(await marks()).toEqual([["bob", 3, 3]]);
      store.read(bob, conversation, 1);
      store.read(person("carol", tenant), conversation, 3);
      await marksCommitted(store);
      expect(await marks()).toEqual([["bob", 3, 3]]);
    });

    test("S6 O6 pages of any size add up to the whole, in the order of n", async () => {
      const tenant = newTenant();
      const bob = person("bob", tenant);
      for (let i = 0; i < 12; i++) {
        const { conversation, seq } = await accepted(store, { tenant, from: `u${i % 4}`, to: "bob", text: `${i}` });
        if (i % 3 === 0) store.read(bob, conversation, seq);
        if (i % 3 === 1) await accepted(store, { tenant, from: "bob", conversation });
        await marksCommitted(store);
      }
      const whole = await readAll(store, bob);
      expect(messages(whole.changes)).toHaveLength(16);
      expect(receipts(whole.changes).length).toBeGreaterThan(2);
      for (const limit of [1, 2, 3, 5, 8]) expect(await readAll(store, bob, { limit })).toEqual(whole);
      for (const { n } of whole.changes)
        expect((await readAll(store, bob, { after: n, limit: 3 })).changes).toEqual(
          whole.changes.filter((change) => change.n > n),
        );
    });

    test("K66 messages of the log come in its order, page by page, of every tenant and without anything else", async () => {
      const { n: before } = await store.head();
      const tenants = [newTenant(), newTenant()];
      const sent = await Promise.all(
        Array.from({ length: 10 }, (_, i) =>
          accepted(store, { tenant: tenants[i % 2] ?? "", from: "alice", to: "bob", text: `${i}` }),
        ),
      );
      await new Promise((resolve) => store.ack(person("bob", tenants[0] ?? ""), "phone", sent[9]?.n ?? 0, resolve));
      const { n: head } = await store.head();
      const found: number[] = [];
      let after = before;
      for (let pages = 0; after < head && pages < 20; pages++) {
        const page = await store.messages(after, 3);
        found.push(...page.messages.map(({ n }) => n));
        expect(page.messages.length).toBeLessThanOrEqual(3);
        expect(page.upTo).toBeGreaterThan(after);
        after = page.upTo;
      }
      expect(found).toEqual(sent.map(({ n }) => n).toSorted((a, b) => a - b));
      expect(await store.messages(head, 3)).toEqual({ messages: [], upTo: head });
      const [first] = (await store.messages(before, 1)).messages;
      expect(first).toMatchObject({ tenant: tenants[0], from: "alice", to: "bob", text: "0", seq: 1 });
    });

    test("K67 K68 K75 a place begins once, is one holder's at a time, and never goes back", async () => {
      const { n: head } = await accepted(store, { tenant: newTenant(), from: "alice", to: "bob" });
      const [now, start] = ["now", "start"].map((name) => store.places.place(name));
      if (!now || !start) throw new Error("There are two");
      await store.places.begin("now", "now");
      await store.places.begin("start", "start");
      expect(await now.worker()).toEqual({ holder: "", beat: 0 });
      const free = await now.worker();
      expect(await now.take("one", free)).toBe(head);
      expect(await now.take("other", free)).toBeNull();
      expect(await start.take("other", await start.worker())).toBe(0);
      expect(await now.beat("one", head + 5)).toBe(true);
      expect(await now.beat("one", head + 3)).toBe(true);
      expect(await now.beat("other", head + 9)).toBe(false);
      await now.leave("other");
      expect((await now.worker()).holder).toBe("one");
      await now.leave("one");
      await store.places.begin("now", "start");
      expect(await now.take("other", await now.worker())).toBe(head + 5);
    });

    test("S7 the log and the announced commits agree, complete and in order", async () => {
      const tenant = newTenant();
      const from = (await store.head()).n;
      const firstCommit = commits.length;
      await Promise.all(
        Array.from({ length: 30 }, (_, i) => accepted(store, { tenant, from: "alice", to: `u${i % 7}` })),
      );
      store.ack(person("u1", tenant), "d", 10 ** 9);
      await store.openDevice(person("u1", tenant), "d");
      store.ack(person("u1", tenant), "d", (await store.head()).n);
      await marksCommitted(store);
      const announced = commits.slice(firstCommit);
      for (const [i, commit] of announced.entries()) expect(commit.from).toBe(announced[i - 1]?.to ?? from);
      const entries = announced.flatMap((commit) => commit.entries);
      const read = [];
      for (let position = from, more = true; more;) {
        const stretch = await store.log(position, 4);
        read.push(...stretch.entries);
        ({ upTo: position, more } = stretch);
      }
      const shape = ({ tenant, users, change }: (typeof entries)[number]) => ({
        tenant,
        users: [...users].sort(),
        change,
      });
      expect(read.map(shape)).toEqual(entries.map(shape));
    });

    test("S8 an ack over more messages than one commit takes is carried on until it is whole", async () => {
      const { store: small } = await storeOn(place.engine, { limits: { ackMessagesMax: 7 } });
      const tenant = newTenant();
      const bob = person("bob", tenant);
      await small.openDevice(bob, "phone");
      const sent = await Promise.all(
        Array.from({ length: 50 }, () => accepted(small, { tenant, from: "alice", to: "bob" })),
      );
      small.ack(bob, "phone", sent.at(-1)?.n ?? 0);
      await until(async () => (await small.openDevice(bob, "phone")).synced === sent.at(-1)?.n);
      expect(receipts((await readAll(small, bob)).changes)).toMatchObject([{ user: "bob", delivered: 50, read: 0 }]);
    });

    test("S9 text and ids come back byte for byte", async () => {
      const tenant = newTenant();
      await fc.assert(
        fc.asyncProperty(fc.string({ unit: "binary", minLength: 1, maxLength: 60 }), async (text) => {
          fc.pre(!text.includes("\0") && text.isWellFormed());
          const { n } = await accepted(store, { tenant, from: "alice", to: "+249912345678", text });
          const [change] = (await readAll(store, person("+249912345678", tenant), { after: n - 1 })).changes;
          expect(change).toMatchObject({ text, to: "+249912345678" });
        }),
        { numRuns: runs * 4 },
      );
    });

    test("S13 texts of control characters do not cost other calls their answer", async () => {
      const tenant = newTenant();
      const text = "\u0001".repeat(16_384);
      const outcomes = await Promise.all([
        ...Array.from({ length: 64 }, () => append(store, { tenant, from: "eve", to: "mallory", text })),
        append(store, { tenant, from: "alice", to: "bob" }),
      ]);
      expect(outcomes.filter(({ type }) => type === "accepted")).toHaveLength(65);
      expect(messages((await readAll(store, person("mallory", tenant))).changes)).toHaveLength(64);
    });

    test("S10 O1 O2 O9 any history agrees with a plain model of it", async () => {
      const users = ["alice", "bob", "carol"] as const;
      const user = fc.constantFrom(...users);
      const operation = fc.oneof(
        fc.record({
          type: fc.constant("send" as const),
          from: user,
          to: user,
          id: fc.integer({ min: 0, max: 9 }),
          text: fc.constantFrom("x", "y"),
        }),
        fc.record({ type: fc.constant("ack" as const), user, part: fc.integer({ min: 0, max: 4 }) }),
        fc.record({ type: fc.constant("read" as const), user, other: user, seq: fc.integer({ min: 0, max: 8 }) }),
      );
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 40 }), async (operations) => {
          const tenant = newTenant();
          const ids = Array.from({ length: 10 }, newId);
          const model = createModel();
          for (const name of users) await store.openDevice(person(name, tenant), "d");
          for (const step of operations) {
            if (step.type === "send") {
              const outcome = await append(store, {
                tenant,
                from: step.from,
                to: step.to,
                id: ids[step.id] ?? "",
                text: step.text,
              });
              model.send(step, outcome);
            } else if (step.type === "ack") {
              const n = model.position(step.user, step.part);
              store.ack(person(step.user, tenant), "d", n);
              await marksCommitted(store);
              model.ack(step.user, n);
            } else {
              const conversation = await store.direct(tenant, step.user, step.other);
              if (conversation) store.read(person(step.user, tenant), conversation, step.seq);
              await marksCommitted(store);
              model.read(step.user, step.other, step.seq);
            }
          }
          for (const name of users) {
            const { changes } = await readAll(store, person(name, tenant), { limit: 3 });
            expect(messages(changes).map(({ from, to, seq, text }) => ({ from, to, seq, text }))).toEqual(
              model.messagesOf(name),
            );
            const got = receipts(changes).map(({ conversation: _, kind: __, n: ___, ...mark }) => mark);
            const order = (marks: object[]) => marks.map((mark) => JSON.stringify(mark)).sort();
            expect(order(got)).toEqual(order(model.receiptsOf(name)));
          }
        }),
        { numRuns: runs },
      );
    });
  });
}

/** The same promises without SQL: lists and maxima. */
function createModel() {
  type Sent = { n: number; from: string; to: string; seq: number; text: string; id: number };
  const sent: Sent[] = [];
  const acked = new Map<string, number>();
  const marks = new Map<string, { delivered: number; read: number }>();
  const pair = (one: string, other: string): string => [one, other].toSorted().join(" ");
  const mark = (user: string, other: string) => {
    const name = `${user} ${other}`;
    const found = marks.get(name) ?? { delivered: 0, read: 0 };
    marks.set(name, found);
    return found;
  };
  const fromOther = (user: string, other: string) =>
    user === other ? [] : sent.filter((message) => message.from === other && message.to === user);
  const last = (list: readonly Sent[]): number => list.at(-1)?.seq ?? 0;

  return {
    send({ from, to, id, text }: { from: string; to: string; id: number; text: string }, outcome: Outcome): void {
      const known = sent.find((message) => message.from === from && message.id === id);
      if (known) {
        const isSame = known.to === to && known.text === text;
        expect(outcome).toMatchObject(
          isSame ? { type: "accepted", seq: known.seq, n: known.n, duplicate: true } : { code: "conflict" },
        );
        return;
      }
      const seq = sent.filter((message) => pair(message.from, message.to) === pair(from, to)).length + 1;
      expect(outcome).toMatchObject({ type: "accepted", seq, duplicate: false });
      if (outcome.type === "accepted") sent.push({ n: outcome.n, from, to, seq, text, id });
    },
    position: (user: string, part: number): number => {
      const mine = sent.filter((message) => message.from === user || message.to === user);
      return mine[Math.floor((mine.length * part) / 4) - 1]?.n ?? 0;
    },
    ack(user: string, n: number): void {
      const since = acked.get(user) ?? 0;
      for (const message of sent)
        if (message.to === user && message.from !== user && message.n > since && message.n <= n) {
          const found = mark(user, message.from);
          found.delivered = Math.max(found.delivered, message.seq);
        }
      acked.set(user, Math.max(since, n));
    },
    read(user: string, other: string, seq: number): void {
      const target = last(fromOther(user, other).filter((message) => message.seq <= seq));
      const found = mark(user, other);
      found.read = Math.max(found.read, target);
      found.delivered = Math.max(found.delivered, target);
    },
    messagesOf: (user: string) =>
      sent
        .filter((message) => message.from === user || message.to === user)
        .map(({ from, to, seq, text }) => ({ from, to, seq, text })),
    receiptsOf: (user: string) =>
      [...marks]
        .map(([name, found]) => ({ people: name.split(" "), ...found }))
        .filter(({ people, delivered }) => people.includes(user) && delivered > 0)
        .map(({ people, delivered, read }) => ({ user: people[0] ?? "", delivered, read })),
  };
}
